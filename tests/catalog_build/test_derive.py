"""What follows by rule: status, capabilities, versions, tags."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from catalog_build.claims import Fact, PriceClaim
from catalog_build.derive import base_of, capabilities_of, is_absent, status_of, tags_of, version_of
from langchain_lucky_models.catalog.entry import PriceModes, PricePeriod, Rates

TODAY = dt.date(2026, 11, 12)


def state(model: str = "m", *, absent: bool = False, **facts: Fact) -> Fact:
    """The state that follows from facts of the status."""
    named = {f"status.{name}": value for name, value in facts.items()}
    return status_of(named, model, absent=absent, on=TODAY)["state"]


@pytest.mark.parametrize(
    ("shutdown", "expected"),
    [
        ("2026-11-12", "retired"),
        ("2026-11-13", "deprecated"),
        ("2027-05-11", "deprecated"),
        ("2027-05-12", "available"),
    ],
)
def test_a_shutdown_retires_on_its_day_and_deprecates_half_a_year_ahead(shutdown: str, expected: str) -> None:
    assert state(shutdown_on=shutdown) == expected


def test_what_a_providers_own_list_does_not_have_is_retired() -> None:
    assert state(absent=is_absent("groq", {"litellm", "models.dev"})) == "retired"
    assert state(absent=is_absent("groq", {"litellm", "groq"})) == "available"
    assert state(absent=is_absent("openai", {"litellm"})) == "available"


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "grok-4-beta", "x-exp-1", "preview"])
def test_a_name_that_says_preview_is_one(model: str) -> None:
    assert state(model) == "preview"
    assert state(model.replace("-", "")) == ("preview" if model == "preview" else "available")


def test_a_stated_state_counts_more_than_the_name() -> None:
    assert state("x-preview", state="deprecated") == "deprecated"


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gpt-5.6-sol", "5.6"),
        ("claude-opus-4-8", "4.8"),
        ("claude-haiku-4-5-20251001", "4.5"),
        ("anthropic/claude-3.5-sonnet:beta", "3.5"),
        ("deepseek-v4-1-flash-1017", "4.1"),
        ("deep-research-preview-04-2026", None),
        ("gpt-oss-120b", None),
        ("llama-4-scout-17b-16e-instruct", "4"),
        ("mixtral-8x7b-32768", None),
        ("gpt-3.5-turbo-0125", "3.5"),
        ("mistral-large-2411", None),
        ("qwen3.8-27b", "3.8"),
    ],
)
def test_a_version_is_neither_a_date_nor_a_size(model: str, version: str | None) -> None:
    assert version_of(model) == version


def test_only_providers_with_variants_have_them() -> None:
    assert base_of({}, "openrouter", "openai/gpt-oss-20b:free", None) == "openai/gpt-oss-20b"
    assert base_of({}, "requesty", "gpt-5@eu", None) == "gpt-5"
    assert base_of({}, "ollama", "llama3.1:8b", None) is None
    assert base_of({"base": "m"}, "openrouter", "m", None) is None


def test_capabilities_that_follow_are_marked_and_never_contradict_what_is_stated() -> None:
    batch = PriceModes(batch=Rates(input=Decimal("0.5")))
    price = PriceClaim("priced", (PricePeriod(input=Decimal(1), cache_read=Decimal("0.1"), modes=batch),))
    facts: dict[str, Fact] = {
        "modalities.input": ("text",),
        "modalities.output": ("text",),
        "capabilities.json_schema": True,
        "capabilities.prompt_cache": False,
    }
    found, ruled = capabilities_of(facts, "openai", price)
    assert found == {"streaming": True, "json_mode": True, "json_schema": True, "prompt_cache": False, "batch": True}
    assert ruled


def test_what_does_not_converse_is_not_said_to_stream() -> None:
    facts: dict[str, Fact] = {"modalities.input": ("audio",), "modalities.output": ("text",)}
    assert capabilities_of(facts, "openai", None) == ({}, False)


def test_a_schema_mode_does_not_bring_a_json_mode_everywhere() -> None:
    found, ruled = capabilities_of({"capabilities.json_schema": True}, "anthropic", None)
    assert found == {"json_schema": True}
    assert not ruled


def test_tags_say_what_can_be_searched_for() -> None:
    facts: dict[str, Fact] = {
        "modalities.output": ("image", "text"),
        "limits.context": 200_000,
        "capabilities.reasoning": True,
        "open_weights": True,
    }
    assert tags_of(facts, "x-coder-latest", PriceClaim("free")) == (
        "coding",
        "free",
        "image",
        "long-context",
        "open-weights",
        "reasoning",
        "rolling",
    )
    assert tags_of({"capabilities.tools": "some_endpoints"}, "decoder", None) == ()
