"""The money and the limits of one attempt: asked for before it is sent, settled once when it is over."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from langchain_lucky_models import errors
from langchain_lucky_models.budgets import CallSize, Estimate, Refusal
from langchain_lucky_models.events import LimitReached
from langchain_lucky_models.ledger import Hold, Pending, Posted, Record, dollars
from langchain_lucky_models.limits import Caller, Limit, Load, Passage, limit_of, token_charge
from langchain_lucky_models.limits.line import ThreadSignal
from langchain_lucky_models.meter.accounts import Accounts, key_id_of
from langchain_lucky_models.meter.bills import NOTHING, ZERO, Bill, Evidence, Expected, Payable, bill_of
from langchain_lucky_models.meter.bounds import Size, call_size, estimate_of, shortened
from langchain_lucky_models.meter.numbers import IDS
from langchain_lucky_models.meter.steps import Plan
from langchain_lucky_models.meter.writing import Purpose, begun, ended

AFTERWARDS = 60.0
"""Seconds after an attempt's deadline for which what it holds is kept."""
MOST_TRIES = 4
"""How often a smaller answer is tried, while others take from what is left."""

NOTHING_ASKED = Estimate(ZERO, ZERO)
NOTHING_EXPECTED = Expected()

_log = logging.getLogger("langchain_lucky_models.meter")


class StepDownError(Exception):
    """A budget has no room for this model, and wants a cheaper one to be tried. No user ever sees it.

    Args:
        refusal: Which budget.
        size: The call.
    """

    def __init__(self, refusal: Refusal, size: CallSize) -> None:
        super().__init__(str(refusal.error()))
        self.refusal = refusal
        self.size = size


class Charge:
    """One attempt's side of the accounts.

    Args:
        accounts: Whom it is charged to.
        asked: Who is asked, and who pays.
        purpose: What for.

    Attributes:
        attempt_id: What makes its record unique.
        bound: Tokens of output to ask for, where a budget says so and the caller does not.
        bill: What it cost, once it is settled.
        posted: What the ledger will say to its record; waited for before the answer is shown.
    """

    __slots__ = (
        "_accounts",
        "_asked",
        "_expected",
        "_hold",
        "_passage",
        "_purpose",
        "attempt_id",
        "bill",
        "bound",
        "posted",
        "since",
    )

    def __init__(self, accounts: Accounts, asked: Payable, purpose: Purpose) -> None:
        self._accounts = accounts
        self._asked = asked
        self._purpose = purpose
        self._hold: Hold | None = None
        self._passage: Passage | None = None
        self._expected = NOTHING_EXPECTED
        self.attempt_id = IDS.next()
        self.since = time.time()
        self.bound: int | None = None
        self.bill: Bill | None = None
        self.posted: Pending[Posted] | None = None

    def entering(self, size: Size, signal: ThreadSignal | None = None) -> Plan[None]:
        """Take a place under every limit and hold the money, or be refused; what was taken is given back then.

        Args:
            size: How large the call is.
            signal: Ends the wait of a thread.

        Raises:
            LimitReachedError: No room under a limit in time.
            RateLimitedError: The provider has said that it has no room, and somebody else can be asked.
            StepDownError: A budget wants a cheaper model.
            BudgetExceededError: A budget has no room.
            LedgerUnavailableError: The ledger is away, and policy refuses.
        """
        try:
            yield from self._pass_limits(size, signal)
            yield from self._hold_money(size)
        except BaseException as error:
            self.leave()
            if isinstance(error, errors.LocalRefusalError):
                raise self.told(error) from None
            raise

    def leave(self) -> None:
        """The attempt was never sent: give everything back."""
        passage, self._passage = self._passage, None
        hold, self._hold = self._hold, None
        if passage is not None:
            self._accounts.return_passage(passage)
        if hold is not None and hold.stakes:
            with contextlib.suppress(errors.LedgerUnavailableError):
                self._accounts.budgets.release(hold)

    def settle(self, evidence: Evidence, size: Callable[[], Size] = Size) -> None:
        """The attempt is over: write its record, settle what was held, correct what was taken. It waits for nothing.

        Args:
            evidence: How it ended.
            size: Measures the call, where that was not needed before.
        """
        if not evidence.sent and evidence.outcome != "answered" and evidence.error is None:
            # Whoever was called off before anything was sent has asked nobody.
            self.bill = NOTHING
            self.leave()
            return
        self.bill = bill = self._billed(evidence, size)
        self._settle_limits(bill, evidence)
        if evidence.outcome == "answered" and bill.usage.output is not None and not bill.estimated:
            self._accounts.learned.observe(str(self._asked.ref), bill.usage.output)
        if self._hold is None and not self._accounts.recorded:
            return
        if self._hold is None and not self._accounts.must_write:
            self._accounts.note(lambda: self._record(bill, evidence))
        else:
            self._post(self._record(bill, evidence))

    def _billed(self, evidence: Evidence, size: Callable[[], Size]) -> Bill:
        bill = bill_of(self._asked, evidence, self._expected, self._at)
        if not bill.estimated or self._expected is not NOTHING_EXPECTED:
            return bill
        measured, usual = size(), self._accounts.learned.usual(str(self._asked.ref))
        self._expected = Expected(measured.input.likely, measured.bound or usual or 0)
        return bill_of(self._asked, evidence, self._expected, self._at)

    def _record(self, bill: Bill, evidence: Evidence) -> Record:
        return ended(begun(self.attempt_id, self._asked, self._purpose), bill, evidence)

    def _post(self, record: Record) -> None:
        try:
            self.posted = self._accounts.post(record, self._hold or Hold(record.attempt_id))
        except errors.LedgerUnavailableError as error:
            # The answer is paid for, and is given all the same.
            _log.critical("The record of attempt %s could not be written: %s", record.attempt_id, error)

    def _pass_limits(self, size: Size, signal: ThreadSignal | None) -> Generator[Any, Any, None]:
        accounts = self._accounts
        published = self._published() if accounts.catalog_limits else None
        if published is None and not accounts.limiter.limits:
            return
        usual = accounts.learned.usual(str(self._asked.ref))
        tokens = token_charge(size.input.likely, size.bound, usual)
        caller = _caller_of(self._asked, self._purpose.user, published)
        self._passage = yield _Turn(accounts, caller, Load(tokens, size.input.likely), size, signal)

    def _hold_money(self, size: Size) -> Generator[Any, Any, None]:
        accounts, record = self._accounts, begun(self.attempt_id, self._asked, self._purpose, size.input)
        charged = accounts.budgets.charges(record)
        if not charged and not accounts.announces:
            return
        usual = accounts.learned.usual(str(self._asked.ref))
        call = call_size(self._asked, size, usual, strict=accounts.budgets.strict(record)) if charged else CallSize(0)
        for left in reversed(range(MOST_TRIES)):
            estimate = estimate_of(self._asked, call, size.answers, self._at) if charged else NOTHING_ASKED
            answer: Hold | Refusal = yield accounts.budgets.ask(
                record,
                estimate,
                life=max(size.left, 0.0) + AFTERWARDS,
                required=accounts.requires_ledger(record.key_owner),
            )
            if isinstance(answer, Hold):
                self._keep(answer, call, size)
                return
            smaller = shortened(self._asked, call, size, answer, self._at) if left else None
            if smaller is None:
                raise StepDownError(answer, call) if answer.steps_down else answer.error()
            call = smaller

    def _keep(self, hold: Hold, call: CallSize, size: Size) -> None:
        self._hold = hold
        self.bound = call.max_output_tokens if size.bound is None else None
        held = max((stake.amount for stake in hold.stakes), default=None)
        output = call.max_output_tokens or size.bound or call.usual_output_tokens or 0
        self._expected = Expected(size.input.likely, output, None if held is None else dollars(held))

    def _settle_limits(self, bill: Bill, evidence: Evidence) -> None:
        passage, self._passage = self._passage, None
        if passage is None:
            return
        if evidence.headers:
            self._accounts.limiter.heed(passage.caller, evidence.headers, time.time())
        if evidence.sent or evidence.outcome == "answered":
            self._accounts.settle_passage(passage, bill.tokens)
        else:
            self._accounts.return_passage(passage)

    def told(self, error: errors.LocalRefusalError) -> errors.LocalRefusalError:
        """The refusal, with whom it is about; and whoever listens hears of it."""
        ref = self._asked.ref
        error.facts = replace(error.facts, provider=ref.provider, model=ref.model)
        told = isinstance(error, errors.LimitReachedError | errors.BudgetExceededError)
        if told and self._accounts.events.heard:
            self._accounts.events.publish(
                LimitReached(
                    limit=error.safe_message, model=str(ref), user=self._purpose.user, retry_after=error.retry_after
                )
            )
        return error

    @property
    def _at(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.since, dt.UTC)

    def _published(self) -> Limit | None:
        return limit_of(self._asked.entry) if self._asked.entry is not None else None


