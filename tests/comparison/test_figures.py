"""What shows when rows lie side by side."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models.comparison.figures import laid_side_by_side, percentile, summary_of
from langchain_lucky_models.comparison.rows import Row, Verdict


def row(target: str, answer: str | None, **more: Any) -> Row:
    outcome: Any = "failed" if answer is None else "answered"
    return replace(Row(prompt="p", target=target, outcome=outcome, answer=answer), **more)


def test_agreement_is_the_fraction_of_the_others_who_say_the_same() -> None:
    rows = [row("a", "Paris."), row("b", " paris"), row("c", "Rome"), row("d", None)]
    laid = laid_side_by_side(rows, {"p": "PARIS"}, {})
    assert [line.agreement for line in laid] == [0.5, 0.5, 0.0, None]
    assert [line.correct for line in laid] == [True, True, False, None]


def test_who_answers_alone_agrees_with_nobody_and_beats_nobody() -> None:
    verdict = Verdict(prompt="p", round=1, judge="j", scores={"a": 9.0})
    (alone, failed) = laid_side_by_side([row("a", "x"), row("b", None)], {"p": None}, {("p", 1): verdict})
    assert (alone.agreement, alone.correct, alone.score, alone.won) == (None, None, 9.0, None)
    assert failed == row("b", None)


def test_rounds_are_not_compared_with_each_other() -> None:
    rows = [row("a", "x"), row("b", "y"), row("a", "y", round=2), row("b", "y", round=2)]
    assert [line.agreement for line in laid_side_by_side(rows, {"p": None}, {})] == [0.0, 0.0, 1.0, 1.0]


def test_only_who_has_more_than_everybody_else_has_won() -> None:
    rows = [row("a", "x"), row("b", "y"), row("c", "z")]
    for scores, won in [
        ({"a": 3.0, "b": 9.0, "c": 1.0}, [False, True, False]),
        ({"a": 9.0, "b": 9.0, "c": 1.0}, [False, False, False]),
    ]:
        verdict = Verdict(prompt="p", round=1, judge="j", scores=scores)
        assert [line.won for line in laid_side_by_side(rows, {"p": None}, {("p", 1): verdict})] == won


def test_a_summary_adds_up() -> None:
    rows = [
        row("a", "x", cost=Decimal("0.1"), seconds=3.0, first_token=1.0, input_tokens=5, output_tokens=2, won=True),
        row("a", "y", cost=Decimal("0.2"), seconds=1.0, input_tokens=7, output_tokens=1, won=False, score=4.0),
        row("a", None, cost=Decimal("0.05"), seconds=99.0),
        row("b", "z", seconds=50.0),
    ]
    told = summary_of("a", rows)
    assert (told.asked, told.answered, told.wins, told.score) == (3, 2, 1, 4.0)
    assert told.success_rate == pytest.approx(2 / 3)
    assert (told.input_tokens, told.output_tokens) == (12, 3)
    assert (told.cost, told.mean_cost) == (Decimal("0.35"), Decimal("0.175"))
    assert (told.seconds_p50, told.seconds_p90, told.first_token_p50) == (1.0, 3.0, 1.0)


def test_a_cost_that_nobody_knows_is_never_nothing() -> None:
    known = row("a", "x", cost=Decimal("0.1"))
    assert summary_of("a", [known, row("a", "y")]).cost is None
    assert summary_of("a", [row("a", None)]).cost is None
    assert summary_of("a", [known, row("a", None)]).cost == Decimal("0.1")
    assert summary_of("a", []).success_rate is None


@given(some.lists(some.floats(0, 1e6), min_size=1), some.integers(1, 100))
def test_a_percentile_is_one_of_the_values_that_so_many_do_not_exceed(values: list[float], rank: int) -> None:
    found = percentile(values, rank)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= rank * len(values)
    assert sum(value < found for value in values) * 100 < rank * len(values)
