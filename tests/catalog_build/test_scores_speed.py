"""Speed: measured where a model is served, estimated with its reason, or not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_build.scores import ScoredModel, speed_of
from catalog_build.scores.names import Names
from catalog_build.scores.speed import Endpoint, Pace, Rules, Stopwatch, paces_of, weighted_median
from langchain_lucky_models.catalog.entry import Speed
from langchain_lucky_models.refs import ModelRef

STOPWATCH = Stopwatch.read()
RULES = Rules.read()
SOURCE = "openrouter-endpoints/2026-08-22/30min"


def a_model(ref: str, *, is_text: bool = True) -> ScoredModel:
    """A model of which nothing but its name is known."""
    parsed = ModelRef.parse(ref)
    return ScoredModel(ref, parsed.provider, parsed.model, None, None, None, None, None, is_text)


def timed(ref: str) -> Speed:
    """The speed of a model that has one."""
    speed = STOPWATCH.speed(a_model(ref))
    assert speed is not None
    return speed


@pytest.mark.parametrize(
    ("ref", "tokens_per_second", "rating"),
    [
        ("groq#openai/gpt-oss-120b", 337, "fast"),
        ("groq#openai/gpt-oss-20b", 332, "fast"),
        ("groq#openai/gpt-oss-safeguard-20b", 311, "fast"),
        ("groq#qwen/qwen3-32b", 396, "fast"),
        ("groq#meta-llama/llama-4-scout-17b-16e-instruct", 191, "fast"),
        ("groq#llama-3.3-70b-versatile", 111, "fast"),
        ("groq#llama-3.1-8b-instant", 99, "medium"),
        ("openai#gpt-4o", 40, "medium"),
        ("openai#gpt-4o-2024-05-13", 27, "slow"),
        ("google#gemini-3.1-pro-preview", 94, "medium"),
        ("anthropic#claude-opus-4-5", 23, "slow"),
        ("xai#grok-4.3", 96, "medium"),
        ("mistral#zai-glm-5-2", 121, "fast"),
    ],
)
def test_a_model_is_as_fast_as_it_was_measured_at_its_own_provider(
    ref: str, tokens_per_second: float, rating: str
) -> None:
    """The same model is another speed elsewhere, so no other provider's figure is taken."""
    speed = timed(ref)
    assert (speed.p50_tps, speed.rating) == (tokens_per_second, rating)
    assert (speed.evidence, speed.source) == ("measured", SOURCE)
    assert speed.ttft_ms is not None


def test_a_router_is_as_fast_as_the_endpoint_of_the_middle_request() -> None:
    """Most of the requests go to one endpoint; a faster one with a few and a fastest with hardly any change nothing."""
    endpoints = [
        Endpoint("maker/model-1", "OpenAI", 30, 900, 40),
        Endpoint("maker/model-1", "Azure", 50, 300, 1000),
        Endpoint("maker/model-1", "Groq", 400, 100, 300),
        Endpoint("maker/model-1", "Rarely", 1000, 10, 19),
    ]
    paces = paces_of(endpoints, RULES, STOPWATCH.names)
    assert paces["openrouter"] == {"maker/model-1": Pace(tokens_per_second=50, first_token_ms=300)}
    assert paces["groq"] == {"model-1": Pace(tokens_per_second=400, first_token_ms=100)}


@pytest.mark.parametrize(("requests", "is_measured"), [(19, False), (20, True)])
def test_twenty_requests_make_a_measurement(requests: int, *, is_measured: bool) -> None:
    """Fewer are chance."""
    paces = paces_of([Endpoint("openai/gpt-x", "OpenAI", 60, 500, requests)], RULES, STOPWATCH.names)
    assert ("gpt-x" in paces["openai"]) is is_measured


