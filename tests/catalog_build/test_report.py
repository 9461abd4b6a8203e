"""What was left out, who disagreed, why an entry says what it says, and what changed."""

from __future__ import annotations

import json

import pytest

from catalog_build.build import Built, build, gather
from catalog_build.diff import diff_lines
from catalog_build.explain import explain_lines
from catalog_build.report import report_bytes
from langchain_lucky_models.catalog.artefact import Artefact, Source
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors import UnknownModelError


def test_the_report_is_the_same_every_time(built: Built) -> None:
    assert report_bytes(built) == report_bytes(build(gather()))


def test_the_report_names_every_row_that_was_left_out(built: Built) -> None:
    quarantined = json.loads(report_bytes(built))["quarantined"]
    assert {(row["ref"], row["reason"]) for row in quarantined} == {(one.ref, one.reason) for one in built.refused}
    assert {
        "ref": "anthropic#claude-mythos-5",
        "source": "litellm",
        "reason": "only one source names a price",
    } in quarantined


def test_the_report_names_who_disagreed_about_a_price_and_a_limit(built: Built) -> None:
    report = json.loads(report_bytes(built))
    refs = {row["ref"] for row in report["prices"]}
    assert "openrouter#deepseek/deepseek-v4-flash" in refs
    fields = {row["field"] for row in report["conflicts"]}
    assert {"limits.output", "capabilities.json_schema"} <= fields


def test_the_reports_counts_are_the_artefacts(built: Built) -> None:
    counts = json.loads(report_bytes(built))["counts"]
    assert sum(counts[provider]["models"] for provider in counts) == len(built.artefact.models)


def test_an_explanation_names_winners_and_those_who_disagree(built: Built) -> None:
    lines = list(explain_lines(built, "groq#qwen/qwen3.8-27b"))
    assert lines[0] == "groq#qwen/qwen3.8-27b  available, priced"
    assert "pricing  groq, litellm, models.dev, genai-prices" in lines
    assert any(line.startswith("capabilities.json_schema = False  groq") for line in lines)
    assert any(line.startswith("    litellm says True") for line in lines)
    assert any(line.startswith("speed = fast") for line in lines)


def test_an_explanation_shows_who_names_another_cache_price(built: Built) -> None:
    """Two agree on a tenth of the input price; the third still has the older fifth."""
    lines = list(explain_lines(built, "anthropic#claude-sonnet-5-5"))
    cached = {line.split()[0]: line.rpartition(", ")[2] for line in lines if line.endswith("from a cache")}
    assert cached == {
        "genai-prices": "0.1 from a cache",
        "litellm": "0.1 from a cache",
        "models.dev": "0.2 from a cache",
    }


def test_an_explanation_says_why_there_is_no_price(built: Built) -> None:
    lines = list(explain_lines(built, "deepseek#deepseek-chat"))
    assert "pricing  no two sources agree about the price" in lines
    assert any(line.startswith("    litellm disagrees: 0.28/0.42") for line in lines)


def test_an_alias_and_a_snapshot_are_explained_too(built: Built) -> None:
    for ref in ("openai#gpt-5.6", "anthropic#claude-haiku-4-5-20251001"):
        assert next(explain_lines(built, ref)).endswith("available, priced")


def test_an_unknown_ref_is_answered_with_the_nearest(built: Built) -> None:
    with pytest.raises(UnknownModelError, match="Nearest: openai#gpt-4o") as refusal:
        list(explain_lines(built, "openai#gpt-4oo"))
    assert refusal.value.asked == "openai#gpt-4oo"


def artefact(*rows: dict[str, object], date: str = "2026-08-22") -> Artefact:
    """An artefact of these models and one source."""
    entries = tuple(ModelEntry.model_validate({"provider": "openai", **row}) for row in rows)
    return Artefact(as_of=date, sources=(Source(name="list", date=date, licence="MIT"),), models=entries)


def test_a_difference_is_told_leaf_by_leaf() -> None:
    old = artefact({"id": "gone"}, {"id": "m", "price_state": "priced", "pricing": [{"input": "5", "output": "30"}]})
    new = artefact(
        {"id": "m", "price_state": "priced", "pricing": [{"input": "4", "output": "30"}], "tags": ["vision"]},
        {"id": "new", "price_state": "priced", "pricing": [{"input": "1", "output": "2"}]},
        {"id": "odd"},
        date="2026-09-30",
    )
    assert list(diff_lines(old, new)) == [
        "- openai#gone",
        "+ openai#new  1/2",
        "+ openai#odd  unknown",
        "~ openai#m  pricing[0].input: 5 → 4",
        "source list: 2026-08-22 → 2026-09-30",
    ]


def test_nothing_changed_is_nothing_to_tell(built: Built) -> None:
    assert list(diff_lines(built.artefact, built.artefact)) == []


def test_a_new_period_is_told_whole() -> None:
    old = artefact({"id": "m", "version": "1"})
    new = artefact({"id": "m", "version": "2", "aliases": ["n"]})
    assert list(diff_lines(old, new)) == ["~ openai#m  aliases: nothing → ['n']", "~ openai#m  version: 1 → 2"]
