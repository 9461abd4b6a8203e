"""One attempt at one member: asked whole or as a stream, sync or async, timed, checked, and its failure classified."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from langchain_lucky_models import errors
from langchain_lucky_models.asking.answers import Opened, Whole, as_achunks, as_chunks
from langchain_lucky_models.asking.evidence import evidence_of, found_of, reported
from langchain_lucky_models.asking.flows import Flow, check_content, shows_content
from langchain_lucky_models.asking.members import Candidate, Member
from langchain_lucky_models.asking.meter import Backstage, Terms, Visit
from langchain_lucky_models.asking.questions import Question
from langchain_lucky_models.asking.seam import aask_whole, ask_whole
from langchain_lucky_models.asking.seats import Seat
from langchain_lucky_models.binding import parsed_quietly
from langchain_lucky_models.ledger import Outcome as Ending
from langchain_lucky_models.ledger.pending import LONGEST_WAIT
from langchain_lucky_models.limits.line import Signal, TaskSignal, ThreadSignal
from langchain_lucky_models.meter import Charge, StepDownError, acarry, carry
from langchain_lucky_models.meter.steps import Plan as Admitting
from langchain_lucky_models.providers.answers import countable
from langchain_lucky_models.strategies import Attempt, Outcome, Wave
from langchain_lucky_models.wire import CallScope

A = TypeVar("A")

SHORTEST_PATIENCE = 1.0
"""Seconds; who is given less, and takes longer, need not be ill."""

TIMED_OUT = (errors.DeadlineExceededError, errors.ProviderTimeoutError)
"""What a call ends with whose time runs out."""

LEAST_PATIENCE = 0.5
"""Seconds that an answer waits for its record, be its time over."""

TimedOut = tuple[type[errors.CallError], str]

TOO_LATE: Mapping[str, TimedOut] = {
    "deadline": (errors.DeadlineExceededError, "the call ran out of its timeout."),
    "stall": (errors.StallTimeoutError, "content stopped coming for stall_timeout."),
}
"""What timers mean to every attempt."""


class Errand(Generic[A]):
    """Asking one candidate once; `drive.Errand` says what is promised.

    Args:
        candidate: Who is asked.
        question: What.
        backstage: Where members come from, and what stands before and behind every attempt.
        wave: Whether it is a retry, and how many others need their share of the time.

    Attributes:
        too_late: What it means that nothing was said in time.
    """

    too_late: ClassVar[TimedOut]

    def __init__(
        self, candidate: Candidate, question: Question, backstage: Backstage, wave: Wave[Candidate, Any]
    ) -> None:
        self.candidate = candidate
        self.question = question
        self.pool = backstage.pool
        self.meter = backstage.meter
        self.wave = wave
        self.scope = CallScope(deadline=question.deadline)
        self.seat: Seat | None = None
        self.visit: Visit | None = None
        self.charge = Charge(self.meter.accounts, candidate, question.purpose)
        self.signal: ThreadSignal | None = None
        self.seen: Whole | Opened | None = None
        self.attempt: Attempt[Candidate, A] | None = None
        self.sent_at = self.first_at = 0.0
        self.aborted = False

    def abort(self) -> None:
        """End it at once, from any thread."""
        self.aborted = True
        self.scope.abort()
        if self.signal is not None:
            self.signal.give_up()
        if self.visit is None and self.seat is not None:
            self.seat.leave()
        if self.visit is not None and self.visit.begun:
            self.visit.settle(cancelled=True)

    def answered(self, answer: A) -> None:
        """The attempt has brought an answer."""
        raise NotImplementedError

    def book(self, error: Exception | None, cancelled: bool) -> None:  # noqa: FBT001 - as `Visit.book` has it
        """Charge the attempt: its visit calls this once, however it ends."""
        failed = None if cancelled else error
        left: Ending = "abandoned" if self.aborted else "cancelled"
        outcome: Ending = left if cancelled else "failed" if failed else "answered"
        size = partial(self.question.size, self.candidate, left=0.0, others=False)
        self.charge.settle(evidence_of(self, outcome, failed), size)

    def keywords(self, member: Member) -> dict[str, Any]:
        """What the member is asked with, the bound on its answer included that a budget has set."""
        keywords = self.question.keywords_for(member)
        bound = self.charge.bound
        return keywords if bound is None else {**keywords, **self.candidate.family.bounded(bound)}

    def step_down(self, refused: StepDownError) -> None:
        """Ask somebody cheaper instead, of the same user's list and at the same payer's cost.

        Raises:
            BudgetExceededError: There is nobody.
        """
        cheaper = self.question.cheaper(self.candidate, refused)
        if cheaper is None:
            raise self.charge.told(refused.refusal.error()) from None
        self.candidate = cheaper
        self.charge = Charge(self.meter.accounts, cheaper, self.question.purpose)

    def written(self) -> None:
        """Wait until the ledger has the attempt's record, where there is one that lasts."""
        if (posted := self.charge.posted) is not None:
            with reported():
                posted.result(self._patience())

    async def awritten(self) -> None:
        """Same as `written`, without blocking the event loop."""
        if (posted := self.charge.posted) is not None:
            with reported():
                async with asyncio.timeout(self._patience()):
                    await posted

    def _patience(self) -> float:
        # A paid answer is given whatever the ledger does; what it has not written by then, it writes later.
        return min(max(self.question.deadline - time.monotonic(), LEAST_PATIENCE), LONGEST_WAIT)

    def share(self) -> float | None:
        """Seconds that this attempt may take until it answers: its provider's, and what is left for each of several."""
        left, own = self.question.deadline - time.monotonic(), self.candidate.timeout
        bounds = [own] if own is not None and not self.question.timeouts.by_caller else []
        return min([*bounds, left / (self.wave.left + 1)] if self.wave.left else bounds, default=None)

    def explain(self, error: Exception) -> errors.CallError:
        """What an exception means: one of our timers, our own wire, or the provider."""
        scope, ref = self.scope, self.candidate.ref
        found = found_of(error, scope, ref, self.question.structure)
        if scope.reason is None:
            return found
        kind, text = self.too_late if scope.reason == "first_token" else TOO_LATE[scope.reason]
        return kind(f"{ref}: {text}", facts=found.facts)