@pytest.mark.parametrize(
    ("tokens_per_second", "rating"), [(0.1, "slow"), (39.9, "slow"), (40, "medium"), (99.9, "medium"), (100, "fast")]
)
def test_the_ratings_begin_at_forty_and_at_a_hundred(tokens_per_second: float, rating: str) -> None:
    """Each bound belongs to the faster rating."""
    assert RULES.rating(tokens_per_second) == rating


@pytest.mark.parametrize(
    ("ref", "tokens_per_second", "rating"),
    [
        ("groq#qwen/qwen3.8-27b", 284.75, "fast"),
        ("google#gemini-4-argon", 87, "medium"),
        ("openai#gpt-6-sol", 57, "medium"),
        ("anthropic#claude-opus-5-5", 54.5, "medium"),
    ],
)
def test_a_model_that_was_not_measured_is_estimated_by_its_providers_median(
    ref: str, tokens_per_second: float, rating: str
) -> None:
    """The source says whose median it is, and no time to the first token is invented."""
    assert timed(ref) == Speed(
        rating=rating, p50_tps=tokens_per_second, evidence="estimated", source=f"{SOURCE}/provider-median"
    )


def test_a_snapshot_is_estimated_by_the_model_it_is_a_snapshot_of() -> None:
    """Where only the undated id was measured, the dated one is likely as fast, and said to be likely only."""
    assert timed("openai#gpt-5-2025-08-07") == Speed(
        rating="medium", p50_tps=66, evidence="estimated", source=f"{SOURCE}/undated"
    )


@pytest.mark.parametrize(
    "ref",
    [
        "requesty#gpt-4o",
        "ollama#llama3.2:1b",
        "openrouter#openai/gpt-4o:batch",
        "openai#gpt-5.2-pro",
        "openai#gpt-realtime-2.1",
    ],
)
def test_where_nothing_is_known_nothing_is_said(ref: str) -> None:
    """Unmeasured providers, deferred answers, models that are made to think longer or to speak."""
    assert STOPWATCH.speed(a_model(ref)) is None


def test_what_answers_in_pictures_has_no_tokens_a_second() -> None:
    """Even at a provider whose text models were measured."""
    assert STOPWATCH.speed(a_model("openai#gpt-image-2", is_text=False)) is None


def test_a_provider_with_few_measured_models_has_no_median() -> None:
    """Two models are no custom."""
    two = [Endpoint(f"openai/gpt-{letter}", "OpenAI", 60, 500, 100) for letter in "xy"]
    stopwatch = Stopwatch(RULES, Names.read(), paces_of(two, RULES, STOPWATCH.names), SOURCE)
    assert stopwatch.speed(a_model("openai#gpt-x")) is not None
    assert stopwatch.speed(a_model("openai#gpt-z")) is None


def test_adding_a_model_never_moves_anothers_speed() -> None:
    """Each speed is the one a model has alone, in whatever company and order."""
    models = [a_model(ref) for ref in ("openai#gpt-4o", "openai#gpt-6-sol", "groq#llama-3.1-8b-instant", "local#any")]
    alone = {model.ref: speed for model in models if (speed := STOPWATCH.speed(model))}
    assert speed_of(models) == alone
    assert speed_of([a_model("openai#gpt-7"), *reversed(models)]) == alone | {"openai#gpt-7": timed("openai#gpt-7")}


@given(st.lists(st.tuples(st.floats(0.1, 1000), st.integers(1, 10_000)), min_size=1))
def test_a_weighted_median_parts_the_weight_in_halves(values: list[tuple[float, int]]) -> None:
    """Neither what is below it nor what is above it holds more than half."""
    middle = weighted_median(values)
    total = sum(weight for _, weight in values)
    assert 2 * sum(weight for value, weight in values if value < middle) <= total
    assert 2 * sum(weight for value, weight in values if value > middle) <= total


def test_a_weighted_median_of_nothing_is_refused() -> None:
    """There is no pace without an endpoint."""
    with pytest.raises(ValueError, match="no median"):
        weighted_median([])
