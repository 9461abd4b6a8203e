"""What came of a rollout, in every form; how answers differ; what the shadow's money is held and spent on."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from langchain_lucky_models.errors import ShadowCapError
from langchain_lucky_models.rollout import Compared, RolloutReport
from langchain_lucky_models.rollout.differences import Looks, difference_of, looks_of
from langchain_lucky_models.rollout.purse import Purse

AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def report(*rows: dict[str, Any]) -> RolloutReport:
    compared = tuple(Compared(**{"at": AT, "user_id": "ada", "verdict": "same", **row}) for row in rows)
    return RolloutReport("new-chat", compared, {"old": len(rows)}, Decimal("0.5"))


ROWS = (
    {"similarity": 1.0, "old_seconds": 1.0, "new_seconds": 2.0, "old_cost": Decimal("0.1"), "new_cost": Decimal("0.2")},
    {"verdict": "different", "similarity": 0.5, "old_seconds": 3.0, "new_seconds": 4.0, "new_text": "=1+1 <b>"},
    {"verdict": "new failed", "old_seconds": 5.0, "new_seconds": 6.0, "new_error": "ValueError"},
)


def test_the_summary_counts_verdicts_and_adds_up_what_is_known() -> None:
    assert report(*ROWS).summary() == {
        "compared": 3,
        "same": 1,
        "different": 1,
        "new failed": 1,
        "similarity": 0.75,
        "old_seconds": 3.0,
        "new_seconds": 4.0,
        "old_cost": Decimal("0.1"),
        "new_cost": Decimal("0.2"),
        "spent_today": Decimal("0.5"),
        "old": 3,
    }


def test_a_report_without_rows_shows_itself_too() -> None:
    empty = report()
    assert "compared" in repr(empty)
    assert "no rows" in empty._repr_html_()
    assert (len(empty), empty.to_jsonl()) == (0, "")


def test_what_models_said_is_shown_and_never_run() -> None:
    shown = report(*ROWS)
    assert "&lt;b&gt;" in shown._repr_html_()
    assert "<b> " not in shown._repr_html_()
    [_, second, _] = csv.DictReader(io.StringIO(shown.to_csv()))
    assert second["new_text"] == "'=1+1 <b>"


def test_lines_of_json_keep_amounts_exact() -> None:
    first, *_ = map(json.loads, report(*ROWS).to_jsonl().splitlines())
    assert (first["old_cost"], first["new_cost"], first["at"]) == ("0.1", "0.2", "2026-11-21 12:00:00+00:00")


class City(BaseModel):
    """A city."""

    name: str


@pytest.mark.parametrize(
    ("answer", "looks"),
    [
        ("It is Bonn.", Looks("It is Bonn.")),
        (AIMessage("It is Bonn."), Looks("It is Bonn.")),
        ({"messages": [HumanMessage("?"), AIMessage("It is Bonn.")]}, Looks("It is Bonn.")),
        (City(name="Bonn"), Looks('{"name": "Bonn"}', '{"name": "Bonn"}')),
        ([1, 2], Looks("[1, 2]", "[1, 2]")),
        (None, Looks("null", "null")),
        (
            AIMessage("", tool_calls=[{"name": "look", "args": {"b": 1, "a": 2}, "id": "1"}]),
            Looks("", None, ('look {"a": 2, "b": 1}',)),
        ),
    ],
    ids=["text", "message", "state", "structure", "list", "nothing", "tools"],
)
def test_of_every_kind_of_answer_something_is_compared(answer: object, looks: Looks) -> None:
    assert looks_of(answer) == looks


@pytest.mark.parametrize(
    ("one", "other", "same", "similarity", "same_shape"),
    [
        (Looks("Yes."), Looks(" yes"), True, 1.0, True),
        (Looks("Yes."), Looks("No."), False, 0.0, True),
        (Looks("1", "1"), Looks("1"), False, 1.0, False),
        (Looks("", None, ("a {}",)), Looks("", None, ("b {}",)), False, 1.0, True),
        (Looks("said before", None, ("a {}",)), Looks("", None, ("a {}",)), True, 0.0, True),
        (Looks("a " * 400), Looks("a " * 399), False, 0.999, True),
    ],
    ids=["same words", "other words", "other shape", "other tools", "same tools", "beyond what is compared"],
)
def test_answers_differ_in_what_they_say_not_in_how_they_are_written(
    one: Looks,
    other: Looks,
    same: bool,  # noqa: FBT001 - a column of the table
    similarity: float,
    same_shape: bool,  # noqa: FBT001 - as above
) -> None:
    found = difference_of(one, other)
    assert (found.same, found.similarity, found.same_shape) == (same, similarity, same_shape)


def test_money_is_held_spent_and_new_every_day() -> None:
    now = [AT]
    purse = Purse(lambda: now[0])
    cap = Decimal(1)
    purse.hold("a", Decimal("0.7"), cap)
    with pytest.raises(ShadowCapError, match=r"\$0.4000 at most would pass its max_cost of \$1 a day"):
        purse.hold("b", Decimal("0.4"), cap)
    assert purse.settle("a", Decimal("0.1")) == Decimal("0.1")
    purse.hold("b", Decimal("0.9"), cap)
    assert not purse.room(cap)
    assert purse.settle("b", None) == Decimal("0.9")
    assert (purse.spent, purse.room(cap)) == (Decimal(1), False)
    now[0] += dt.timedelta(days=1)
    assert (purse.spent, purse.room(cap)) == (Decimal(0), True)


def test_what_costs_nothing_needs_no_money() -> None:
    purse = Purse(lambda: AT)
    assert purse.room(Decimal(0))
    purse.hold("a", Decimal(0), Decimal(0))
