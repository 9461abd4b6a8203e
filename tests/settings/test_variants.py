"""The sides of an A/B experiment: who gets which, what it changes, and where that is told."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_lucky_models import ExperimentConfig
from langchain_lucky_models.errors import InvalidRefError, ModelNotAllowedError, UnknownExperimentError
from tests.homes import GROQ, MINI, OPENAI, registry_on, user_of
from tests.loopback import Provider

POLITE = {
    "defaults": {"params": {"temperature": 0}, "tags": ["thesis"]},
    "experiments": {
        "polite": {
            "models": [OPENAI],
            "strategy": "race",
            "params": {"max_tokens": 9},
            "tags": ["cost"],
            "variants": {
                "a": {"share": 50},
                "b": {
                    "share": 50,
                    "models": [GROQ, MINI],
                    "strategy": "fallback",
                    "params": {"max_tokens": 5},
                    "tags": ["short"],
                },
                "hidden": {"share": 0, "models": [MINI]},
            },
        },
        "apart": {"variants": {"a": {"models": [MINI]}, "b": {"models": [OPENAI]}}},
        "greedy": {"models": [MINI], "variants": {"a": {}, "b": {"models": ["openai#o3"]}}},
    },
}
SUBJECTS = {"ada": "b", "bob": "a", "user-1": "a", "user-2": "b", "user-3": "a", "user-4": "b", "7": "a"}
"""Who gets which variant of `polite`: promised."""


def split(**shares: float) -> ExperimentConfig:
    return ExperimentConfig.read({"models": [MINI], "variants": {name: {"share": s} for name, s in shares.items()}})


@pytest.mark.parametrize("subject", SUBJECTS)
def test_everybody_keeps_their_variant_for_ever(subject: str) -> None:
    assert split(a=50, b=50, hidden=0).variant_of(subject, "polite") == SUBJECTS[subject]


def test_shares_are_kept_to_and_only_their_relation_counts() -> None:
    """Of 10,000 subjects, within four standard deviations."""
    subjects = [f"user-{number}" for number in range(10_000)]
    counted = Counter(split(a=80, b=15, c=5).variant_of(subject, "polite") for subject in subjects)
    assert counted.keys() == {"a", "b", "c"}
    assert abs(counted["a"] - 8_000) < 160
    assert abs(counted["b"] - 1_500) < 143
    for subject in subjects[:500]:
        assert split(a=80, b=20).variant_of(subject, "polite") == split(a=4, b=1).variant_of(subject, "polite")


@given(some.text(), some.floats(0.5, 99.5), some.floats(0.5, 99.5))
def test_a_larger_share_takes_nobody_out(subject: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    if split(a=small, b=100 - small).variant_of(subject, "polite") == "a":
        assert split(a=large, b=100 - large).variant_of(subject, "polite") == "a"


@given(some.text(), some.dictionaries(some.sampled_from("abcdef"), some.floats(0, 1e6), min_size=1))
def test_somebody_gets_a_variant_that_has_a_share(subject: str, shares: dict[str, float]) -> None:
    shares["z"] = 1e-300
    got = split(**shares).variant_of(subject, "polite")
    assert got is not None
    assert shares[got] > 0


def test_two_experiments_share_out_independently() -> None:
    halves = split(a=1, b=1)
    same = sum(
        halves.variant_of(str(number), "polite") == halves.variant_of(str(number), "rude") for number in range(4_000)
    )
    assert abs(same - 2_000) < 130


def test_a_variant_lies_upon_its_experiment_which_lies_upon_the_defaults(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        user = user_of(registry)
        first, second = (user.experiment("polite", variant=name) for name in "ab")
        assert [str(member.ref) for member in first.line().candidates] == [OPENAI]
        assert [str(member.ref) for member in second.line().candidates] == [GROQ, MINI]
        assert [handle.line().manner.label for handle in (first, second)] == ["race", "fallback"]
        assert [dict(handle.line().candidates[0].params) for handle in (first, second)] == [
            {"temperature": 0, "max_tokens": 9},
            {"temperature": 0, "max_tokens": 5},
        ]
        assert [handle.tags for handle in (first, second)] == [["thesis", "cost"], ["thesis", "cost", "short"]]
        assert user.model("user:ada:apart@b").ref == OPENAI


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_an_answer_says_its_experiment_and_variant(provider: Provider, how: str) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        handle = user_of(registry).experiment("polite", subject="user-3")
        answer = handle.invoke("hi") if how == "invoke" else add_ai_message_chunks(*handle.stream("hi"))
        lucky = answer.response_metadata["lucky"]
        assert (lucky["experiment"], lucky["variant"]) == ("user:ada:polite", "a")
        plain = user_of(registry).model(MINI).invoke("hi").response_metadata["lucky"]
        assert not {"experiment", "variant"} & plain.keys()


def test_the_subject_decides_else_the_user_and_whoever_names_a_variant_gets_it(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        registry.load_user_config("bob", POLITE)
        for name, variant in SUBJECTS.items():
            assert user_of(registry).experiment("polite", subject=name).line().choice.variant == variant
        assert user_of(registry, "bob").model("user:bob:polite").line().choice.variant == SUBJECTS["bob"]
        hidden = user_of(registry).experiment("polite", variant="hidden", subject="user-3")
        assert (hidden.ref, hidden.line().choice.variant) == (MINI, "hidden")
        assert user_of(registry).experiment("polite", subject="").line().choice.variant == split(a=1, b=1).variant_of(
            "", "polite"
        )


def test_the_dry_run_tells_the_variant(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        told = user_of(registry).explain("user:ada:polite", subject="user-3")
        assert (told.experiment, told.variant) == ("user:ada:polite", "a")
        assert str(told).startswith("user:ada:polite, variant a: race of 1\n")
        assert user_of(registry).explain("user:ada:polite@b").variant == "b"
        assert user_of(registry).explain(MINI).experiment is None


def test_a_variant_that_is_none_is_told_the_nearest(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        user = user_of(registry)
        with pytest.raises(UnknownExperimentError) as caught:
            user.experiment("polite", variant="hiden")
        assert str(caught.value) == (
            "there is no variant 'hiden' of user:ada:polite. Nearest: hidden. There are: a, b, hidden."
        )
        with pytest.raises(InvalidRefError, match="names no variant"):
            user.experiment("polite", variant="")
        bob = user_of(registry, "bob")
        with pytest.raises(UnknownExperimentError, match=r"^there is no experiment 'user:ada:polite@b' for the user"):
            bob.model("user:ada:polite@b")


def test_a_variant_uses_only_what_its_user_may_use(provider: Provider) -> None:
    """Found when it is asked for; the other variant's users are not bothered."""
    with registry_on(provider) as registry:
        registry.load_user_config("ada", POLITE)
        assert user_of(registry).experiment("greedy", variant="a").ref == MINI
        with pytest.raises(ModelNotAllowedError, match="openai#o3"):
            user_of(registry).experiment("greedy", variant="b")


