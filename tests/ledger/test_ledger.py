"""What every ledger promises, on memory, a SQLite file and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models.errors import BudgetExceededError, ConfigError, LedgerUnavailableError
from langchain_lucky_models.ledger import Hold, Ledger, Selection, ranked
from langchain_lucky_models.ledger.database import Session
from tests.accounts import TurnableClock, attempt, charge

DOLLAR = 10**12


def counter(ledger: Ledger, key: str) -> tuple[int, int]:
    """What a counter has spent and holds."""
    rows = ledger.read(
        lambda session: session.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots WHERE key = :key", {"key": key})
    )
    return int(rows[0][0] or 0), int(rows[0][1] or 0)


class TestRecords:
    def test_a_record_is_written_once_however_often_it_is_handed_in(self, ledger: Ledger) -> None:
        states = [ledger.record(attempt("a")).result().state for _ in range(3)]
        assert states == ["recorded", "repeated", "repeated"]
        assert [(row.requests, row.cost) for row in ledger.usage()] == [(1, Decimal("0.15"))]

    def test_other_figures_for_a_written_attempt_are_reported_and_change_nothing(self, ledger: Ledger) -> None:
        """Case 58: the first figures win."""
        ledger.record(attempt("a")).result()
        assert ledger.record(attempt("a", cost=Decimal(9))).result().state == "conflicting"
        assert ledger.usage()[0].cost == Decimal("0.15")

    def test_a_correction_is_an_entry_of_its_own_and_sums_to_the_new_figures(self, ledger: Ledger) -> None:
        """Case 63: what was estimated is corrected by an entry, never overwritten."""
        ledger.record(attempt("a", estimated=True)).result()
        corrected = attempt("a", cost=Decimal("0.11"), output_tokens=40, basis="provider")
        assert ledger.correct(corrected).result().state == "corrected"
        assert ledger.correct(corrected).result().state == "repeated"
        row = ledger.usage()[0]
        assert (row.requests, row.answered, row.output_tokens, row.cost) == (1, 1, 40, Decimal("0.11"))
        entries = [json.loads(line) for line in ledger.export()]
        assert [(entry["seq"], entry["kind"], entry["cost"]) for entry in entries] == [
            (0, "attempt", "0.15"),
            (1, "correction", "-0.04"),
        ]

    def test_a_million_small_amounts_add_up_exactly(self, ledger: Ledger) -> None:
        """Case 66: 0.15 millionths of a dollar, 2,000 times on each database: no cent is rounded away."""
        pending = [ledger.record(attempt(f"a{n}", cost=Decimal("0.00000015"))) for n in range(2_000)]
        for answer in pending:
            answer.result()
        assert ledger.usage()[0].cost == Decimal("0.00000015") * 2_000

    def test_an_unknown_cost_is_counted_apart_and_is_never_zero(self, ledger: Ledger) -> None:
        ledger.record(attempt("a", cost=None, basis="unknown")).result()
        row = ledger.usage()[0]
        assert (row.requests, row.unpriced, row.cost) == (1, 1, Decimal(0))
        assert json.loads(next(ledger.export()))["cost"] is None

    @pytest.mark.parametrize(
        "text",
        [
            "'); DROP TABLE lucky_records; --",
            '" OR 1=1 --',
            "nul\0byte",
            "x" * 1_000_000,
            "half \ud800 pair",
            "%s %(a)s :name {} \\",
            "=cmd|' /C calc'!A0",
            "",
        ],
        ids=["drop", "or", "nul", "megabyte", "surrogate", "formats", "formula", "empty"],
    )
    def test_hostile_texts_are_values_and_nothing_else(self, ledger: Ledger, text: str) -> None:
        """Case 69: SQL, NUL, a megabyte, half a character."""
        ledger.record(
            attempt("a", user=text, model=f"openai#{text}", tags=(text[:50],) if "\ud800" not in text else ())
        ).result()
        ledger.record(attempt("b", user=text + "2")).result()
        assert sorted(row.requests for row in ledger.usage(by=("user",))) == [1, 1]

    def test_texts_that_no_database_takes_stay_distinct(self, ledger: Ledger) -> None:
        for number, user in enumerate(("a\0b", "ab", "a\0\0b", "y" * 400, "y" * 401)):
            ledger.record(attempt(str(number), user=user)).result()
        assert len(ledger.usage(by=("user",))) == 5

    def test_token_counts_that_cannot_be_true_are_put_into_bounds_and_marked(self, ledger: Ledger) -> None:
        ledger.record(attempt("a", input_tokens=-5, output_tokens=10**18, reasoning_tokens=True)).result()
        entry = json.loads(next(ledger.export()))
        assert (entry["input_tokens"], entry["output_tokens"], entry["reasoning_tokens"]) == (0, 10**9, 1)
        assert entry["suspect"] == 1

    def test_a_record_without_end_or_number_is_refused_and_its_neighbours_are_not(self, ledger: Ledger) -> None:
        answers = [
            ledger.record(attempt("a")),
            ledger.record(attempt("b", cost=Decimal("NaN"))),
            ledger.record(attempt("c")),
        ]
        with pytest.raises(ConfigError):
            answers[1].result()
        assert [answers[0].result().state, answers[2].result().state] == ["recorded", "recorded"]

    async def test_a_task_may_await_what_a_thread_would_wait_for(self, ledger: Ledger) -> None:
        answers = await asyncio.gather(*(ledger.record(attempt(f"a{n}")) for n in range(50)))
        assert {answer.state for answer in answers} == {"recorded"}
        assert (await asyncio.to_thread(ledger.usage))[0].requests == 50


class TestHolds:
    def test_a_hold_becomes_what_the_attempt_cost(self, ledger: Ledger) -> None:
        hold = ledger.reserve(attempt("a"), [charge("k", DOLLAR, DOLLAR)]).result()
        assert counter(ledger, "k") == (0, DOLLAR)
        posted = ledger.record(attempt("a"), hold).result()
        assert counter(ledger, "k") == (150_000_000_000, 0)
        assert [(move.before, move.after) for move in posted.movements] == [(0, 150_000_000_000)]

    def test_settling_twice_releasing_after_it_and_unknown_attempts_have_no_effect(self, ledger: Ledger) -> None:
        """Case 58: one effect, sums unchanged."""
        hold = ledger.reserve(attempt("a"), [charge("k", DOLLAR, DOLLAR)]).result()
        for _ in range(3):
            ledger.record(attempt("a"), hold).result()
        assert ledger.release("a").result() is False
        assert ledger.release("nobody").result() is False
        assert counter(ledger, "k") == (150_000_000_000, 0)

    def test_two_who_settle_the_same_attempts_at_once_have_one_effect(
        self, url: str | None, ledger: Ledger, clock: TurnableClock, tmp_path: Path
    ) -> None:
        """Case 58: twice a writer of its own, with other figures: the first of each counts, sums equal entries."""
        holds = [ledger.reserve(attempt(f"a{number}"), [charge("k", DOLLAR)]).result() for number in range(30)]
        with Ledger(url, clock=clock, spool=tmp_path / "other") if url else nullcontext(ledger) as other:
            answers = [
                writer.record(replace(attempt(hold.attempt_id), cost=cost), hold)
                for hold in holds
                for writer, cost in ((ledger, Decimal("0.25")), (other, Decimal("0.75")))
            ]
            states = Counter(answer.result().state for answer in answers)
        assert states == {"recorded": 30, "conflicting": 30}
        total = ledger.usage()[0]
        assert total.requests == 30
        assert counter(ledger, "k") == (int(total.cost * DOLLAR), 0)
        assert ledger.audit() == []

    def test_reserving_the_same_attempt_again_gives_the_hold_it_has(self, ledger: Ledger) -> None:
        first = ledger.reserve(attempt("a"), [charge("k", DOLLAR, DOLLAR)]).result()
        assert ledger.reserve(attempt("a"), [charge("k", DOLLAR, DOLLAR)]).result() == first
        assert counter(ledger, "k") == (0, DOLLAR)

    def test_one_exhausted_counter_leaves_nothing_held_in_the_others(self, ledger: Ledger) -> None:
        """Case 68: 0 holds."""
        charges = [charge("a", 1, 10), charge("b", 11, 10), charge("c", 1, 10)]
        with pytest.raises(BudgetExceededError):
            ledger.reserve(attempt("a"), charges).result()
        assert [counter(ledger, key) for key in "abc"] == [(0, 0)] * 3

    def test_an_attempt_that_cost_more_than_was_held_is_booked_in_full(self, ledger: Ledger) -> None:
        hold = ledger.reserve(attempt("a"), [charge("k", 1, DOLLAR)]).result()
        ledger.record(attempt("a"), hold).result()
        assert counter(ledger, "k") == (150_000_000_000, 0)

    def test_an_unknown_cost_settles_at_all_that_was_held(self, ledger: Ledger) -> None:
        hold = ledger.reserve(attempt("a"), [charge("k", 7, DOLLAR)]).result()
        ledger.record(attempt("a", cost=None, basis="unknown"), hold).result()
        assert counter(ledger, "k") == (7, 0)

    def test_a_hold_whose_process_showed_no_life_is_booked_at_all_that_was_held(
        self, url: str | None, ledger: Ledger, clock: TurnableClock
    ) -> None:
        """Case 58: recovery only ever over-counts, and the true figure corrects it when it comes after all."""
        hold = ledger.reserve(attempt("a"), [charge("k", DOLLAR, DOLLAR)], life=30).result()
        clock.turn(61)
        ledger.tidy()
        assert counter(ledger, "k") == (DOLLAR, 0)
        row = ledger.usage(by=("basis", "outcome"))[0]
        assert (row.group, row.cost) == ({"basis": "bound", "outcome": "abandoned"}, Decimal(1))
        assert ledger.record(attempt("a"), hold).result().state == "corrected"
        assert counter(ledger, "k") == (150_000_000_000, 0)
        total = ledger.usage()[0]
        assert (total.requests, total.answered, total.cost) == (1, 1, Decimal("0.15"))
        assert ledger.audit() == []

    def test_a_living_process_keeps_its_holds(self, ledger: Ledger, clock: TurnableClock) -> None:
        ledger.reserve(attempt("a"), [charge("k", 5, 10)], life=3600).result()
        for _ in range(10):
            clock.turn(50)
            ledger.tidy()
        assert counter(ledger, "k") == (0, 5)

    async def test_a_cancelled_wait_gives_the_hold_back(self, ledger: Ledger) -> None:
        async def reserve() -> Hold:
            return await ledger.reserve(attempt("a"), [charge("k", 5, 10)])

        task = asyncio.ensure_future(reserve())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ledger.flush()
        await ledger.flush()
        assert (await asyncio.to_thread(counter, ledger, "k"))[1] == 0

    def test_what_was_spent_without_a_hold_is_charged_by_the_stakes_that_come_along(self, ledger: Ledger) -> None:
        hold = ledger.reserve(attempt("a"), [charge("k", 5, 10)]).result()
        ledger.release("a").result()
        ledger.record(attempt("b"), replace(hold, attempt_id="b")).result()
        assert counter(ledger, "k") == (150_000_000_000, 0)


class TestStatistics:
    @pytest.fixture
    def filled(self, ledger: Ledger, clock: TurnableClock) -> Ledger:
        for number in range(100):
            seconds = (number + 1) / 100
            user, model = ("ada", "bob")[number % 2], ("openai#gpt-4o", "groq#llama")[number % 4 // 2]
            outcome = "failed" if number % 10 == 9 else "answered"
            facts = {"user": user, "model": model, "provider": model.partition("#")[0], "outcome": outcome}
            ledger.record(
                attempt(f"a{number:03}", seconds=seconds, first_token=seconds / 10, experiment="x", **facts)
            ).result()
        return ledger

    def test_usage_groups_by_any_dimensions_and_sums_exactly(self, filled: Ledger) -> None:
        rows = filled.usage(by=("user", "model", "day"))
        assert len(rows) == 4
        assert sum(row.requests for row in rows) == 100
        assert sum((row.cost for row in rows), Decimal(0)) == Decimal("15.00")
        assert {row.day for row in rows} == {"2026-09-21"}
        assert {row.experiment for row in filled.usage(by=("experiment",))} == {"x"}

    def test_usage_filters_by_time_and_by_value(self, filled: Ledger, clock: TurnableClock) -> None:
        clock.turn(86_400)
        filled.record(attempt("later")).result()
        later = dt.date(2026, 9, 22)
        assert filled.usage(selection=Selection(since=later))[0].requests == 1
        assert filled.usage(selection=Selection(until=later))[0].requests == 100
        assert filled.usage(selection=Selection(where={"user": "bob"}))[0].requests == 50
        assert filled.usage(by=("month",))[0].group == {"month": "2026-09"}

    def test_a_group_that_does_not_exist_is_named_with_its_nearest(self, ledger: Ledger) -> None:
        with pytest.raises(ConfigError, match="Nearest: model"):
            ledger.usage(by=("modl",))

    def test_metrics_are_nearest_rank_percentiles_of_what_answered(self, filled: Ledger) -> None:
        row = filled.metrics(by=())[0]
        answered = sorted((number + 1) / 100 for number in range(100) if number % 10 != 9)
        assert row.usage.success_rate == 0.9
        assert row.latency.p50 == answered[44]
        assert row.latency.p90 == answered[80]
        assert row.latency.p99 == answered[89]
        assert row.first_token.p50 == pytest.approx(answered[44] / 10)
        assert row.tokens_per_second.p50 is not None

    def test_models_can_be_ranked_by_any_figure(self, filled: Ledger) -> None:
        filled.record(attempt("fast", model="groq#fast", seconds=0.001, first_token=None)).result()
        rows = filled.metrics(by=("model",))
        assert ranked(rows, "latency")[0].usage.model == "groq#fast"
        assert ranked(rows, "cost")[0].usage.model == "groq#fast"
        assert ranked(rows, "requests")[0].usage.requests == 50

    def test_an_empty_ledger_has_no_rows(self, ledger: Ledger) -> None:
        assert (ledger.usage(), ledger.usage(by=("user",)), ledger.metrics(by=())) == ([], [], [])

    def test_a_reset_is_an_entry_and_counts_begin_anew(self, filled: Ledger, clock: TurnableClock) -> None:
        clock.turn(1)
        filled.reset("user", "ada", reason="asked for it").result()
        assert [row.user for row in filled.usage(by=("user",))] == ["bob"]
        assert filled.usage(selection=Selection(whole=True))[0].requests == 100
        clock.turn(1)
        filled.record(attempt("new")).result()
        assert {row.user: row.requests for row in filled.usage(by=("user",))} == {"bob": 50, "ada": 1}
        filled.reset().result()
        assert len(list(filled.export())) == 101

    def test_folding_old_records_keeps_every_sum(self, filled: Ledger, clock: TurnableClock) -> None:
        before = {row.group["user"]: (row.requests, row.answered, row.cost) for row in filled.usage(by=("user",))}
        clock.turn(86_400)
        filled.record(attempt("late")).result()
        totals = filled.fold(dt.date(2026, 9, 22)).result()
        assert 0 < totals < 10
        after = {
            row.group["user"]: (row.requests, row.answered, row.cost)
            for row in filled.usage(by=("user",), selection=Selection(until=dt.date(2026, 9, 22)))
        }
        assert after == before
        assert filled.fold(dt.date(2026, 9, 22)).result() == 0
        assert filled.usage()[0].requests == 101

    def test_what_is_older_than_wanted_becomes_totals_once_a_day(
        self, url: str | None, clock: TurnableClock, tmp_path: Path
    ) -> None:
        with Ledger(url, clock=clock, spool=tmp_path / "spool", keep=dt.timedelta(days=2)) as ledger:
            kinds: list[list[str]] = []
            for day in range(4):
                ledger.record(attempt(f"a{day}")).result()
                ledger.record(attempt(f"b{day}")).result()
                ledger.tidy()
                kinds.append([json.loads(line)["kind"] for line in ledger.export()])
                clock.turn(86_400)
            assert kinds[1] == ["attempt"] * 4
            assert kinds[3] == ["total"] + ["attempt"] * 6
            (row,) = ledger.usage()
            assert (row.requests, row.cost) == (8, Decimal("0.15") * 8)

    def test_exports_hold_every_entry_in_order_and_spreadsheets_find_no_formula(self, ledger: Ledger) -> None:
        ledger.record(attempt("a", user="=cmd()", tags=("x", "y"))).result()
        ledger.record(attempt("b")).result()
        lines = [json.loads(line) for line in ledger.export("jsonl")]
        assert [(line["attempt_id"], line["cost"]) for line in lines] == [("a", "0.15"), ("b", "0.15")]
        rows = list(csv.DictReader(ledger.export("csv")))
        assert [(row["user_id"], row["cost"]) for row in rows] == [("'=cmd()", "0.15"), ("ada", "0.15")]

    def test_a_day_is_remembered_in_slots_for_limits(self, filled: Ledger, clock: TurnableClock) -> None:
        clock.turn(3_600)
        past = filled.history({"user": "ada"}, 86_400)
        assert sum(requests for _, requests, _ in past) == 50
        assert sum(tokens for _, _, tokens in past) == 50 * 150
        assert all(3_600 <= ago <= 3_600 + 720 for ago, _, _ in past)


def test_a_closed_ledger_has_written_everything_and_takes_no_more(
    url: str | None, clock: TurnableClock, make_ledger: Callable[[], Ledger]
) -> None:
    ledger = make_ledger()
    pending = [ledger.record(attempt(f"a{n}")) for n in range(100)]
    ledger.close()
    assert {answer.result(0).state for answer in pending} == {"recorded"}
    with pytest.raises(LedgerUnavailableError, match="closed"):
        ledger.record(attempt("late"))
    with make_ledger() as again:
        assert [row.requests for row in again.usage()] == ([100] if url else [])


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_a_ledger_of_a_newer_version_is_refused_by_name(make_ledger: Callable[[], Ledger]) -> None:
    def age(session: Session, _now: int) -> None:
        session.rows("INSERT INTO lucky_versions (version, at) VALUES (999, 0)")

    with make_ledger() as ledger:
        ledger.errand(age).result()
    with make_ledger() as again, pytest.raises(ConfigError, match="version 999"):
        again.record(attempt("a")).result()