def _caller_of(asked: Payable, user: str, published: Limit | None) -> Caller:
    ref = asked.ref
    key = key_id_of(asked.credential)
    return Caller(user=user, model=str(ref), provider=ref.provider, key=key, published=published)


class _Turn:
    """A place under the limits, waited for as the call can."""

    __slots__ = ("_accounts", "_caller", "_load", "_signal", "_size")

    def __init__(self, accounts: Accounts, caller: Caller, load: Load, size: Size, signal: ThreadSignal | None) -> None:
        self._accounts = accounts
        self._caller = caller
        self._load = load
        self._size = size
        self._signal = signal

    def result(self, timeout: float) -> Passage:
        """Wait in this thread."""
        self._pass_by()
        return self._accounts.limiter.acquire(
            self._caller, self._load, wait_up_to=self._patience(timeout), lease=self._lease, signal=self._signal
        )

    def __await__(self) -> Generator[Any, Any, Passage]:
        self._pass_by()
        patience = self._patience(self._size.left)
        return self._accounts.limiter.aacquire(
            self._caller, self._load, wait_up_to=patience, lease=self._lease
        ).__await__()

    @property
    def _lease(self) -> float:
        return max(self._size.left, 1.0) + AFTERWARDS

    def _patience(self, left: float) -> float:
        own = self._accounts.wait
        return max(0.0, left if own is None else min(own, left))

    def _pass_by(self) -> None:
        """Where a provider has said that it has no room, somebody else is asked at once."""
        wait = self._accounts.limiter.said(self._caller, self._load) if self._size.others else 0.0
        if wait:
            raise errors.RateLimitedError(
                f"{self._caller.model} is not asked: its last answer said that it has no room for {wait:.3g} s.",
                facts=errors.CallFacts(retry_after=wait),
            )