def test_a_running_handle_changes_sides_when_the_shares_do(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config(
            "ada", {"experiments": {"x": {"models": [MINI], "variants": {"a": {}, "b": {"share": 0}}}}}
        )
        handle = user_of(registry).experiment("x")
        assert handle.invoke("hi").response_metadata["lucky"]["variant"] == "a"
        registry.load_user_config(
            "ada", {"experiments": {"x": {"models": [MINI], "variants": {"a": {"share": 0}, "b": {}}}}}
        )
        assert handle.invoke("hi").response_metadata["lucky"]["variant"] == "b"


def test_what_a_tier_says_of_parameters_stands_where_nobody_says_otherwise(provider: Provider) -> None:
    """A handle's own fields that nobody filled in wipe nothing out."""
    tiers = {"small": {"models": [MINI, OPENAI], "params": {"temperature": 0.5, "max_tokens": 3, "timeout": 7}}}
    with registry_on(provider, tiers=tiers) as registry:
        user = user_of(registry)
        plain, own = user.tier("small"), user.tier("small", max_tokens=8)
        assert dict(plain.line().candidates[0].params) == {"temperature": 0.5, "max_tokens": 3}
        assert plain.line().manner.timeouts.total == 7
        assert dict(own.line().candidates[0].params) == {"temperature": 0.5, "max_tokens": 8}
        plain.invoke("hi")
    body = json.loads(provider.requests[-1].body)
    assert body["temperature"] == 0.5
    assert 3 in {body.get("max_tokens"), body.get("max_completion_tokens")}
