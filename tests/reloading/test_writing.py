"""However a file is written, it is believed once it is whole, and never before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.reloading.files import Reading
from langchain_lucky_models.reloading.reloader import LOOK_EVERY, SETTLED_AFTER
from tests.homes import KEYS
from tests.loopback import Provider
from tests.reloading.conftest import Site

ASKED = "gpt-4.1"


def in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def renamed(file: Path, text: str) -> None:
    beside = file.with_name(".lucky.yaml.swp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def deleted_and_created(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text, encoding="utf-8")


def with_the_times_of_before(file: Path, text: str) -> None:
    facts = file.stat()
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("write", [in_place, renamed, deleted_and_created, with_the_times_of_before])
def test_however_it_is_written_it_holds_at_the_second_look(site: Site, write: Callable[[Path, str], None]) -> None:
    site.look(2)
    write(site.file, site.settings(ASKED))
    assert (site.look(), site.tier()) == (SETTLED_AFTER, "gpt-4o")
    assert (site.look(), site.tier()) == (LOOK_EVERY, ASKED)
    assert site.told() == ["config_reloaded"]


def test_a_file_that_is_half_written_is_not_believed(site: Site) -> None:
    site.look(2)
    text = site.settings(ASKED)
    for cut in (0, len(text) // 3, len(text) // 2, len(text) - 5):
        site.write(text[:cut])
        assert site.look() == SETTLED_AFTER
    site.write(text)
    site.look(2)
    assert site.tier() == ASKED
    assert site.told() == ["config_reloaded"]


def test_a_file_that_stays_empty_is_told_of_and_not_used(site: Site) -> None:
    site.write("")
    site.look(2)
    assert site.tier() == "gpt-4o"
    assert site.states() == {"lucky.yaml": "rejected"}
    assert "empty" in site.registry.health().config[0].reason
    assert site.told() == ["config_rejected"]


def test_a_file_that_vanishes_is_told_of_and_what_it_said_holds(site: Site) -> None:
    site.file.unlink()
    site.look(2)
    assert site.tier() == "gpt-4o"
    assert site.states() == {"lucky.yaml": "rejected"}
    site.write(site.settings())
    site.look(2)
    assert site.states() == {"lucky.yaml": "current"}
    assert site.told() == ["config_rejected", "config_reloaded"]


def test_what_a_file_says_is_read_only_where_it_may_have_become_another(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.look(2)
    part = site.registry._reloader._watched[site.file].part
    readings: list[Reading] = []
    read = part.read

    def counted() -> Reading:
        readings.append(read())
        return readings[-1]

    monkeypatch.setattr(part, "read", counted)
    site.look(5)
    assert readings == []
    os.utime(site.file)
    site.look(5)
    assert len(readings) == 2
    assert site.told() == []


def test_a_change_that_files_clocks_do_not_show_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file written twice within one tick of its clock looks the same; it is read once more when the tick is over."""
    monkeypatch.setattr("langchain_lucky_models.reloading.reloader.facts_of", lambda _path: ("the same",))
    site.look(1)
    site.write(site.settings(ASKED))
    site.look(2)
    assert site.tier() == ASKED


def test_a_mounted_configuration_is_swapped_by_one_link(tmp_path: Path, provider: Provider) -> None:
    """As platforms mount them: `lucky.yaml -> ..data/lucky.yaml`, `..data -> ..2026_11_21`, which is exchanged."""
    site = Site(tmp_path, provider)
    before, after, mount = site.settings(), site.settings(ASKED), tmp_path / "mount"
    site.registry.close()
    for name, text in (("..first", before), ("..second", after)):
        (mount / name).mkdir(parents=True)
        (mount / name / "lucky.yaml").write_text(text)
    (mount / "..data").symlink_to("..first")
    (mount / "lucky.yaml").symlink_to("..data/lucky.yaml")
    with create_llm_registry(mount / "lucky.yaml", fallback_keys=KEYS) as site.registry:
        site.look(2)
        (mount / "..new").symlink_to("..second")
        (mount / "..new").replace(mount / "..data")
        assert site.tier() == "gpt-4o"
        site.look(2)
        assert site.tier() == ASKED


def test_a_mounted_folder_of_users_is_swapped_by_one_link(site: Site) -> None:
    mount = site.folder / "mount"
    for name, model in (("..first", "gpt-4o"), ("..second", "gpt-4.1")):
        (mount / name).mkdir(parents=True)
        (mount / name / "ada.yaml").write_text(f"experiments: {{mine: {{models: [{model}]}}}}\n")
    (mount / "..data").symlink_to("..first")
    (mount / "ada.yaml").symlink_to("..data/ada.yaml")
    site.registry.watch(users=mount, polling=False)
    site.look(2)
    (mount / "..new").symlink_to("..second")
    (mount / "..new").replace(mount / "..data")
    site.look(2)
    experiment = site.registry._house.setup.user_configs["ada"].experiment("mine")
    assert experiment is not None
    assert experiment.models == ("gpt-4.1",)
