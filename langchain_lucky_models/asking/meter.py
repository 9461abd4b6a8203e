"""What surrounds an attempt: whether it may be made, and who hears how it ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from cachetools import LRUCache

from langchain_lucky_models import errors
from langchain_lucky_models.asking.hedges import Hedges
from langchain_lucky_models.asking.members import Candidate, MemberPool
from langchain_lucky_models.asking.seats import Rooms, Seat
from langchain_lucky_models.drive import PAUSES, Pauses
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.failures import RetryBudget, outcome_of
from langchain_lucky_models.health import ANSWERED, NEUTRAL, Admission, HealthBoard
from langchain_lucky_models.health.sharing import SharedState
from langchain_lucky_models.limits.line import Signal
from langchain_lucky_models.meter import Accounts, accounts_of
from langchain_lucky_models.wire.leashes import leash_here

UNTOUCHED = RetryBudget()
MOST_BUDGETS = 4096
"""Endpoints whose retries are counted; the least recently used is forgotten first."""


class Terms(NamedTuple):
    """On what terms an attempt is made.

    Attributes:
        lease: Seconds until it is over at the latest.
        again: Whether it is a retry, which its endpoint's budget pays for.
        insists: Whether it is made although its candidate rests.
        hasty: Whether the caller waits so shortly that running out of time tells nothing about the candidate.
    """

    lease: float
    again: bool = False
    insists: bool = False
    hasty: bool = False


Book = Callable[[Exception | None, bool], object]


class Visit:
    """One attempt from its admission to its settlement, which happens once however the attempt ends.

    Args:
        health: Who hears of it.
        candidate: Who is asked.
        admission: What the candidate was admitted with.
        terms: On what terms.
        seat: The attempt's seat, where calls at once are limited; it is left at the end.

    Attributes:
        begun: Whether a stream has shown its first content.
        book: What charges the attempt: told of its failure, and whether nobody waits for it any more.
    """

    def __init__(
        self, health: HealthBoard, candidate: Candidate, admission: Admission, terms: Terms, seat: Seat | None
    ) -> None:
        self._health = health
        self._candidate = candidate
        self._admission = admission
        self._terms = terms
        self._seat = seat
        self._lock = threading.Lock()
        self._open = True
        self.begun = False
        self.book: Book = _book_nothing

    def begin(self) -> None:
        """A stream has shown its first content: health does not wait for the last."""
        self.begun = True
        self._health.report(self._admission, ANSWERED)

    def settle(self, error: Exception | None = None, *, cancelled: bool = False, blameless: bool = False) -> None:
        """The attempt is over; only the first word counts.

        Args:
            error: Its failure, if it failed.
            cancelled: Nobody waits for it any more.
            blameless: It failed here, before anybody else had a part in it.
        """
        with self._lock:
            first, self._open = self._open, False
        if self._seat is not None:
            self._seat.leave()
        if not first:
            return
        self.book(error, cancelled)
        if self.begun and error is None:
            return
        tells_nothing = cancelled or blameless or self._tells_nothing(error)
        self._health.report(self._admission, NEUTRAL if tells_nothing else outcome_of(error))

    def _tells_nothing(self, error: Exception | None) -> bool:
        """Whether a failure says nothing about the next attempt, or nothing that users' own calls should hear."""
        if leash_here() is not None:
            return True
        match error:
            case errors.AuthFailedError():
                # A key that is asked for anew each time may be another one next time.
                secret = self._candidate.credential.secret
                return secret is not None and secret.rotates
            case errors.ModelGoneError():
                # Whoever runs a server may load the missing model at any moment.
                return self._candidate.family.open_catalog
            case errors.DeadlineExceededError() | errors.ProviderTimeoutError():
                return self._terms.hasty
        return False


