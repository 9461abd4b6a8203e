"""A search finds what the query says, and nothing that nobody knows to be so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.search import Query, cheapest, matches, query_of, select
from langchain_lucky_models.errors.base import ConfigError
from tests.catalog.rows import entry, priced, score, speed

DAY = dt.date(2026, 11, 1)

MODELS = [
    priced(
        "openai#gpt-5.4",
        "2",
        "10",
        name="GPT-5.4",
        family="gpt",
        version="5.4",
        release_date="2026-03-05",
        capabilities={"tools": True, "vision": True},
        modalities={"input": ["text", "image"], "output": ["text"]},
        limits={"context": 400_000},
        intelligence=score(8.4),
        speed=speed("medium", 54),
        tags=["reasoning", "long-context"],
    ),
    priced(
        "groq#openai/gpt-oss-20b",
        "0.075",
        "0.3",
        family="gpt-oss",
        version="1",
        release_date="2025-08-05",
        capabilities={"tools": True, "vision": False},
        limits={"context": 131_072},
        intelligence=score(5.8),
        speed=speed("fast", 332),
        tags=["open-weights"],
    ),
    priced(
        "openrouter#z/new",
        "0.1",
        "0.4",
        capabilities={"tools": "some_endpoints"},
        limits={"context": 131_072},
        intelligence=score(7.5, "estimated"),
        status={"state": "preview"},
        tags=["reasoning"],
    ),
    priced("groq#llama-3.3", "0.5", "0.8", version="3.3", status={"state": "retired", "shutdown_on": "2026-08-16"}),
    priced("openai#old", "30", "60", status={"state": "deprecated"}, speed=speed("slow", 12)),
    entry("vllm#mystery"),
]


def _found(**filters: Any) -> list[str]:
    return [model.id for model in select(MODELS, query_of(None, filters), on=DAY)]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [model.id for model in MODELS]),
    ({"provider": "groq"}, ["openai/gpt-oss-20b", "llama-3.3"]),
    ({"provider": ["openrouter", "vllm"]}, ["z/new", "mystery"]),
    ({"capability": "tools"}, ["gpt-5.4", "openai/gpt-oss-20b", "z/new"]),
    ({"capability": ["tools", "vision"]}, ["gpt-5.4"]),
    ({"input_modality": "image"}, ["gpt-5.4"]),
    ({"output_modality": "audio"}, []),
    ({"min_context": 131_072}, ["gpt-5.4", "openai/gpt-oss-20b", "z/new"]),
    ({"max_context": 131_072}, ["openai/gpt-oss-20b", "z/new"]),
    ({"min_context": 131_073, "max_context": 400_000}, ["gpt-5.4"]),
    ({"name": "gpt-*"}, ["gpt-5.4"]),
    ({"name": "*GPT-oss*"}, ["openai/gpt-oss-20b"]),
    ({"name": "groq#*"}, ["openai/gpt-oss-20b", "llama-3.3"]),
    ({"name": "gpt"}, []),
    ({"family": "gpt"}, ["gpt-5.4"]),
    ({"tags": "reasoning"}, ["gpt-5.4", "z/new"]),
    ({"tags": ["reasoning", "long-context"]}, ["gpt-5.4"]),
    ({"status": "retired"}, ["llama-3.3"]),
    ({"status": ["preview", "deprecated"]}, ["z/new", "old"]),
    ({"exclude_deprecated": True}, ["gpt-5.4", "openai/gpt-oss-20b", "z/new", "mystery"]),
    ({"max_price": "0.175"}, ["openai/gpt-oss-20b", "z/new"]),
    ({"max_price": 0.1}, []),
    ({"max_input_price": "0.1"}, ["openai/gpt-oss-20b", "z/new"]),
    ({"max_output_price": "0.3"}, ["openai/gpt-oss-20b"]),
    ({"max_input_price": 1, "max_output_price": "0.35"}, ["openai/gpt-oss-20b"]),
    ({"min_intelligence": 5.8}, ["gpt-5.4", "openai/gpt-oss-20b"]),
    ({"min_intelligence": 7, "allow_estimated": True}, ["gpt-5.4", "z/new"]),
    ({"speed": "fast"}, ["openai/gpt-oss-20b"]),
    ({"speed": ["medium", "slow"]}, ["gpt-5.4", "old"]),
    ({"min_version": "3.3"}, ["gpt-5.4", "llama-3.3"]),
    ({"min_version": "2", "max_version": "5"}, ["llama-3.3"]),
    ({"limit": 2}, ["gpt-5.4", "openai/gpt-oss-20b"]),
    ({"limit": 0}, []),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=lambda value: str(value)[:50])
def test_each_filter_keeps_those_it_names(filters: dict[str, Any], expected: list[str]) -> None:
    assert _found(**filters) == expected


ORDERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"sort_by": "price"}, ["openai/gpt-oss-20b", "z/new", "llama-3.3", "gpt-5.4", "old", "mystery"]),
    (
        {"sort_by": "price", "reverse": True},
        ["old", "gpt-5.4", "llama-3.3", "z/new", "openai/gpt-oss-20b", "mystery"],
    ),
    ({"sort_by": "intelligence", "limit": 3}, ["gpt-5.4", "z/new", "openai/gpt-oss-20b"]),
    ({"sort_by": "speed", "limit": 3}, ["openai/gpt-oss-20b", "gpt-5.4", "old"]),
    ({"sort_by": "context", "limit": 3}, ["gpt-5.4", "openai/gpt-oss-20b", "z/new"]),
    ({"sort_by": "release_date", "limit": 2}, ["gpt-5.4", "openai/gpt-oss-20b"]),
    ({"sort_by": "release_date", "reverse": True, "limit": 2}, ["openai/gpt-oss-20b", "gpt-5.4"]),
    ({"sort_by": "name", "limit": 3}, ["gpt-5.4", "llama-3.3", "mystery"]),
]


@pytest.mark.parametrize(("filters", "expected"), ORDERS, ids=lambda value: str(value)[:50])
def test_the_best_come_first_and_the_unknown_last(filters: dict[str, Any], expected: list[str]) -> None:
    assert _found(**filters) == expected


def test_a_field_set_anew_leaves_the_others_of_a_query() -> None:
    query = query_of(Query(provider=frozenset({"groq"})), {"limit": 1})
    assert (query.provider, query.limit) == (frozenset({"groq"}), 1)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"max_prise": 1}, "no 'max_prise'.*Nearest: max_price"),
        ({"capability": "tool"}, "no capability 'tool'.*tools"),
        ({"speed": "quick"}, "speed.*'fast', 'medium' or 'slow'"),
        ({"max_price": -1}, "max_price.*greater than or equal to 0"),
        ({"max_price": "NaN"}, "max_price.*finite"),
        ({"limit": -1}, "limit"),
    ],
)
def test_a_query_that_cannot_be_is_refused_by_name(filters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        query_of(None, filters)


def test_the_cheapest_is_the_cheapest_in_service_that_matches() -> None:
    """Retired models, unknown prices and models that do not chat are passed over."""
    vectors = priced("openai#vectors", "0.01", "0.01", tags=["embedding"])
    found = cheapest([vectors, *MODELS], query_of(None, {"capability": "tools"}), on=DAY)
    assert found is not None
    assert found.id == "openai/gpt-oss-20b"
    assert cheapest(MODELS, query_of(None, {"name": "llama*"}), on=DAY) is None


def test_of_two_equally_cheap_models_the_more_intelligent_is_the_cheapest() -> None:
    twins = [priced("a#one", "1", "1"), priced("a#two", "1", "1", intelligence=score(4)), priced("a#three", "1", "1")]
    found = cheapest(twins, Query(), on=DAY)
    assert found is not None
    assert found.id == "two"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_an_empty_query_matches_everything(model: ModelEntry) -> None:
    assert matches(model, Query(), on=DAY)
