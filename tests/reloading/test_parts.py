"""A folder of users and a catalog overlay: what becomes of each line of them while the registry runs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models import ConfigReloaded
from langchain_lucky_models.errors import CatalogError, ConfigError, UnknownExperimentError, UnknownModelError
from tests.homes import MINI, OPENAI, user_of
from tests.reloading.conftest import Site

MINE = "experiments:\n  mine: {models: ['%s']}\n"
TINY = "add:\n  - {provider: mybox, id: tiny, family: small}\n"


@pytest.fixture
def users(site: Site) -> Path:
    """A folder with the experiments of Ada, which is watched."""
    folder = site.folder / "users"
    folder.mkdir()
    (folder / "ada.yaml").write_text(MINE % OPENAI)
    site.registry.watch(users=folder, polling=False)
    return folder


def asked_by(site: Site, user_id: str) -> str:
    handle = user_of(site.registry, user_id).experiment("mine")
    return str(handle.invoke("hi").response_metadata["lucky"]["ref"])


class TestUsers:
    def test_who_is_new_who_changed_and_who_is_gone(self, site: Site, users: Path) -> None:
        (users / "bob.yaml").write_text(MINE % OPENAI)
        (users / "ada.yaml").write_text(MINE % MINI)
        site.registry.reload()
        assert (asked_by(site, "ada"), asked_by(site, "bob")) == (MINI, OPENAI)
        (users / "ada.yaml").unlink()
        site.registry.reload()
        assert asked_by(site, "bob") == OPENAI
        assert site.told() == ["config_reloaded", "config_reloaded"]
        assert [event.changed for event in site.heard if isinstance(event, ConfigReloaded)] == [
            ("ada", "bob"),
            ("ada",),
        ]

    def test_who_is_gone_is_refused_at_the_next_call(self, site: Site, users: Path) -> None:
        """Case 99: a handle that was made before stops too."""
        handle = user_of(site.registry, "ada").experiment("mine")
        handle.invoke("hi")
        (users / "ada.yaml").unlink()
        site.registry.reload()
        with pytest.raises(UnknownExperimentError, match="mine"):
            handle.invoke("hi")

    def test_one_bad_file_is_no_matter_to_the_others(self, site: Site, users: Path) -> None:
        (users / "ada.yaml").write_text("experiments:\n  mine: {modles: [x]}\n")
        (users / "bob.yaml").write_text(MINE % MINI)
        site.look(2)
        assert (asked_by(site, "ada"), asked_by(site, "bob")) == (OPENAI, MINI)
        assert site.states() == {"lucky.yaml": "current", "users": "current", "ada.yaml": "rejected"}
        (users / "ada.yaml").write_text(MINE % MINI)
        site.look(2)
        assert asked_by(site, "ada") == MINI
        assert site.states() == {"lucky.yaml": "current", "users": "current"}
        assert site.told() == ["config_rejected", "config_reloaded", "config_reloaded"]

    def test_a_folder_that_is_away_takes_nobodys_experiments(self, site: Site, users: Path) -> None:
        users.rename(users.with_name("elsewhere"))
        site.look(2)
        assert asked_by(site, "ada") == OPENAI
        assert site.states()["users"] == "rejected"
        users.with_name("elsewhere").rename(users)
        site.look(2)
        assert site.states()["users"] == "current"

    def test_what_was_loaded_by_hand_stays(self, site: Site, users: Path) -> None:
        site.registry.load_user_config("eve", {"experiments": {"mine": {"models": [MINI]}}})
        (users / "ada.yaml").unlink()
        site.registry.reload()
        assert asked_by(site, "eve") == MINI

    def test_a_link_out_of_the_folder_is_refused_also_when_it_comes_later(self, site: Site, users: Path) -> None:
        """Case 95: a file that was one of the folder's becomes a link to somebody else's."""
        foreign = site.folder / "foreign.yaml"
        foreign.write_text(MINE % MINI)
        (users / "ada.yaml").unlink()
        (users / "ada.yaml").symlink_to(foreign)
        site.registry.reload()
        assert asked_by(site, "ada") == OPENAI
        assert site.states()["ada.yaml"] == "rejected"

    def test_what_stands_in_watched_files_is_not_kept_as_what_was_told(self, site: Site, users: Path) -> None:
        """Else who is taken out of the folder while nothing runs would come back with the state."""
        site.registry.load_user_config("eve", {"experiments": {"mine": {"models": [MINI]}}})
        state = site.registry.export_state(settings=False)
        assert b"eve" in state
        assert b"ada" not in state
        site.registry.import_state(state)
        assert (asked_by(site, "ada"), asked_by(site, "eve")) == (OPENAI, MINI)
        assert users.exists()


class TestCatalog:
    def test_each_line_holds_while_it_stands_there(self, site: Site) -> None:
        file, catalog = site.folder / "models.yaml", site.registry.catalog
        before = catalog.get(OPENAI)
        file.write_text(f"{TINY}update:\n  {OPENAI}: {{pricing: {{input: '123'}}}}\nremove: ['{MINI}']\n")
        site.registry.watch(catalog=file, polling=False)
        assert catalog.get("mybox#tiny").family == "small"
        assert catalog.get(OPENAI).pricing[-1].input == Decimal(123)
        assert MINI not in catalog
        file.write_text(f"update:\n  {MINI}: {{tags: [house]}}\n")
        site.look(2)
        assert "mybox#tiny" not in catalog
        assert catalog.get(OPENAI) == before
        assert catalog.get(MINI).tags == ("house",)
        assert site.told() == ["config_reloaded"]
        assert isinstance(event := site.heard[0], ConfigReloaded)
        assert (event.part, event.changed) == ("catalog", ("mybox#tiny", OPENAI, MINI))

    @pytest.mark.parametrize(
        "text", ["  - {provider: mybox}\n", "update:\n  mybox#none: {family: x}\n", "remove: ['mybox#none']\n"]
    )
    def test_a_bad_line_leaves_everything_as_it_was(self, site: Site, text: str) -> None:
        file, catalog = site.folder / "models.yaml", site.registry.catalog
        file.write_text(TINY)
        site.registry.watch(catalog=file, polling=False)
        before = catalog.state
        file.write_text(TINY.replace("small", "large") + text)
        site.look(2)
        assert catalog.state is before
        assert site.states()["models.yaml"] == "rejected"

    def test_a_bad_file_is_an_error_where_it_is_named(self, site: Site) -> None:
        file = site.folder / "models.yaml"
        for text, error in (
            ("add: [{provider: mybox}]\n", CatalogError),
            ("remove: ['mybox#none']\n", UnknownModelError),
            ("ad: []\n", ConfigError),
        ):
            file.write_text(text)
            with pytest.raises(error):
                site.registry.watch(catalog=file, polling=False)
        assert site.states() == {"lucky.yaml": "current"}

    def test_what_the_application_changes_lies_over_it(self, site: Site) -> None:
        file, catalog = site.folder / "models.yaml", site.registry.catalog
        file.write_text(f"{TINY}update:\n  {OPENAI}: {{tags: [house], family: ours}}\n")
        site.registry.watch(catalog=file, polling=False)
        catalog.update(OPENAI, family="mine")
        catalog.register({"provider": "mybox", "id": "huge"})
        file.write_text(f"update:\n  {OPENAI}: {{tags: [other], family: yours}}\n")
        site.look(2)
        assert (catalog.get(OPENAI).tags, catalog.get(OPENAI).family) == (("other",), "mine")
        assert "mybox#huge" in catalog
        assert "mybox#tiny" not in catalog

    def test_two_files_lie_over_each_other(self, site: Site) -> None:
        low, high, catalog = site.folder / "low.yaml", site.folder / "high.yaml", site.registry.catalog
        low.write_text(f"{TINY}update:\n  {OPENAI}: {{family: low}}\n")
        high.write_text("update:\n  mybox#tiny: {family: high}\n")
        site.registry.watch(catalog=low, polling=False)
        site.registry.watch(catalog=high, polling=False)
        low.write_text(f"{TINY}update:\n  {OPENAI}: {{family: lower}}\n")
        site.look(2)
        assert (catalog.get(OPENAI).family, catalog.get("mybox#tiny").family) == ("lower", "high")

    def test_what_an_operator_says_is_not_kept_as_the_applications(self, site: Site) -> None:
        file = site.folder / "models.yaml"
        file.write_text(TINY)
        site.registry.watch(catalog=file, polling=False)
        site.registry.catalog.register({"provider": "mybox", "id": "huge"})
        changes = site.registry.catalog.changes()
        assert [str(change.entry.ref) for change in changes.models] == ["mybox#huge"]
        site.registry.catalog.apply(changes)
        assert {"mybox#tiny", "mybox#huge"} <= {str(entry.ref) for entry in site.registry.catalog.entries()}
