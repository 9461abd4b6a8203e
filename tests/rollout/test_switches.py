"""Switches count at the next call, wherever they stand; whoever says off is right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.events import Event, RolloutChanged
from langchain_lucky_models.rollout.switches import ByHand, rule_of
from langchain_lucky_models.settings import RolloutConfig
from tests.loopback import Provider
from tests.rollout.homes import NAME, everybody, rolling

VARIABLE = "LUCKY_ROLLOUT_NEW_CHAT"


@pytest.mark.parametrize("word", ["off", "OFF ", "false", "no", "disabled"])
def test_the_environment_switches_off(word: str) -> None:
    assert rule_of(NAME, RolloutConfig(percentage=100), ByHand(), word).off == f"{VARIABLE} says so"


@pytest.mark.parametrize("word", ["maybe", "101", "-1", "1e1", "٣", "nan", "10 percent", "%"])
def test_what_nobody_can_read_in_the_environment_switches_off(word: str) -> None:
    assert "neither on, off nor a percentage" in rule_of(NAME, RolloutConfig(percentage=100), ByHand(), word).off


@pytest.mark.parametrize("word", [None, "", "on", "True", "yes", "enabled"])
def test_on_leaves_the_rest_as_it_is(word: str | None) -> None:
    rule = rule_of(NAME, RolloutConfig(percentage=30), ByHand(), word)
    assert (rule.percentage, rule.off) == (30, "")


@pytest.mark.parametrize(
    ("by_hand", "said", "percentage"),
    [(None, None, 10), (20, None, 20), (20, "30%", 30), (None, "0.5 %", 0.5), (0, None, 0)],
)
def test_the_environment_comes_before_the_method_before_the_configuration(
    by_hand: float | None, said: str | None, percentage: float
) -> None:
    assert rule_of(NAME, RolloutConfig(percentage=10), ByHand(percentage=by_hand), said).percentage == percentage


@pytest.mark.parametrize(
    ("config", "by_hand", "said"),
    [
        (RolloutConfig(percentage=100, enabled=False), ByHand(percentage=100), "100"),
        (RolloutConfig(percentage=100), ByHand(off=True, percentage=100), "on"),
        (RolloutConfig(percentage=100), ByHand(percentage=100), "off"),
        (None, ByHand(percentage=100), "100"),
    ],
)
def test_one_off_is_enough(config: RolloutConfig | None, by_hand: ByHand, said: str | None) -> None:
    assert rule_of(NAME, config, by_hand, said).off


def test_methods_count_at_the_next_call(provider: Provider) -> None:
    with rolling(provider, percentage=20) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.choose("ada")  # her share is 16.19
        rollout.switch_off()
        assert not rollout.choose("ada")
        assert rollout.choose("ada").reason == "switched off: switch_off() was called"
        rollout.switch_on()
        assert rollout.choose("ada")
        rollout.set_percentage(10)
        assert not rollout.choose("ada")
        assert repr(rollout) == "<Rollout new-chat: 10 %>"
        rollout.reset()
        assert rollout.choose("ada")
        assert registry.rollout(NAME) is rollout


def test_switching_on_does_not_overrule_the_configuration(provider: Provider) -> None:
    with everybody(provider, enabled=False) as registry:
        rollout = registry.rollout(NAME)
        rollout.switch_on()
        rollout.set_percentage(100)
        assert rollout.choose("ada").reason == "switched off: enabled is false"


def test_the_environment_is_read_at_every_call(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    with everybody(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.choose("ada")
        monkeypatch.setenv(VARIABLE, "off")
        assert not rollout.choose("ada")
        monkeypatch.setenv(VARIABLE, "5")
        assert rollout.choose("ada").reason == "16.19 is not below 5 %"
        monkeypatch.delenv(VARIABLE)
        assert rollout.choose("ada")


@pytest.mark.parametrize("percentage", [-1, 101, float("nan"), True, "10"])
def test_a_percentage_that_is_none_is_refused(percentage: float, provider: Provider) -> None:
    with rolling(provider) as registry, pytest.raises(ConfigError, match="from 0 to 100"):
        registry.rollout(NAME).set_percentage(percentage)


def test_an_unknown_feature_is_an_error_with_the_nearest_names() -> None:
    with create_llm_registry(rollout={"new-chat": {}, "search": {}}) as registry:
        with pytest.raises(ConfigError) as caught:
            registry.rollout("new_chat")
        assert str(caught.value) == ("there is no rollout 'new_chat'. Nearest: new-chat. There are: new-chat, search.")
        assert list(registry.rollouts()) == ["new-chat", "search"]


def test_a_registry_without_rollouts_says_how_to_set_one_up() -> None:
    with create_llm_registry() as registry, pytest.raises(ConfigError, match=r"None is configured: rollout="):
        registry.rollout("new-chat")


@pytest.mark.parametrize("user_id", ["", None, 7])
def test_somebody_has_to_ask(user_id: object, provider: Provider) -> None:
    with rolling(provider) as registry, pytest.raises(ConfigError, match="a user id is a text"):
        registry.rollout(NAME).choose(user_id)  # type: ignore[arg-type]


def test_every_change_is_told_once(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    with rolling(provider, percentage=20) as registry:
        rollout = registry.rollout(NAME)
        registry.subscribe(told.append, kinds=["rollout_changed"])
        rollout.choose("ada")
        rollout.switch_off()
        rollout.switch_off()
        monkeypatch.setenv(VARIABLE, "50")
        rollout.choose("ada")
        rollout.choose("ada")
    changes = [event for event in told if isinstance(event, RolloutChanged)]
    assert [(change.source, change.old["off"], change.new["off"]) for change in changes] == [
        ("method", "", "switch_off() was called"),
        ("environment", "switch_off() was called", "switch_off() was called"),
    ]
    assert [(change.name, change.old["percentage"], change.new["percentage"]) for change in changes] == [
        (NAME, 20, 20),
        (NAME, 20, 50),
    ]


def busy(rollout_call: Callable[[], str], stop: threading.Event, seen: list[tuple[float, str]]) -> None:
    while not stop.is_set():
        begun = time.perf_counter()
        seen.append((begun, rollout_call()))


def test_no_call_that_begins_after_the_off_switch_gets_the_new_path(provider: Provider) -> None:
    with everybody(provider) as registry:
        rollout = registry.rollout(NAME)
        stop = threading.Event()
        seen: list[list[tuple[float, str]]] = [[] for _ in range(4)]
        call = lambda: str(rollout.call("ada", lambda: "old", lambda: "new"))  # noqa: E731 - one expression
        threads = [threading.Thread(target=busy, args=(call, stop, mine)) for mine in seen]
        for thread in threads:
            thread.start()
        while not all(seen):
            time.sleep(0)
        rollout.switch_off()
        switched = time.perf_counter()
        while not all(mine[-1][0] > switched for mine in seen):
            time.sleep(0)
        stop.set()
        for thread in threads:
            thread.join()
    assert {path for mine in seen for begun, path in mine if begun > switched} == {"old"}
    assert any(path == "new" for mine in seen for _, path in mine)