class Trial(Generic[A]):
    """The boundary around one attempt: times it, and keeps whatever is raised inside as the attempt's failure."""

    def __init__(self, errand: Errand[A]) -> None:
        self._errand = errand
        self._started = time.monotonic()
        self.answer: A | None = None
        self.attempt: Attempt[Candidate, A]

    def __enter__(self) -> Self:
        return self

    def admit(self) -> None:
        """Ask whether the attempt may be made, and wait for its turn where calls at once are limited.

        Raises:
            CircuitOpenError: Its candidate rests.
            LimitReachedError: Its turn did not come in time.
        """
        errand = self._errand
        if errand.meter.lets_pass(errand.candidate):
            self._go_in()
            return
        signal = errand.signal = ThreadSignal()
        if errand.aborted:
            signal.give_up()
        while True:
            if self._must_wait(signal):
                signal.wait(self._left())
            try:
                if (plan := self._entering(signal)) is not None:
                    carry(plan, self._left)
                break
            except StepDownError as refused:
                self._step_down(refused)
        self._go_in()

    async def aadmit(self) -> None:
        """Same as `admit`, but waits in a task."""
        if self._errand.meter.lets_pass(self._errand.candidate):
            self._go_in()
            return
        while True:
            signal = TaskSignal()
            if self._must_wait(signal):
                await signal.wait(self._left())
            try:
                if (plan := self._entering()) is not None:
                    await acarry(plan, self._left)
                break
            except StepDownError as refused:
                self._step_down(refused)
        self._go_in()

    def _must_wait(self, signal: Signal) -> bool:
        errand = self._errand
        errand.seat = errand.meter.line_up(errand.candidate, signal)
        return errand.seat is not None and not errand.seat.taken

    def _entering(self, signal: ThreadSignal | None = None) -> Admitting[None] | None:
        """What has to be asked before: room under limits and budgets, where there are any."""
        errand = self._errand
        errand.meter.check_seat(errand.candidate, errand.seat)
        if not errand.meter.accounts.bounded:
            return None
        size = errand.question.size(errand.candidate, left=self._left(), others=errand.wave.left > 0)
        return errand.charge.entering(size, signal)

    def _step_down(self, refused: StepDownError) -> None:
        errand = self._errand
        seat, errand.seat = errand.seat, None
        if seat is not None:
            seat.leave()
        errand.step_down(refused)

    def _go_in(self) -> None:
        errand = self._errand
        wave, timeouts = errand.wave, errand.question.timeouts
        terms = Terms(max(self._left(), 1.0), wave.again, wave.insists, timeouts.shortest < SHORTEST_PATIENCE)
        errand.visit = errand.meter.admit(errand.candidate, terms, errand.seat)
        errand.visit.book = errand.book
        errand.sent_at = time.monotonic()

    def _left(self) -> float:
        return self._errand.question.deadline - time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        errand = self._errand
        if error is not None and (not isinstance(error, Exception) or passes_through(error)):
            self._settle(None, cancelled=True)
            return False
        failure = errand.explain(error) if error and not errand.aborted else None
        failed: Outcome = "failed" if errand.visit else "skipped"
        outcome: Outcome = "cancelled" if errand.aborted else failed if failure else "answered"
        seconds = time.monotonic() - self._started
        answer = self.answer if outcome == "answered" else None
        if answer is None:
            errand.scope.leave()
            self._settle(failure, cancelled=errand.aborted)
        else:
            errand.answered(answer)
        self.attempt = errand.attempt = Attempt(errand.candidate, answer, failure, outcome, seconds)
        return True

    def _settle(self, failure: Exception | None, *, cancelled: bool) -> None:
        if self._errand.visit is not None:
            # Where this process had no turn for the call until its time was over, nobody else is ill.
            late = isinstance(failure, TIMED_OUT) and not self._errand.scope.tried
            self._errand.visit.settle(failure, cancelled=cancelled, blameless=late)
            return
        self._errand.charge.leave()
        if self._errand.seat is not None:
            self._errand.seat.leave()