class Meter:
    """Stands before and behind every attempt of a registry.

    Args:
        health: Who rests after failures.
        accounts: What every attempt is charged to; by default a ledger in memory, without budgets and limits.
        probe_when_all_rest: Ask the one that may be asked soonest, instead of failing, where everybody rests.
        shared: What other processes say of the same health.
    """

    def __init__(
        self,
        health: HealthBoard,
        *,
        accounts: Accounts | None = None,
        probe_when_all_rest: bool = False,
        shared: SharedState | None = None,
    ) -> None:
        self.health = health
        self.accounts = accounts or accounts_of()
        self.probe_when_all_rest = probe_when_all_rest
        self._shared = shared
        self._rooms = Rooms()
        self._lock = threading.Lock()
        self._budgets: LRUCache[str, RetryBudget] = LRUCache(MOST_BUDGETS)

    def lets_pass(self, candidate: Candidate) -> bool:
        """Whether nothing at all is waited for before the candidate is asked: no seat, no limit, no budget."""
        return candidate.max_concurrency is None and not self.accounts.bounded

    def line_up(self, candidate: Candidate, signal: Signal) -> Seat | None:
        """Stand in line for one of the candidate's seats, where calls at once are limited.

        Args:
            candidate: Who is to be asked.
            signal: Set once the seat is there.

        Raises:
            CircuitOpenError: The candidate rests, so that waiting is vain.
            LimitReachedError: The call has given its seat to a user's own, so it does not ask for another.
        """
        if candidate.max_concurrency is None:
            return None
        leash = leash_here()
        if leash is not None and leash.pulled:
            raise _no_seat(candidate, "it was made beside a user's own call, and gave way to that.")
        seat = self._rooms.room(candidate.endpoint, candidate.max_concurrency).line_up(signal, leash)
        if not seat.taken and (refusal := self.resting(candidate)) is not None:
            seat.leave()
            raise self._rests(candidate, refusal)
        return seat

    def check_seat(self, candidate: Candidate, seat: Seat | None) -> None:
        """Go on with a seat, or where none is needed.

        Args:
            candidate: Who is to be asked.
            seat: What `line_up` gave, after it was waited for.

        Raises:
            LimitReachedError: The seat did not become free in time.
        """
        if seat is not None and not seat.taken:
            raise _no_seat(candidate, "no place became free within the call's timeout.")

    def admit(self, candidate: Candidate, terms: Terms, seat: Seat | None = None) -> Visit:
        """Let an attempt go; the visit has to be settled, however it ends.

        Args:
            candidate: Who is to be asked.
            terms: On what terms.
            seat: Its seat, where it needs one.

        Raises:
            CircuitOpenError: The candidate rests; `retry_after` says for how long.
        """
        if self._shared is not None:
            self._shared.begin()
        admission = self.health.admit(candidate.scopes, lease=terms.lease, panic=terms.insists)
        if not admission.allowed:
            raise self._rests(candidate, admission)
        self._count(candidate.endpoint, again=terms.again)
        return Visit(self.health, candidate, admission, terms, seat)

    def resting(self, candidate: Candidate) -> Admission | None:
        """The refusal that the candidate would meet now, if any."""
        return self.health.refusal(candidate.scopes)

    def why_resting(self, candidate: Candidate) -> str | None:
        """Why the candidate would be skipped now, and for how long."""
        refusal = self.resting(candidate)
        return f"{refusal.reason}, for {self.rests_for(candidate):.1f} s more" if refusal else None

    def close(self) -> None:
        """Write what waits, and stop listening to other processes."""
        self.accounts.close()
        if self._shared is not None:
            self._shared.close()

    async def aclose(self) -> None:
        """Same as `close`, without blocking the event loop."""
        await self.accounts.aclose()
        if self._shared is not None:
            await asyncio.to_thread(self._shared.close)

    def may_retry(self, candidate: Candidate) -> bool:
        """Whether the candidate's endpoint may be burdened with one more retry, whoever makes it."""
        with self._lock:
            return self._budget(candidate.endpoint).allows

    def rests_for(self, candidate: Candidate) -> float:
        """Seconds until the candidate may be asked again."""
        return max(0.0, self.health.next_try_at(candidate.scopes) - self.health.clock())

    def _rests(self, candidate: Candidate, refusal: Admission) -> errors.CircuitOpenError:
        wait = max(0.0, (refusal.next_try_at or 0.0) - self.health.clock())
        ref = candidate.ref
        return errors.CircuitOpenError(
            f"{ref} is not asked: {refusal.reason}; the next try may be made in {wait:.1f} s.",
            facts=errors.CallFacts(provider=ref.provider, model=ref.model, retry_after=wait),
        )

    def _count(self, endpoint: str, *, again: bool) -> None:
        with self._lock:
            budget = self._budget(endpoint)
            after = budget.spend() if again else budget.earn()
            if after is not budget:
                self._budgets[endpoint] = after

    def _budget(self, endpoint: str) -> RetryBudget:
        found: RetryBudget | None = self._budgets.get(endpoint)
        return found or UNTOUCHED


def _no_seat(candidate: Candidate, reason: str) -> errors.LimitReachedError:
    return errors.LimitReachedError(
        f"{candidate.ref} was not asked: max_concurrency lets {candidate.max_concurrency} calls at once to"
        f" {candidate.endpoint}, and {reason}",
        facts=errors.CallFacts(provider=candidate.ref.provider, model=candidate.ref.model),
    )


def _book_nothing(_error: Exception | None, _cancelled: bool) -> None:  # noqa: FBT001 - as `Book` has it
    """Nobody keeps books."""


def meter_of(shared_state: str | None, when_all_rest: str, accounts: Accounts) -> Meter:
    """The meter of a registry with these settings.

    Raises:
        ConfigError: One of them means nothing.
        MissingExtraError: Sharing needs the package `redis`.
    """
    if when_all_rest not in {"fail", "probe"}:
        raise ConfigError(f"when_all_rest is 'fail' or 'probe', not {when_all_rest!r}.", field="when_all_rest")
    shared = SharedState(shared_state) if shared_state else None
    board = shared.board if shared else HealthBoard()
    return Meter(board, accounts=accounts, probe_when_all_rest=when_all_rest == "probe", shared=shared)


@dataclass(frozen=True, slots=True, eq=False)
class Backstage:
    """What every attempt of a registry shares."""

    pool: MemberPool
    meter: Meter
    pauses: Pauses = PAUSES
    hedges: Hedges = field(default_factory=Hedges)
