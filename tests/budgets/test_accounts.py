"""Budgets at work, on memory, a SQLite file and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from langchain_lucky_models.budgets import Balance, Budget, Budgets, Estimate, Refusal, Spender
from langchain_lucky_models.errors import BudgetExceededError, ConfigError
from langchain_lucky_models.ledger import Hold, Ledger
from tests.accounts import TurnableClock, attempt

CENT = Estimate(Decimal("0.01"), Decimal("0.002"))
ADA = Spender(user="ada", model="openai#gpt-4o", provider="openai", key_owner="house")


def balance(budgets: Budgets, spender: Spender = ADA) -> list[Balance]:
    return budgets.balances(spender).result()


def spend(budgets: Budgets, name: str, cost: str | None = "0.01", **facts: object) -> Hold:
    hold = budgets.reserve(attempt(name, **facts), CENT).result()
    amount = None if cost is None else Decimal(cost)
    budgets.settle(attempt(name, cost=amount, **facts), hold).result()
    return hold


async def test_fifty_threads_and_fifty_tasks_on_a_budget_for_one_call_send_one(ledger: Ledger) -> None:
    """Case 53: of 100 at once on money for one call, 1 is sent."""
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.01")])
    start = threading.Barrier(50)
    passed: list[str] = []

    def in_a_thread(number: int) -> None:
        start.wait()
        try:
            passed.append(budgets.reserve(attempt(f"t{number}"), CENT).result().attempt_id)
        except BudgetExceededError:
            return

    async def in_a_task(number: int) -> None:
        try:
            passed.append((await budgets.reserve(attempt(f"a{number}"), CENT)).attempt_id)
        except BudgetExceededError:
            return

    threads = [threading.Thread(target=in_a_thread, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(in_a_task(number) for number in range(50)))
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert len(passed) == 1


def test_a_refusal_says_whose_budget_what_is_spent_the_limit_and_when_it_begins_anew(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.025", window="day")])
    spend(budgets, "a")
    held = budgets.reserve(attempt("b"), CENT).result()
    with pytest.raises(BudgetExceededError) as caught:
        budgets.reserve(attempt("c"), CENT).result()
    text = str(caught.value)
    for part in ("user ada", "0.025", "0.01 are spent", "0.01 held", "may cost 0.01", "2026-09-22T00:00:00+00:00"):
        assert part in text, text
    assert caught.value.retry_after == pytest.approx(35_200, abs=1)
    budgets.release(held).result()
    assert budgets.reserve(attempt("c"), CENT).result().backed


def test_refusal_and_balance_read_the_same_figures(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(limit="0.025")])
    spend(budgets, "a", cost="0.02")
    answer = budgets.ask(attempt("b"), CENT).result()
    assert isinstance(answer, Refusal)
    assert answer.balance == balance(budgets)[0]
    assert (answer.balance.left, answer.balance.spent) == (Decimal("0.005"), Decimal("0.02"))


def test_the_first_call_of_a_new_window_passes_and_the_old_one_stays_closed(
    ledger: Ledger, clock: TurnableClock
) -> None:
    """Case 65: a clock that is set back opens no window that had been closed."""
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.01", window="day")])
    spend(budgets, "a")
    assert isinstance(budgets.ask(attempt("b"), CENT).result(), Refusal)
    clock.turn(35_200)
    spend(budgets, "c")
    clock.turn(-3_600)
    assert isinstance(budgets.ask(attempt("d"), CENT).result(), Refusal)


def test_a_call_under_way_at_midnight_belongs_to_the_day_it_began(ledger: Ledger, clock: TurnableClock) -> None:
    """Case 65: no window admits more than its limit, whoever was under way at its end."""
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.01", window="day")])
    clock.turn(35_199)
    hold = budgets.reserve(attempt("a"), CENT).result()
    clock.turn(2)
    budgets.settle(attempt("a", cost=Decimal("0.01")), hold).result()
    assert balance(budgets)[0].spent == 0
    assert budgets.reserve(attempt("b"), CENT).result().backed


def test_a_rolling_budget_frees_room_only_when_spending_lies_outside_as_a_whole(
    ledger: Ledger, clock: TurnableClock
) -> None:
    budgets = Budgets(ledger, [Budget(limit="0.02", window="1h")])
    spend(budgets, "a")
    clock.turn(1_800)
    spend(budgets, "b")
    clock.turn(1_799)
    assert isinstance(budgets.ask(attempt("c"), CENT).result(), Refusal)
    clock.turn(61)
    spend(budgets, "c")
    assert isinstance(budgets.ask(attempt("d"), CENT).result(), Refusal)


def test_an_unknown_price_is_refused_counted_or_held_at_a_ceiling_as_configured(ledger: Ledger) -> None:
    """Case 64: never zero in silence."""
    unknown = Estimate(None, None)
    strict = Budgets(ledger, [Budget(limit="1")])
    with pytest.raises(BudgetExceededError, match="price of openai#gpt-4o is unknown"):
        strict.reserve(attempt("a"), unknown).result()
    allowing = Budgets(ledger, [Budget(limit="1")], unknown_price="allow")
    hold = allowing.reserve(attempt("b"), unknown).result()
    allowing.settle(attempt("b", cost=None, basis="unknown"), hold).result()
    assert balance(allowing)[0].spent == 0
    assert ledger.usage()[0].unpriced == 1
    capped = Budgets(ledger, [Budget(limit="1")], unknown_price=Decimal("0.6"))
    hold = capped.reserve(attempt("c"), unknown).result()
    capped.settle(attempt("c", cost=None, basis="unknown"), hold).result()
    assert balance(capped)[0].spent == Decimal("0.6")
    assert isinstance(capped.ask(attempt("d"), unknown).result(), Refusal)
    assert Budgets(ledger).reserve(attempt("e"), unknown).result().stakes == ()


def test_expected_mode_holds_the_usual_cost_and_overshoots_by_calls_under_way_only(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(limit="0.01", mode="expected")])
    holds: list[Hold] = []
    while isinstance(answer := budgets.ask(attempt(f"a{len(holds)}"), CENT).result(), Hold):
        holds.append(answer)
    assert len(holds) == 5
    for hold in holds:
        budgets.settle(attempt(hold.attempt_id, cost=Decimal("0.01")), hold).result()
    assert balance(budgets)[0].spent == Decimal("0.05")
    assert isinstance(budgets.ask(attempt("z"), CENT).result(), Refusal)


def test_warning_lets_calls_pass_and_reports_each_fraction_once(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(limit="0.03", on_exceed="warn", alerts=(0.5, 0.9))])
    crossed = []
    for number in range(5):
        hold = budgets.reserve(attempt(str(number)), CENT).result()
        posted = budgets.settle(attempt(str(number), cost=Decimal("0.01")), hold).result()
        crossed.append([alert.fraction for alert in budgets.alerts(posted)])
    assert crossed == [[], [0.5], [0.9, 1.0], [], []]


def test_a_budget_that_steps_down_says_so_to_whoever_asks(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(limit="0.001", on_exceed="step_down")])
    answer = budgets.ask(attempt("a"), CENT).result()
    assert isinstance(answer, Refusal)
    assert answer.steps_down
    assert answer.balance.left == Decimal("0.001")


def test_a_call_made_elsewhere_is_booked_beyond_any_limit(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.01", alerts=(1.0,)), Budget(limit="1")])
    posted = budgets.book(attempt("a", cost=Decimal("0.5"))).result()
    assert [alert.value for alert in budgets.alerts(posted)] == ["ada"]
    assert budgets.book(attempt("a", cost=Decimal("0.5"))).result().state == "repeated"
    assert [found.spent for found in balance(budgets)] == [Decimal("0.5")] * 2
    assert isinstance(budgets.ask(attempt("b"), CENT).result(), Refusal)


def test_a_reset_takes_back_what_was_spent_and_leaves_the_sums_provable(ledger: Ledger, clock: TurnableClock) -> None:
    budget = Budget(scope="user", limit="0.02", window="1h")
    budgets = Budgets(ledger, [budget])
    for number in range(2):
        spend(budgets, str(number))
        clock.turn(120)
    budgets.reset(budget, "ada", reason="goodwill").result()
    assert balance(budgets)[0].spent == 0
    assert ledger.audit() == []
    clock.turn(3_500)
    assert balance(budgets)[0].spent == 0
    assert ledger.usage()[0].requests == 2


def test_a_lower_limit_refuses_new_calls_and_settles_those_under_way(ledger: Ledger) -> None:
    wide = Budgets(ledger, [Budget(limit="1")])
    hold = wide.reserve(attempt("a"), CENT).result()
    narrow = Budgets(ledger, [Budget(limit="0.001")])
    assert isinstance(narrow.ask(attempt("b"), CENT).result(), Refusal)
    narrow.settle(attempt("a", cost=Decimal("0.01")), hold).result()
    assert balance(narrow)[0].spent == Decimal("0.01")


def test_users_do_not_touch_each_others_budgets(ledger: Ledger) -> None:
    budgets = Budgets(ledger, [Budget(scope="user", limit="0.01")])
    spend(budgets, "a")
    spend(budgets, "b", user="bob")
    assert [found.value for found in balance(budgets, Spender(user="bob"))] == ["bob"]
    assert isinstance(budgets.ask(attempt("c", user="bob"), CENT).result(), Refusal)


def test_a_mapping_with_a_typing_error_is_no_budget(ledger: Ledger) -> None:
    with pytest.raises(ConfigError):
        Budgets(ledger, [{"scope": "user", "limits": 1}])
