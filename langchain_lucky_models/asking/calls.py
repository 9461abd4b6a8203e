"""One call of a handle: the plan of its strategy, carried out, and the verdict turned into an answer or one error."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_lucky_models import errors
from langchain_lucky_models.asking import records
from langchain_lucky_models.asking.answers import Opened, Whole, as_chunks
from langchain_lucky_models.asking.endings import failure_of
from langchain_lucky_models.asking.errands import Errand, StreamErrand, WholeErrand
from langchain_lucky_models.asking.hedges import Hedge, Kind
from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.asking.meter import Backstage
from langchain_lucky_models.asking.questions import Question
from langchain_lucky_models.asking.votes import by_comparer, judges_choice, judges_question, says_same
from langchain_lucky_models.drive import adrive, drive
from langchain_lucky_models.failures import moves_on, pause_before_retry
from langchain_lucky_models.strategies import STRATEGIES, Plan, Rules, Verdict, Wave, insisting, supervised

E = TypeVar("E", bound=Errand[Any])

MOST_CALLS = 4
"""Requests that one call may make over all members."""


class Call:
    """One question, asked along one line.

    Args:
        line: Who is asked, and how.
        question: What.
        backstage: Where members come from, and what stands before and behind every attempt.
    """

    def __init__(self, line: Line, question: Question, backstage: Backstage) -> None:
        self._line = line
        self._question = question
        self._backstage = backstage
        self._errands: list[Errand[Any]] = []

    def whole(self) -> ChatResult:
        """The whole answer."""
        verdict = drive(self._plan("whole"), self._whole_errand, self._backstage.pauses)
        self._write()
        return self._result(verdict)

    async def awhole(self) -> ChatResult:
        """Same as `whole`, without blocking the event loop."""
        verdict = await adrive(self._plan("whole"), self._whole_errand, self._backstage.pauses)
        await self._awrite()
        return self._result(verdict)

    def stream(self) -> Generator[ChatGenerationChunk]:
        """The answer as it comes, from the one member that began it."""
        if self._judges_first:
            yield from as_chunks(self.whole())
            return
        verdict: Verdict[Candidate, Opened] = drive(self._plan("stream"), self._stream_errand, self._backstage.pauses)
        opened = self._begun(verdict)
        try:
            for late in _others(verdict):
                late.close()
            with self._told(verdict):
                yield from opened.follow()
            self._write()
            yield from self._closing(verdict, opened)
        finally:
            opened.close()
            self._write()

    async def astream(self) -> AsyncGenerator[ChatGenerationChunk]:
        """Same as `stream`."""
        if self._judges_first:
            for chunk in as_chunks(await self.awhole()):
                yield chunk
            return
        verdict: Verdict[Candidate, Opened] = await adrive(
            self._plan("stream"), self._stream_errand, self._backstage.pauses
        )
        opened = self._begun(verdict)
        try:
            for late in _others(verdict):
                await late.aclose()
            with self._told(verdict):
                async for chunk in opened.afollow():
                    yield chunk
            await self._awrite()
            for chunk in self._closing(verdict, opened):
                yield chunk
        finally:
            await opened.aclose()
            await self._awrite()

    @property
    def _judges_first(self) -> bool:
        """Whether answers are seen whole before one is shown: to compare them, or to ask elsewhere if one misfits."""
        question = self._question
        return self._line.manner.whole_answers or (question.must_parse and question.structure is not None)

    def _write(self) -> None:
        """Before an answer, or its failure, is given, what it cost is written where records last."""
        for errand in self._errands:
            errand.written()

    async def _awrite(self) -> None:
        for errand in self._errands:
            await errand.awritten()

    def _plan(self, kind: Kind) -> Plan[Candidate, Any]:
        manner = self._line.manner
        hedge = self._hedge(kind) if manner.stagger is None else None
        rules: Rules[Candidate, Any] = Rules(
            follows=self._may_do_better,
            pause=self._pause,
            most_attempts=MOST_CALLS,
            stagger=hedge.wait if hedge else manner.stagger or 0.0,
            hedges=hedge.allows if hedge else None,
            quorum=manner.quorum,
            same=by_comparer(manner.comparer) if manner.comparer else says_same,
            judge=self._line.judge,
            chosen=judges_choice,
        )
        plan = manner.strategy(self._line.candidates, rules)
        if manner.strategy not in STRATEGIES.values():
            plan = supervised(plan, self._line.everybody)
        plan = hedge.learning(plan) if hedge else plan
        return insisting(plan, _rest_of) if self._backstage.meter.probe_when_all_rest else plan

    def _hedge(self, kind: Kind) -> Hedge:
        board = self._backstage.meter.health
        return Hedge(
            self._backstage.hedges, self._line.candidates, kind, lambda candidate: board.is_well(candidate.scopes)
        )

    def _pause(self, error: Exception, failed: Candidate, made: int) -> float | None:
        """How long to wait before the same member is asked again: as the failure asks, and until it has rested."""
        meter = self._backstage.meter
        if made > self._line.manner.max_retries or not meter.may_retry(failed):
            return None
        left = self._question.deadline - time.monotonic()
        pause = pause_before_retry(error, made, left=left)
        rest = meter.rests_for(failed)
        return None if pause is None or rest >= left else max(pause, rest)

    def _may_do_better(self, error: Exception, failed: Candidate, other: Candidate) -> bool:
        """Whether another member may answer where one failed so: as the caller says, else as the table has it."""
        own = self._line.manner.moves_on
        if own is not None and isinstance(error, errors.CallError) and not isinstance(error, errors.LocalRefusalError):
            opinion = own(error)
            if opinion is not None:
                return opinion
        return moves_on(
            error,
            other_credential=other.credential.secret is not failed.credential.secret,
            larger_context=_context(other) > _context(failed),
        )

    def _whole_errand(self, candidate: Candidate, wave: Wave[Candidate, Whole]) -> WholeErrand:
        question = judges_question(self._question, wave.about) if wave.about else self._question
        return self._kept(WholeErrand(candidate, question, self._backstage, wave))

    def _stream_errand(self, candidate: Candidate, wave: Wave[Candidate, Opened]) -> StreamErrand:
        return self._kept(StreamErrand(candidate, self._question, self._backstage, wave))

    def _kept(self, errand: E) -> E:
        self._errands.append(errand)
        return errand

    @contextmanager
    def _told(self, verdict: Verdict[Candidate, Opened]) -> Iterator[None]:
        """A stream that breaks after it was shown tells of every attempt, its own included."""
        try:
            yield
        except (errors.StreamInterruptedError, errors.UnfitAnswerError) as broken:
            attempts = [
                replace(attempt, error=broken, outcome="failed") if attempt is verdict.winner else attempt
                for attempt in verdict.attempts
            ]
            broken.facts = replace(broken.facts, attempts=records.reports(attempts, self._errands))
            raise

    def _result(self, verdict: Verdict[Candidate, Whole]) -> ChatResult:
        if verdict.winner is None or verdict.winner.answer is None:
            self._fail(verdict)
        answer = verdict.winner.answer
        answer.message.response_metadata = {
            **answer.message.response_metadata,
            records.MARK: records.mark(verdict, self._line, self._errands),
        }
        only, *further = answer.result.generations
        return ChatResult(generations=[only], llm_output=answer.result.llm_output) if further else answer.result

    def _begun(self, verdict: Verdict[Candidate, Opened]) -> Opened:
        if verdict.winner is None or verdict.winner.answer is None:
            self._fail(verdict)
        return verdict.winner.answer

    def _closing(self, verdict: Verdict[Candidate, Opened], opened: Opened) -> Iterator[ChatGenerationChunk]:
        """What was kept from the end on; the last chunk alone is marked, for merging doubles what two say."""
        *tail, last = opened.flow.tail
        yield from tail
        last.message.response_metadata = {
            **last.message.response_metadata,
            records.MARK: records.mark(verdict, self._line, self._errands),
        }
        yield last

    def _fail(self, verdict: Verdict[Candidate, Any]) -> NoReturn:
        raise failure_of(verdict, self._line.asked, records.reports(verdict.attempts, self._errands)) from None


def _rest_of(error: Exception) -> float | None:
    return (error.retry_after or 0.0) if isinstance(error, errors.CircuitOpenError) else None


def _context(candidate: Candidate) -> int:
    limits = candidate.entry.limits if candidate.entry else None
    return (limits.input or limits.context or 0) if limits else 0


def _others(verdict: Verdict[Candidate, Opened]) -> list[Opened]:
    """Streams that began, but too late."""
    return [a.answer for a in verdict.attempts if a is not verdict.winner and a.answer is not None]
