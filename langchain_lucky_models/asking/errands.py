"""One attempt at one member: asked whole or as a stream, sync or async, timed, checked, and its failure classified."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from langchain_lucky_models import errors
from langchain_lucky_models.asking.answers import Opened, Whole, as_chunks
from langchain_lucky_models.asking.flows import Flow, check_content, shows_content
from langchain_lucky_models.asking.manners import Timeouts
from langchain_lucky_models.asking.members import Candidate, Member
from langchain_lucky_models.asking.meter import Backstage, Terms, Visit
from langchain_lucky_models.asking.seats import Seat
from langchain_lucky_models.binding import Structure, ToolList, parsed_quietly
from langchain_lucky_models.failures import classify
from langchain_lucky_models.limits.line import Signal, TaskSignal
from langchain_lucky_models.providers.answers import countable
from langchain_lucky_models.strategies import Attempt, Outcome, Wave
from langchain_lucky_models.wire import CallScope

A = TypeVar("A")

SHORTEST_PATIENCE = 1.0
"""Seconds; who is given less, and takes longer, need not be ill."""

TIMED_OUT = (errors.DeadlineExceededError, errors.ProviderTimeoutError)
"""What a call ends with whose time runs out."""

TimedOut = tuple[type[errors.CallError], str]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a call asks, whoever is asked.

    Attributes:
        messages: The prompt.
        stop: Where to stop.
        keywords: What the caller gave beside it; the tools may be a `ToolList`.
        timeouts: How long it may take.
        deadline: The end of the call on the monotonic clock.
        structure: The structured answer that is wished for.
        must_parse: Whether an answer that does not fit the structure is a failure, because somebody else may do better.
    """

    messages: list[BaseMessage]
    stop: list[str] | None
    keywords: Mapping[str, Any]
    timeouts: Timeouts
    deadline: float
    structure: Structure | None = None
    must_parse: bool = False

    def keywords_for(self, member: Member) -> dict[str, Any]:
        """The keywords in the member's own form."""
        keywords = dict(self.keywords)
        shape = member.candidate.shape
        if isinstance(tools := keywords.get("tools"), ToolList):
            del keywords["tools"]
            keywords = {**tools.keywords(member.partner, shape, keywords.pop("tool_choice", None)), **keywords}
        if self.structure is not None:
            keywords = {**self.structure.keywords(member.partner, shape), **keywords}
        return keywords


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
        self.aborted = False

    def abort(self) -> None:
        """End it at once, from any thread."""
        self.aborted = True
        self.scope.abort()
        if self.visit is None and self.seat is not None:
            self.seat.leave()
        if self.visit is not None and self.visit.begun:
            self.visit.settle(cancelled=True)

    def answered(self, answer: A) -> None:
        """The attempt has brought an answer."""
        raise NotImplementedError

    def share(self) -> float | None:
        """Seconds that this attempt may take until it answers, where others are left to be asked after it."""
        left = self.question.deadline - time.monotonic()
        return left / (self.wave.left + 1) if self.wave.left else None

    def explain(self, error: Exception) -> errors.CallError:
        """What an exception means: one of our timers, our own wire, or the provider."""
        scope, ref = self.scope, self.candidate.ref
        timed_out: Mapping[str, TimedOut] = {
            "deadline": (errors.DeadlineExceededError, "the call ran out of its timeout."),
            "first_token": self.too_late,
            "stall": (errors.StallTimeoutError, "content stopped coming for stall_timeout."),
        }
        cause = scope.failure or error
        found = classify(cause, provider=ref.provider, model=ref.model, scrub=scope.scrub, evidence=scope)
        if scope.reason is None:
            return found
        kind, text = timed_out[scope.reason]
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
        signal = threading.Event()
        if self._must_wait(signal):
            signal.wait(self._left())
        self._go_in()

    async def aadmit(self) -> None:
        """Same as `admit`, but waits in a task."""
        signal = TaskSignal()
        if self._must_wait(signal):
            await signal.wait(self._left())
        self._go_in()

    def _must_wait(self, signal: Signal) -> bool:
        errand = self._errand
        errand.seat = errand.meter.line_up(errand.candidate, signal)
        return errand.seat is not None and not errand.seat.taken

    def _go_in(self) -> None:
        errand = self._errand
        wave, timeouts = errand.wave, errand.question.timeouts
        terms = Terms(max(self._left(), 1.0), wave.again, wave.insists, timeouts.shortest < SHORTEST_PATIENCE)
        errand.visit = errand.meter.admit(errand.candidate, terms, errand.seat)

    def _left(self) -> float:
        return self._errand.question.deadline - time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        errand = self._errand
        if error is not None and (not isinstance(error, Exception) or passes_through(error)):
            self._settle(None, cancelled=True)
            return False
        failure = errand.explain(error) if error else None
        failed: Outcome = "failed" if errand.visit else "skipped"
        outcome: Outcome = "cancelled" if errand.aborted else failed if failure else "answered"
        seconds = time.monotonic() - self._started
        answer = self.answer if outcome == "answered" else None
        if answer is None:
            errand.scope.leave()
            self._settle(failure, cancelled=errand.aborted)
        else:
            errand.answered(answer)
        self.attempt = Attempt(errand.candidate, answer, failure, outcome, seconds)
        return True

    def _settle(self, failure: Exception | None, *, cancelled: bool) -> None:
        if self._errand.visit is not None:
            # Where this process had no turn for the call until its time was over, nobody else is ill.
            late = isinstance(failure, TIMED_OUT) and not self._errand.scope.tried
            self._errand.visit.settle(failure, cancelled=cancelled, blameless=late)
        elif self._errand.seat is not None:
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
            keywords = question.keywords_for(member)
            with self.scope.entered():
                result = member.partner._generate_with_cache(
                    question.messages, stop=question.stop, run_manager=None, **keywords
                )
            trial.answer = self._checked(Whole(member, result))
        return trial.attempt

    async def arun(self) -> Attempt[Candidate, Whole]:
        """Same as `run`, without blocking the event loop."""
        question = self.question
        with Trial(self) as trial:
            await trial.aadmit()
            self.scope.expect("first_token", self.share())
            member = await self.pool.amember(self.candidate)
            keywords = question.keywords_for(member)
            with self.scope.entered():
                result = await member.partner._agenerate_with_cache(
                    question.messages, stop=question.stop, run_manager=None, **keywords
                )
            trial.answer = self._checked(Whole(member, result))
        return trial.attempt

    def _checked(self, answer: Whole) -> Whole:
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
            self.visit.begin()

    def run(self) -> Attempt[Candidate, Opened]:
        """Make the attempt."""
        question = self.question
        with Trial(self) as trial:
            trial.admit()
            member = self.pool.member(self.candidate)
            partner, keywords = member.partner, question.keywords_for(member)
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
            partner, keywords = member.partner, question.keywords_for(member)
            opened = self._opened(member)
            with self.scope.entered():
                if partner._should_stream(async_api=True, **{**keywords, "stream": True}):
                    if partner.rate_limiter:
                        await partner.rate_limiter.aacquire(blocking=True)
                    opened.achunks = partner._astream(question.messages, stop=question.stop, **keywords)
                else:
                    whole = await partner._agenerate_with_cache(question.messages, stop=question.stop, **keywords)
                    opened.achunks = _in_async(as_chunks(whole))
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
        return Opened(member, flow, self)

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


async def _in_async(chunks: list[ChatGenerationChunk]) -> AsyncIterator[ChatGenerationChunk]:
    for chunk in chunks:
        yield chunk
