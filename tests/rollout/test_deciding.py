"""Who gets the new path: the same users everywhere and always, and as many as the percentage says."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models.rollout import Rule, decide

GOLDEN = {
    "ada": 16.1930294578596,
    "bob": 30.061703901521298,
    "grace": 6.790781541650404,
    "user-1": 52.01842416459543,
    "ünïcode": 93.5245388772982,
}
IDS = some.text(min_size=1, max_size=20)
PERCENTAGES = some.floats(0, 100, allow_nan=False)


@pytest.mark.parametrize("user_id", GOLDEN)
def test_a_share_is_what_it_was_in_every_release(user_id: str) -> None:
    assert decide(Rule("new-chat"), user_id).share == GOLDEN[user_id]


def test_every_process_decides_alike() -> None:
    code = (
        "from langchain_lucky_models.rollout import Rule, decide\n"
        "print([bool(decide(Rule('new-chat', percentage=30), f'user-{n}')) for n in range(300)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    here = [bool(decide(Rule("new-chat", percentage=30), f"user-{n}")) for n in range(300)]
    assert said == {f"{here}\n"}


@pytest.mark.parametrize("percentage", [0, 0.1, 1, 10, 50, 90, 99.9, 100])
def test_as_many_get_it_as_the_percentage_says(percentage: float) -> None:
    """Of 20,000 users, within four standard deviations."""
    users = 20_000
    share = percentage / 100
    got = sum(bool(decide(Rule("new-chat", percentage), f"user-{n}")) for n in range(users))
    assert abs(got - share * users) <= 4 * math.sqrt(users * share * (1 - share))


def test_shares_are_uniform_in_every_tenth() -> None:
    """Chi squared over ten tenths of 20,000 users stays below what one in 10,000 fair draws exceeds."""
    tenths = [0] * 10
    for number in range(20_000):
        tenths[int(decide(Rule("new-chat"), f"{number}@example.org").share // 10)] += 1
    assert sum((count - 2_000) ** 2 / 2_000 for count in tenths) < 33.7


def test_features_choose_independently() -> None:
    """Who is among the first tenth of one feature is in the first tenth of another as rarely as anybody."""
    both = sum(
        bool(decide(Rule("new-chat", 10), f"user-{n}")) and bool(decide(Rule("search", 10), f"user-{n}"))
        for n in range(20_000)
    )
    assert abs(both - 200) <= 4 * math.sqrt(200)


@given(IDS, PERCENTAGES, PERCENTAGES)
def test_raising_the_percentage_takes_it_from_nobody(user_id: str, one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    assert not decide(Rule("new-chat", lower), user_id) or decide(Rule("new-chat", higher), user_id)


@given(IDS)
def test_everybody_is_everybody_and_nobody_is_nobody(user_id: str) -> None:
    assert decide(Rule("new-chat", 100), user_id).new
    assert not decide(Rule("new-chat", 0), user_id).new


@given(IDS, PERCENTAGES, some.sets(some.sampled_from(["off", "denied", "allowed"])))
def test_off_comes_before_deny_before_allow_before_the_percentage(
    user_id: str, percentage: float, said: set[str]
) -> None:
    listed = frozenset({user_id})
    rule = Rule(
        "new-chat",
        percentage,
        allow=listed if "allowed" in said else frozenset(),
        deny=listed if "denied" in said else frozenset(),
        off="somebody" if "off" in said else "",
    )
    found = decide(rule, user_id)
    by_percentage = decide(Rule("new-chat", percentage), user_id).new
    expected = not said & {"off", "denied"} and ("allowed" in said or by_percentage)
    assert found.new == expected
    assert bool(found) == expected


def test_a_decision_says_why() -> None:
    rule = Rule("new-chat", 10, allow=frozenset({"bob"}), deny=frozenset({"eve"}))
    assert decide(rule, "bob").reason == "allowed"
    assert decide(rule, "eve").reason == "denied"
    assert decide(rule, "ada").reason == "16.19 is not below 10 %"
    assert decide(Rule("new-chat", 20), "ada").reason == "16.19 is below 20 %"