class WholeErrand(Errand[Whole]):
    """Asks for a whole answer."""

    too_late = (errors.ProviderTimeoutError, "no answer came; the rest of the timeout is left to the others.")

    def answered(self, answer: Whole) -> None:
        """That was all of it."""
        if self.visit is not None:
            self.visit.settle()

    def run(self) -> Attempt[Candidate, Whole]:
        """Make the attempt."""
        question = self.question
        with Trial(self) as trial:
            trial.admit()
            self.scope.expect("first_token", self.share())
            member = self.pool.member(self.candidate)
            keywords = self.keywords(member)
            with self.scope.entered():
                result = ask_whole(member.partner, question.messages, question.stop, keywords)
            trial.answer = self._checked(Whole(member, result))
        return trial.attempt

    async def arun(self) -> Attempt[Candidate, Whole]:
        """Same as `run`, without blocking the event loop."""
        question = self.question
        with Trial(self) as trial:
            await trial.aadmit()
            self.scope.expect("first_token", self.share())
            member = await self.pool.amember(self.candidate)
            keywords = self.keywords(member)
            with self.scope.entered():
                result = await aask_whole(member.partner, question.messages, question.stop, keywords)
            trial.answer = self._checked(Whole(member, result))
        return trial.attempt

    def _checked(self, answer: Whole) -> Whole:
        # Seen, and so charged, whatever is found wrong with it.
        self.seen = answer if answer.result.generations else None
        answer.message.usage_metadata = countable(answer.message.usage_metadata)
        if not shows_content(answer.message):
            check_content(self.candidate.ref, self.candidate.family, answer.result.generations[0])
        if self.question.structure and self.question.must_parse:
            parser = self.question.structure.parser(answer.member.partner, self.candidate.shape)
            return replace(answer, value=parsed_quietly(parser, answer.message))
        return answer


class StreamErrand(Errand[Opened]):
    """Opens a stream and waits for its first content: the answer is a stream that has begun."""

    too_late = (errors.FirstTokenTimeoutError, "no content came within first_token_timeout, or its share of timeout.")

    def answered(self, answer: Opened) -> None:
        """It has begun; whoever follows it settles it."""
        if self.visit is not None:
            self.first_at = time.monotonic()
            self.visit.begin()

    def run(self) -> Attempt[Candidate, Opened]:
        """Make the attempt."""
        question = self.question
        with Trial(self) as trial:
            trial.admit()
            member = self.pool.member(self.candidate)
            partner, keywords = member.partner, self.keywords(member)
            opened = self._opened(member)
            with self.scope.entered():
                if partner._should_stream(async_api=False, **{**keywords, "stream": True}):
                    if partner.rate_limiter:
                        partner.rate_limiter.acquire(blocking=True)
                    opened.chunks = partner._stream(question.messages, stop=question.stop, **keywords)
                else:
                    whole = partner._generate_with_cache(question.messages, stop=question.stop, **keywords)
                    opened.chunks = iter(as_chunks(whole))
                begun = any(opened.begins_with(chunk) for chunk in opened.chunks)
            trial.answer = self._begun(opened, begun=begun)
        return trial.attempt

    async def arun(self) -> Attempt[Candidate, Opened]:
        """Same as `run`, without blocking the event loop."""
        question = self.question
        with Trial(self) as trial:
            await trial.aadmit()
            member = await self.pool.amember(self.candidate)
            partner, keywords = member.partner, self.keywords(member)
            opened = self._opened(member)
            with self.scope.entered():
                if partner._should_stream(async_api=True, **{**keywords, "stream": True}):
                    if partner.rate_limiter:
                        await partner.rate_limiter.aacquire(blocking=True)
                    opened.achunks = partner._astream(question.messages, stop=question.stop, **keywords)
                else:
                    whole = await partner._agenerate_with_cache(question.messages, stop=question.stop, **keywords)
                    opened.achunks = as_achunks(whole)
                begun = False
                async for chunk in opened.achunks:
                    if begun := opened.begins_with(chunk):
                        break
            trial.answer = self._begun(opened, begun=begun)
        return trial.attempt

    def _opened(self, member: Member) -> Opened:
        candidate, timeouts = self.candidate, self.question.timeouts
        bounds = [bound for bound in (timeouts.first_token, self.share()) if bound is not None]
        self.scope.expect("first_token", min(bounds, default=None))
        flow = Flow(candidate.ref, candidate.family, self.scope, timeouts.stall)
        self.seen = opened = Opened(member, flow, self)
        return opened

    def _begun(self, opened: Opened, *, begun: bool) -> Opened:
        if not begun:
            if self.scope.opening:
                # It was no stream at all; what it was instead, an error object perhaps, the scope has seen.
                raise ValueError("No generation chunks were returned: the answer is no event stream.")
            opened.flow.check()
        return opened


def passes_through(error: Exception) -> bool:
    """LangGraph's interrupts travel as exceptions through whoever runs inside a graph; they are no failures."""
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)
