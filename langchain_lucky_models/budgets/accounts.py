"""Budgets at work: what a call is charged to, held before it is sent, and what is left."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from langchain_lucky_models import errors
from langchain_lucky_models.budgets.budget import Budget, Spender, distinct, finder
from langchain_lucky_models.budgets.estimates import Estimate
from langchain_lucky_models.ledger import (
    Charge,
    Hold,
    Ledger,
    Pending,
    Posted,
    Record,
    Refused,
    Stake,
    dollars,
    picodollars_up,
)
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.posting import count, known_counters, reset_counter

UnknownPrice = Decimal | Literal["refuse", "allow", "by_payer"]
"""What a call whose price nobody knows is held at: a ceiling for each, nothing at all, or not made. `by_payer` refuses
it where the house pays, and lets users spend what is their own."""

HOUSE = "house"
"""The owner of the registry's own keys, as records name it."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a budget has left for one value of its scope, in dollars.

    Attributes:
        spent: What was settled in the window, estimates included.
        held: What calls under way may still cost.
        left: What another call may cost.
        resets_at: When the window begins anew; None for a total or a rolling one.
    """

    budget: Budget
    value: str
    spent: Decimal
    held: Decimal
    left: Decimal
    resets_at: dt.datetime | None

    def to_dict(self) -> dict[str, object]:
        """The budget in words, and its figures."""
        figures = {"limit": Decimal(self.budget.limit), "spent": self.spent, "held": self.held, "left": self.left}
        return {"budget": self.budget.label(self.value), **figures, "resets_at": self.resets_at}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A budget that has no room for a call.

    Attributes:
        balance: The budget as it stands.
        asked: Dollars that the call would have held; None where its price is unknown.
        retry_after: Seconds until the window begins anew, where it does.
    """

    balance: Balance
    asked: Decimal | None
    retry_after: float | None
    record: Record

    @property
    def steps_down(self) -> bool:
        """Whether a cheaper model should be tried instead."""
        return self.balance.budget.on_exceed == "step_down" and self.asked is not None

    def error(self) -> errors.BudgetExceededError:
        """The refusal as an error that says whose budget, what is spent, the limit, and when it resets."""
        balance = self.balance
        label = balance.budget.label(balance.value)
        facts = errors.CallFacts(provider=self.record.provider, model=self.record.model, retry_after=self.retry_after)
        if self.asked is None:
            return errors.BudgetExceededError(
                f"The price of {self.record.model} is unknown, so {label} cannot be kept. Register its price in the "
                "catalog, or set unknown_price to a ceiling for each call.",
                facts=facts,
            )
        again = (
            f"it begins anew at {balance.resets_at.isoformat()}" if balance.resets_at else "raise its limit to go on"
        )
        held = f" and {balance.held} held" if balance.held else ""
        return errors.BudgetExceededError(
            f"{label[0].upper()}{label[1:]} has no room: of {balance.budget.limit} dollars {balance.spent} are "
            f"spent{held}, this call may cost {self.asked}; {again}.",
            facts=facts,
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """Spending crossed a fraction of a budget."""

    budget: Budget
    value: str
    fraction: float
    spent: Decimal


@dataclass(frozen=True, slots=True)
class _Terms:
    life: float
    required: bool | None


class Budgets:
    """The budgets of a registry, kept in its ledger.

    Args:
        ledger: Where holds and counters live.
        budgets: Values, or mappings with their names.
        unknown_price: What a call without a known price is held at.
    """

    def __init__(
        self,
        ledger: Ledger,
        budgets: Sequence[Budget | Mapping[str, Any]] = (),
        *,
        unknown_price: UnknownPrice = "by_payer",
    ) -> None:
        self._ledger = ledger
        self._unknown_price = unknown_price
        self.change(budgets)

    def change(self, budgets: Sequence[Budget | Mapping[str, Any]]) -> None:
        """Keep other budgets from now on; what was spent under a budget that stays, stays spent.

        Raises:
            ConfigError: One of them cannot be used; then all stay as they are.
        """
        self.budgets = distinct(budgets)
        self._applicable = functools.lru_cache(maxsize=1024)(finder(self.budgets))

    def reserve(
        self, record: Record, estimate: Estimate, *, life: float = 3600.0, required: bool | None = None
    ) -> Pending[Hold]:
        """Hold what a call may cost, under every budget it falls under, or under none.

        Args:
            record: What is known of the attempt: its id, who asks whom, with whose key.
            estimate: What it may cost.
            life: Seconds that the attempt can last at most.
            required: Whether a ledger that is away refuses the call; None follows the ledger's own policy.

        Raises:
            BudgetExceededError: From the answer, when a budget has no room.
            LedgerUnavailableError: From the answer, when the database is away and policy refuses.
        """
        return self._hold(record, estimate, _Terms(life, required), _raising)

    def ask(
        self, record: Record, estimate: Estimate, *, life: float = 3600.0, required: bool | None = None
    ) -> Pending[Hold | Refusal]:
        """Same as `reserve`, but a budget without room is an answer, so that a cheaper model can be tried."""
        return self._hold(record, estimate, _Terms(life, required), _as_is)

    def charges(self, record: Record) -> bool:
        """Whether an attempt falls under any budget."""
        return bool(self.budgets) and bool(self._applicable(Spender.of(record)))

    def strict(self, record: Record) -> bool:
        """Whether one of an attempt's budgets must never be overspent."""
        found = self._applicable(Spender.of(record))
        return any(budget.mode == "strict" and budget.on_exceed != "warn" for budget, _ in found)

    def settle(self, record: Record, hold: Hold) -> Pending[Posted]:
        """Write the attempt and turn what was held into what it cost, in one transaction."""
        return self._ledger.record(record, hold)

    def release(self, hold: Hold) -> Pending[bool]:
        """Give back what was held for an attempt that was never sent."""
        return self._ledger.release(hold.attempt_id)

    def book(self, record: Record) -> Pending[Posted]:
        """Write a call that was made elsewhere, charged to every budget it falls under; none can refuse it any more."""
        now = self._ledger.now()
        spans = [(key, budget.span(now)) for budget, key in self._applicable(Spender.of(record))]
        stakes = tuple(Stake(key, span.first, span.slot, 0) for key, span in spans)
        return self._ledger.record(record, Hold(record.attempt_id, stakes))

    def alerts(self, posted: Posted) -> tuple[Alert, ...]:
        """The fractions that a record has made spending cross; each is crossed once in a window."""
        found = []
        for movement in posted.movements:
            budget, value = self._named(movement.key)
            for fraction in budget.alerts if budget else ():
                mark = int(budget.cap * fraction) if budget else 0
                if budget and movement.before < mark <= movement.after:
                    found.append(Alert(budget, value, fraction, dollars(movement.after)))
        return tuple(found)

    def balances(self, spender: Spender) -> Pending[list[Balance]]:
        """What every budget that a spender falls under has left."""
        wanted = self._applicable(spender)

        def look(session: Session, now: int) -> list[Balance]:
            return [self._balance(session, now, budget, key) for budget, key in wanted]

        return self._ledger.errand(look)

    def standing(self, user: str | None = None) -> Pending[list[Balance]]:
        """What budgets have left: for the one value they are for, or for each that something was ever charged to.

        Args:
            user: Leave out what is not this user's alone: what others have spent is none of their business.
        """

        def look(session: Session, now: int) -> list[Balance]:
            return [
                self._balance(session, now, budget, key)
                for budget in self.budgets
                for key in sorted({*budget.own_keys(user), *known_counters(session, budget.id)})
                if self._named(key)[0] is budget and (user is None or budget.concerns(user, key))
            ]

        return self._ledger.errand(look)

    def reset(self, budget: Budget, value: str = "all", reason: str = "") -> Pending[None]:
        """Start a budget's window anew for one value of its scope, by entries that take back what was spent."""
        key = budget.key(value)
        return self._ledger.errand(lambda session, now: reset_counter(session, now, key, budget.span, reason))

    def _hold(
        self, record: Record, estimate: Estimate, terms: _Terms, answer: Callable[[Hold | Refusal], Any]
    ) -> Pending[Any]:
        charges = self._charges(record, estimate)
        blind = estimate.most is None and self._refuses_unpriced(record) and any(c.cap is not None for c in charges)
        if blind:
            charges = [replace(charge, cap=-1) for charge in charges]

        def judge(found: Hold | Refused) -> Any:
            if isinstance(found, Refused):
                return answer(self._refusal(found, record, known=not blind))
            return answer(found)

        return self._ledger.reserve(record, charges, life=terms.life, required=terms.required, judge=judge)

    def _refuses_unpriced(self, record: Record) -> bool:
        return self._unknown_price == "refuse" or (self._unknown_price == "by_payer" and record.key_owner == HOUSE)

    def _charges(self, record: Record, estimate: Estimate) -> list[Charge]:
        ceiling = self._unknown_price if isinstance(self._unknown_price, Decimal) else Decimal(0)
        found = []
        for budget, key in self._applicable(Spender.of(record)):
            amount = estimate.most if budget.mode == "strict" else estimate.usual
            cap = None if budget.on_exceed == "warn" else budget.cap
            found.append(Charge(key, picodollars_up(ceiling if amount is None else amount), cap, budget.span))
        return found

    def _refusal(self, refused: Refused, record: Record, *, known: bool) -> Refusal:
        budget, value = self._named(refused.key)
        if budget is None:
            raise errors.BudgetExceededError(f"No room for the call under {refused.key}.")
        ends = budget.span(refused.now).ends
        balance = _balanced(budget, value, (refused.spent, refused.held), ends)
        wait = None if ends is None else max(0.0, (ends - refused.now) / 1e6)
        return Refusal(balance, dollars(refused.asked) if known else None, wait, record)

    def _balance(self, session: Session, now: int, budget: Budget, key: str) -> Balance:
        sums, span = count(session, now, key, budget.span)
        return _balanced(budget, key.partition("=")[2], sums, span.ends)

    def _named(self, key: str) -> tuple[Budget | None, str]:
        """The budget behind a counter; the one for this very value before the one for all."""
        identity, _, value = key.partition("=")
        named = [budget for budget in self.budgets if budget.id == identity]
        named.sort(key=lambda budget: not (budget.pinned and budget.key(getattr(budget, budget.scope)) == key))
        return (named[0] if named else None), value


def _balanced(budget: Budget, value: str, sums: tuple[int, int], ends: int | None) -> Balance:
    spent, held = sums
    resets_at = None if ends is None else dt.datetime.fromtimestamp(ends / 1e6, dt.UTC)
    return Balance(budget, value, dollars(spent), dollars(held), dollars(max(0, budget.cap - spent - held)), resets_at)


def _as_is(answer: Hold | Refusal) -> Hold | Refusal:
    return answer


def _raising(answer: Hold | Refusal) -> Hold:
    if isinstance(answer, Refusal):
        raise answer.error()
    return answer
