"""Carries a comparison out: the only place that starts tasks, and the one thread of the sync way, for it.

There is one way to ask, the async one; `compare` gives it an event loop in a thread of its own, so that it works inside
a running loop too, and so that whoever interrupts it ends the calls for real.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_lucky_models.asking.flows import shows_content
from langchain_lucky_models.asking.records import MARK
from langchain_lucky_models.comparison.course import Course, Errand, Judgement
from langchain_lucky_models.comparison.journal import Past, opened_journal
from langchain_lucky_models.comparison.outline import Outline
from langchain_lucky_models.comparison.progress import Report, progress_shown
from langchain_lucky_models.comparison.rows import Row
from langchain_lucky_models.comparison.table import Comparison
from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.errors.calls import CallError, LocalRefusalError

INTERRUPTED = "interrupted"
"""Why a comparison has stopped that somebody ended with Ctrl-C."""


async def acompare(outline: Outline) -> Comparison:
    """Ask every target every prompt. Cancelled, it leaves what was done in the file of `resume`.

    Raises:
        ConfigError: The file of `resume` cannot be used.
    """
    with _begun(outline) as (course, report):
        await _carried_out(outline, course, report)
    return course.table()


def compare(outline: Outline) -> Comparison:
    """Same as `acompare`, but waits. Interrupted (Ctrl-C), it ends the calls and gives what was done.

    Raises:
        ConfigError: The file of `resume` cannot be used.
    """
    with _begun(outline) as (course, report):
        _Loop().run(course, _carried_out(outline, course, report))
    return course.table()


@contextmanager
def _begun(outline: Outline) -> Iterator[tuple[Course, Report]]:
    with ExitStack() as open_now:
        past, journal = Past(), None
        if outline.resume is not None:
            journal = open_now.enter_context(opened_journal(outline.resume))
            past = journal.read()
            prompts = {prompt.id: prompt.digest for prompt in outline.prompts}
            targets = {target.label: target.described for target in outline.targets}
            past.check(prompts, targets, outline.resume)
            journal.write_heading(prompts, targets)
        course = Course(outline, past, journal)
        report = open_now.enter_context(progress_shown(outline.progress, outline.planned))
        report(course.done, course.failed)
        yield course, report


async def _carried_out(outline: Outline, course: Course, report: Report) -> None:
    """Work on as many errands at once as may be. Nobody is left behind, however it ends."""
    workers = [
        asyncio.create_task(_work(outline, course, report))
        for _ in range(min(outline.max_concurrency, outline.planned))
    ]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(outline: Outline, course: Course, report: Report) -> None:
    while (work := course.next_work()) is not None:
        if isinstance(work, Errand):
            course.note(work, await _asked(work))
            report(course.done, course.failed)
        else:
            await _judged(outline, course, work)


async def _judged(outline: Outline, course: Course, work: Judgement) -> None:
    assert outline.judge is not None, "only a judge is given judgements"  # noqa: S101
    try:
        course.note_verdict(await outline.judge.verdict(work.prompt, work.answers))
    except LocalRefusalError as refusal:
        course.stop(str(refusal))


async def _asked(errand: Errand) -> Row:
    """One answer, streamed, so that its first content is timed too; a failure is a row as well."""
    begun = time.perf_counter()
    first: float | None = None
    chunks: list[AIMessageChunk] = []
    try:
        async with aclosing(cast("Any", errand.target.handle.astream(list(errand.prompt.messages)))) as stream:
            async for chunk in stream:
                if first is None and shows_content(chunk):
                    first = time.perf_counter() - begun
                chunks.append(chunk)
        took = Took(time.perf_counter() - begun, first)
        return _answer_row(errand, add_ai_message_chunks(chunks[0], *chunks[1:]), took)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever went wrong with one answer is its row
        return _failure_row(errand, error, Took(time.perf_counter() - begun, first))


@dataclass(frozen=True, slots=True)
class Took:
    """How long an answer took.

    Attributes:
        seconds: To its end.
        first_token: To its first content.
    """

    seconds: float
    first_token: float | None


def _answer_row(errand: Errand, answer: AIMessageChunk, took: Took) -> Row:
    mark = answer.response_metadata.get(MARK, {})
    usage, cost = answer.usage_metadata, mark.get("cost")
    return Row(
        prompt=errand.prompt.id,
        target=errand.target.label,
        round=errand.round,
        outcome="answered",
        answer=str(answer.text),
        ref=mark.get("ref"),
        variant=mark.get("variant"),
        input_tokens=usage["input_tokens"] if usage else None,
        output_tokens=usage["output_tokens"] if usage else None,
        cost=None if cost is None else Decimal(str(cost)),
        seconds=round(took.seconds, 6),
        first_token=None if took.first_token is None else round(took.first_token, 6),
    )


def _failure_row(errand: Errand, error: Exception, took: Took) -> Row:
    attempts = error.attempts if isinstance(error, CallError) else ()
    known = [attempt.cost for attempt in attempts if attempt.cost is not None]
    # What a stranger's error says may hold anything; ours is safe to show.
    code, message = (error.code, str(error)[:300]) if isinstance(error, LuckyError) else (type(error).__name__, None)
    return Row(
        prompt=errand.prompt.id,
        target=errand.target.label,
        round=errand.round,
        outcome="failed",
        cost=sum(known, Decimal(0)) if known else None,
        seconds=round(took.seconds, 6),
        error=code,
        message=message,
    )


class _Loop:
    """An event loop in a thread of its own, whose work whoever waits for it may interrupt."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, course: Course, work: Any) -> None:
        """Do the work; an interrupt of this thread ends it."""
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1, thread_name_prefix="lucky-comparison") as thread:
            done = thread.submit(context.run, asyncio.run, self._working(work))
            try:
                done.result()
            except KeyboardInterrupt:
                course.stop(INTERRUPTED)
                self._cancel()
                done.exception()

    async def _working(self, work: Any) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.create_task(work)
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._task.cancelled():
                raise

    def _cancel(self) -> None:
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
