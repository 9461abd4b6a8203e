"""What a registry was told while it ran: as one value, in a file, and kept all the time."""

from __future__ import annotations

import logging
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models import Catalog, LLMRegistry, UserModels, create_llm_registry
from langchain_lucky_models.errors import CatalogError, ConfigError, UnknownExperimentError
from langchain_lucky_models.managing import RegistryState, SwitchState, read_state, write_state
from langchain_lucky_models.strategies import fallback

CANARY = "sk-canary-4711-never-shown"
TIERS = {"quick": {"strategy": "race", "models": ["openai#gpt-4o-mini", "groq#*"]}}
EXPERIMENTS = {"experiments": {"careful": {"models": ["openai#gpt-4o"], "params": {"temperature": 0}}}}


@contextmanager
def registry_of(**settings: object) -> Iterator[LLMRegistry]:
    """A registry over a packaged catalog of its own, whose keys hold a canary."""
    keys = {"openai": CANARY, "groq": CANARY}
    with create_llm_registry(catalog=Catalog.packaged(), fallback_keys=keys, **settings) as registry:  # type: ignore[arg-type]
        yield registry


def told(registry: LLMRegistry) -> None:
    """Everything that a registry can be told while it runs."""
    registry.catalog.register({"provider": "openai", "id": "ours", "pricing": {"input": "0.15", "output": "0.6"}})
    registry.catalog.update("openai#gpt-4o", limits={"output": 77})
    registry.catalog.set_status("openai#gpt-4.1", "retired")
    registry.catalog.remove("groq#llama-3.3-70b-versatile")
    registry.load_user_config("ada", EXPERIMENTS)
    registry.rollout("new-chat").set_percentage(100)
    registry.rollout("new-chat").switch_off()


def assert_knows_all(registry: LLMRegistry) -> None:
    """What `told` told is there."""
    catalog = registry.catalog
    assert catalog.get("openai#ours").pricing[0].input == Decimal("0.15")
    assert catalog.get("openai#gpt-4o").limits.output == 77
    assert catalog.get("openai#gpt-4.1").status.state == "retired"
    assert "groq#llama-3.3-70b-versatile" not in catalog
    ada = registry.for_user(user_id="ada", mode="shared", models=["openai#*"])
    assert order_of(ada, "user:ada:careful") == ["openai#gpt-4o"]
    assert not registry.rollout("new-chat").choose("ada")
    registry.rollout("new-chat").switch_on()
    assert registry.rollout("new-chat").choose("ada"), "the percentage that was set is there, under the off switch"


def order_of(user: UserModels, name: str) -> list[str]:
    """Who is asked."""
    return [str(step.ref) for step in user.explain(name).order]


class TestExport:
    """One value holds everything, and another registry takes it."""

    def test_another_registry_goes_on_where_the_first_one_was(self) -> None:
        with registry_of(
            tiers=TIERS,
            default_tier="quick",
            when_vanished="tier:quick",
            budgets=[{"scope": "user", "limit": "5", "window": "day"}],
            limits=[{"scope": "user", "requests_per_minute": 60}],
            rollout={"new-chat": {"percentage": 10}},
        ) as first:
            told(first)
            state = first.export_state()
        with registry_of() as second:
            second.import_state(state)
            assert_knows_all(second)
            ada = second.for_user(user_id="ada", mode="shared", models=["openai#*", "groq#*"])
            assert ada.explain("tier:quick").strategy == "race"
            assert order_of(ada, "tier:quick") == order_of(ada, ada.tier().model)
            assert [str(row.budget.limit) for row in ada.budget()] == ["5"]
            assert order_of(ada, "openai#gpt-4.1")[0] == "openai#gpt-4o-mini", "the stand-in is known"

    def test_what_was_imported_is_exported_the_same(self) -> None:
        with registry_of(tiers=TIERS, rollout={"new-chat": {}}) as first, registry_of() as second:
            told(first)
            second.import_state(first.export_state())
            assert second.export_state() == first.export_state()

    def test_what_the_other_registry_was_told_before_makes_place(self) -> None:
        with registry_of(rollout={"new-chat": {}}) as first, registry_of(rollout={"new-chat": {}}) as second:
            told(second)
            second.import_state(first.export_state(settings=False))
            assert not second.catalog.changes()
            with pytest.raises(UnknownExperimentError):
                second.for_user(user_id="ada", mode="shared", models=["openai#*"]).experiment("careful")
            assert second.rollout("new-chat").rule.percentage == 0

    def test_it_holds_no_key_and_no_address(self) -> None:
        own = {"kind": "openai_compatible", "base_url": "https://inner.example/v1", "api_key": CANARY}
        with registry_of(providers={"box": {**own, "headers": {"x-pass": CANARY}}}, tiers=TIERS) as registry:
            registry.for_user(user_id="ada", mode="byok", models=["openai#*"], api_keys={"openai": CANARY})
            registry.load_user_config("ada", EXPERIMENTS)
            state = registry.export_state().decode()
        assert "gpt-4o" in state
        assert "canary" not in state
        assert "inner.example" not in state

    def test_a_strategy_that_is_a_function_is_named_and_may_be_left_out(self) -> None:
        with registry_of(tiers={"own": {"strategy": fallback, "models": ["openai#gpt-4o"]}}) as registry:
            with pytest.raises(ConfigError, match=r"tiers.own: its strategy is a function.*settings=False"):
                registry.export_state()
            assert read_state(registry.export_state(settings=False)).settings is None


