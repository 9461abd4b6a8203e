"""Tiers rank by price, speed and intelligence, keep everybody usable, and give a reason for each place."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.tiers import TIERS, rank, usable
from langchain_lucky_models.errors.base import ConfigError, UnknownTierError
from tests.catalog.rows import entry, priced, score, speed

DAY = dt.date(2026, 11, 1)


def _ids(tier: str, *entries: ModelEntry) -> list[str]:
    return [model.id for model in rank(tier, entries, on=DAY).entries]


def test_cheap_asks_the_cheapest_first_and_the_unknown_price_last() -> None:
    """Three parts input weigh against one part output."""
    models = [
        entry("a#unknown"),
        priced("a#long-answers", "1", "9"),
        priced("a#long-prompts", "2", "4"),
        entry("local#own", price_state="local"),
    ]
    assert _ids("cheap", *models) == ["own", "long-prompts", "long-answers", "unknown"]


def test_of_equally_cheap_models_the_more_intelligent_comes_first_then_the_list_decides() -> None:
    models = [
        priced("a#first", "1", "1", intelligence=score(5)),
        priced("a#second", "1", "1", intelligence=score(5)),
        priced("a#bright", "1", "1", intelligence=score(7)),
        priced("a#nobody-knows", "1", "1"),
    ]
    assert _ids("cheap", *models) == ["bright", "first", "second", "nobody-knows"]


def test_fast_asks_the_best_rating_first_then_the_cheaper_then_the_quicker() -> None:
    models = [
        priced("a#unrated", "0.1", "0.1"),
        priced("a#slow", "0.1", "0.1", speed=speed("slow", 39)),
        priced("a#medium", "0.1", "0.1", speed=speed("medium", 99)),
        priced("a#fast-dear", "9", "9", speed=speed("fast", 900)),
        priced("a#fast", "1", "1", speed=speed("fast", 101)),
        priced("a#faster", "1", "1", speed=speed("fast", 300)),
    ]
    assert _ids("fast", *models) == ["faster", "fast", "fast-dear", "medium", "slow", "unrated"]


def test_smart_asks_the_most_intelligent_first_and_the_cheaper_of_two() -> None:
    models = [
        priced("a#unscored", "0.1", "0.1"),
        priced("a#dear", "9", "9", intelligence=score(8)),
        priced("a#fair", "1", "1", intelligence=score(8)),
        priced("a#best", "50", "50", intelligence=score(9)),
    ]
    assert _ids("smart", *models) == ["best", "fair", "dear", "unscored"]


def test_balanced_asks_for_intelligence_for_the_money() -> None:
    models = [
        priced("a#best", "10", "10", intelligence=score(9)),
        priced("a#fair", "1", "1", intelligence=score(7)),
        priced("a#weak", "2", "2", intelligence=score(4)),
        entry("a#unknown", intelligence=score(9.5)),
    ]
    assert _ids("balanced", *models) == ["fair", "weak", "best", "unknown"]


def test_balanced_compares_free_models_by_intelligence() -> None:
    """A price under a cent counts as a cent."""
    models = [
        entry("local#weak", price_state="local", intelligence=score(3)),
        priced("a#tiny-price", "0.001", "0.001", intelligence=score(4)),
        entry("local#bright", price_state="local", intelligence=score(6)),
    ]
    assert _ids("balanced", *models) == ["bright", "tiny-price", "weak"]


def test_balanced_lets_no_estimate_win_while_somebody_was_measured() -> None:
    """The estimate came from the price, so its quotient says nothing."""
    guessed = priced("a#guessed", "0.02", "0.02", intelligence=score(8, "estimated"))
    measured = priced("a#measured", "50", "50", intelligence=score(3))
    other = priced("a#other", "0.04", "0.04", intelligence=score(8, "estimated"))
    assert _ids("balanced", guessed, measured) == ["measured", "guessed"]
    assert _ids("balanced", other, guessed) == ["guessed", "other"]


def test_prices_are_those_of_the_day() -> None:
    falling = entry(
        "a#falling",
        pricing=[
            {"until": "2026-12-01", "input": "5", "output": "5"},
            {"start": "2026-12-01", "input": "1", "output": "1"},
        ],
    )
    steady = priced("a#steady", "2", "2")
    before = rank("cheap", [falling, steady], on=dt.date(2026, 11, 30))
    after = rank("cheap", [falling, steady], on=dt.date(2026, 12, 1))
    assert [before.entries[0].id, after.entries[0].id] == ["steady", "falling"]


def test_each_place_has_its_reason() -> None:
    (place,) = rank("smart", [priced("a#b", "1", "5", intelligence=score(6.5, "estimated"))], on=DAY).places
    assert place.reason == "$2 per million tokens, intelligence 6.5 (estimated)"
    (place,) = rank("fast", [entry("a#b", speed=speed("fast"))], on=DAY).places
    assert place.reason == "price not known, fast"


LEFT_OUT = {
    "retired since 2026-08-16; use a#new": entry(
        "a#old", status={"state": "retired", "shutdown_on": "2026-08-16", "replacement": "a#new"}
    ),
    "retired since 2026-11-01": entry("a#today", status={"state": "deprecated", "shutdown_on": "2026-11-01"}),
    "retired": entry("a#gone", status={"state": "retired"}),
    "made for embedding, not for chat": entry("a#vectors", tags=["embedding"]),
    "does not read text": entry("a#listener", modalities={"input": ["audio"]}),
    "does not answer in text": entry("a#painter", modalities={"output": ["image"]}),
    "lacks tools": entry("a#mute", capabilities={"tools": False}, limits={"context": 9000}),
    "nobody says whether it has tools": entry("a#quiet", limits={"context": 9000}),
    "holds 100 tokens, not 8000": entry("a#small", capabilities={"tools": True}, limits={"context": 100}),
    "nobody says how much fits": entry("a#vague", capabilities={"tools": True}),
}


def test_those_that_cannot_serve_are_left_out_with_the_reason() -> None:
    fit = entry("a#fit", capabilities={"tools": True, "vision": "some_endpoints"}, limits={"context": 8000})
    ranking = rank("cheap", [*LEFT_OUT.values(), fit], on=DAY, require=frozenset({"tools"}), min_context=8000)
    assert ranking.left_out == {str(model.ref): reason for reason, model in LEFT_OUT.items()}
    assert ranking.entries == (fit,)


def test_a_model_serves_until_the_day_of_its_shutdown() -> None:
    model = entry("a#b", status={"state": "deprecated", "shutdown_on": "2026-11-02"})
    assert usable(model, on=DAY) is None


def test_what_some_endpoints_can_do_counts_as_can() -> None:
    model = entry("openrouter#a/b", capabilities={"json_schema": "some_endpoints"})
    assert usable(model, require=frozenset({"json_schema"}), on=DAY) is None


@pytest.mark.parametrize(("asked", "nearest"), [("cheep", "cheap"), ("smrt", "smart")])
def test_an_unknown_tier_is_refused_with_the_names_there_are(asked: str, nearest: str) -> None:
    with pytest.raises(UnknownTierError, match=f"no tier '{asked}'.*{nearest}.*cheap, fast, smart, balanced"):
        rank(asked, [], on=DAY)


def test_an_unknown_capability_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no capability 'tool'.*tools"):
        usable(entry("a#b"), require=frozenset({"tool"}), on=DAY)


@pytest.mark.parametrize("tier", TIERS)
def test_every_usable_model_has_one_place_whatever_the_order_it_came_in(tier: str) -> None:
    """The order of the list decides among equals only."""
    models = [
        priced("a#one", "1", "2", intelligence=score(5), speed=speed("fast", 120)),
        priced("a#two", "2", "1", intelligence=score(6), speed=speed("slow", 20)),
        priced("a#three", "3", "3", intelligence=score(7, "estimated"), speed=speed("medium", 60)),
        entry("a#four"),
    ]
    orders = {tuple(_ids(tier, *order)) for order in itertools.permutations(models)}
    assert len(orders) == 1
    assert sorted(orders.pop()) == ["four", "one", "three", "two"]