class TestRefusals:
    """What cannot be used changes nothing."""

    @pytest.mark.parametrize(
        ("state", "match"),
        [
            (RegistryState(users={"bob": {"experiment": {}}}), "users.bob"),
            (RegistryState(settings={"tiers": {"quick": {"models": []}}}), "tiers"),
            (RegistryState(settings={"default_tier": "nobody"}), "default_tier"),
            (RegistryState(settings={"budgets": [{"limit": "10$"}]}), "budgets"),
        ],
        ids=["a user", "a tier", "a default", "a budget"],
    )
    def test_a_state_is_taken_whole_or_not_at_all(self, state: RegistryState, match: str) -> None:
        with registry_of(rollout={"new-chat": {}}) as registry:
            told(registry)
            before = registry.export_state()
            other = registry.catalog.changes().model_copy(update={"removed": ("openai#gpt-4o-mini",)})
            with pytest.raises(ConfigError, match=match):
                registry.import_state(write_state(state.model_copy(update={"catalog": other})))
            assert registry.export_state() == before
            assert "openai#gpt-4o-mini" in registry.catalog

    def test_a_model_that_is_refused_names_itself(self) -> None:
        with registry_of() as registry:
            registry.catalog.register({"provider": "openai", "id": "ours"})
            good = registry.export_state()
            wrong = read_state(good).model_dump(mode="json", exclude_defaults=True)
            wrong["catalog"]["models"][0]["entry"]["id"] = "<script>"
            with pytest.raises((ConfigError, CatalogError), match="script"):
                registry.import_state(write_state(RegistryState.model_validate(wrong)))
            assert registry.export_state() == good

    @pytest.mark.parametrize(
        ("spoil", "match"),
        [
            (lambda blob: blob[:-20], "no JSON, or is cut short"),
            (lambda _: b"", "no JSON, or is cut short"),
            (lambda blob: blob.replace(b"77", b"78"), "checksum is wrong"),
            (lambda _: b'{"kind": "something else"}', "no state of a registry"),
            (lambda _: b"[1, 2]", "no state of a registry"),
            (lambda _: b"\x80\x04K\x01.", "no JSON"),
            (lambda blob: blob.replace(b'"schema_version":1', b'"schema_version":2'), "schema_version is 2, not 1"),
            (lambda _: b" " * (64 * 2**20 + 1), "larger than"),
        ],
        ids=["cut", "empty", "edited", "of another kind", "a list", "a pickle", "of a later release", "huge"],
    )
    def test_a_damaged_file_is_refused_by_its_fault(
        self, tmp_path: Path, spoil: Callable[[bytes], bytes], match: str
    ) -> None:
        """Case 105: JSON only, with a checksum and a bound."""
        path = tmp_path / "state.json"
        with registry_of() as registry:
            registry.catalog.update("openai#gpt-4o", limits={"output": 77})
            before = registry.catalog.state
            path.write_bytes(spoil(registry.export_state()))
            with pytest.raises(ConfigError, match=f"state.json.*({match}|larger)"):
                registry.load_state(path)
            assert registry.catalog.state is before

    def test_a_file_that_anybody_may_have_written_is_refused(self, tmp_path: Path) -> None:
        """Case 105: it is not ours."""
        path = tmp_path / "state.json"
        with registry_of() as registry:
            registry.save_state(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.chmod(0o666)
            with pytest.raises(ConfigError, match="anybody may write it"):
                registry.load_state(path)

    def test_files_that_are_not_there_are_named(self, tmp_path: Path) -> None:
        with registry_of() as registry:
            with pytest.raises(ConfigError, match=r"there is no file .*nowhere.json"):
                registry.load_state(tmp_path / "nowhere.json")
            with pytest.raises(ConfigError, match=r"cannot be written: No such file"):
                registry.save_state(tmp_path / "no folder" / "state.json")


class TestAutosave:
    """A file that always holds what was told."""

    def test_the_next_process_goes_on_where_the_last_one_was(self, tmp_path: Path) -> None:
        path = tmp_path / "state.json"
        settings: dict[str, object] = {"rollout": {"new-chat": {}}}
        with registry_of(**settings) as first:
            first.autosave(path)
            told(first)
        with registry_of(**settings) as second:
            second.autosave(path)
            assert_knows_all(second)
        assert CANARY.encode() not in path.read_bytes()

    def test_nothing_new_is_not_written(self, tmp_path: Path) -> None:
        path = tmp_path / "state.json"
        with registry_of() as registry:
            registry.autosave(path)
            registry.load_user_config("ada", EXPERIMENTS)
            written = path.stat().st_ino
            registry.load_user_config("ada", EXPERIMENTS)
        assert path.stat().st_ino == written, "a file that is written anew is another file"

    def test_one_registry_keeps_one_file(self, tmp_path: Path) -> None:
        with registry_of() as registry:
            registry.autosave(tmp_path / "state.json")
            with pytest.raises(ConfigError, match=r"keeps .*state.json already"):
                registry.autosave(tmp_path / "other.json")

    def test_a_disk_that_takes_nothing_is_told_once_and_made_up_for(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = tmp_path / "mounted"
        folder.mkdir()
        with registry_of() as registry:
            registry.autosave(folder / "state.json")
            folder.rename(tmp_path / "away")
            with caplog.at_level(logging.WARNING, "langchain_lucky_models.managing"):
                registry.load_user_config("ada", EXPERIMENTS)
                registry.load_user_config("bob", EXPERIMENTS)
            assert [record.getMessage().count("cannot be saved") for record in caplog.records] == [1]
            (tmp_path / "away").rename(folder)
        assert set(read_state((folder / "state.json").read_bytes()).users) == {"ada", "bob"}

    def test_many_threads_lose_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "state.json"

        def work(registry: LLMRegistry, one: int) -> None:
            for two in range(10):
                registry.catalog.register({"provider": "openai", "id": f"ours-{one}-{two}"})
                registry.for_user(user_id="ada", mode="shared", models=["openai#*"]).model(f"ours-{one}-{two}")

        with registry_of() as registry, ThreadPoolExecutor(8) as pool:
            registry.autosave(path)
            for done in [pool.submit(work, registry, one) for one in range(8)]:
                done.result()
        assert len(read_state(path.read_bytes()).catalog.models) == 80

    @pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.slow)])
    def test_a_process_that_is_killed_leaves_a_whole_file(self, tmp_path: Path, kills: int) -> None:
        """Case 105: `kill -9` at any instant leaves the old file or the new one, and nothing goes back."""
        path, dice, known = tmp_path / "state.json", random.Random(7), 0
        for _ in range(kills):
            child = subprocess.Popen([sys.executable, "-c", KEEPS, str(path)], stdout=subprocess.PIPE)
            assert child.stdout is not None
            for _ in range(dice.randrange(1, 40)):
                assert child.stdout.readline(), "the child ended by itself"
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
            state = read_state(path.read_bytes())
            assert len(state.users) >= known
            known = len(state.users)
        assert known > kills


KEEPS = """
import json, pathlib, sys
from langchain_lucky_models import Catalog, create_llm_registry

registry = create_llm_registry(catalog=Catalog())
registry.autosave(sys.argv[1])
path = pathlib.Path(sys.argv[1])
known = len(json.loads(path.read_bytes())["state"]["users"]) if path.exists() else 0
while True:
    registry.load_user_config(f"user-{known}", {"experiments": {"e": {"models": ["openai#gpt-4o"]}}})
    known += 1
    print(known, flush=True)
"""


def test_a_switch_without_a_feature_is_kept_for_nobody() -> None:
    """A state may speak of a feature that this configuration does not have; the others are taken."""
    state = RegistryState(rollouts={"gone": SwitchState(off=True), "new-chat": SwitchState(percentage=50)})
    with registry_of(rollout={"new-chat": {}}) as registry:
        registry.import_state(write_state(state))
        assert registry.rollout("new-chat").rule.percentage == 50
