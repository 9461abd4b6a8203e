"""How a call without an answer ends: in one error that tells of every attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage

from langchain_lucky_models import errors
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.strategies import Verdict

Told = tuple[errors.AttemptReport, ...]


def failure_of(verdict: Verdict[Candidate, Any], asked: str, told: Told) -> errors.CallError:
    """The error of a call that nobody has answered.

    Args:
        verdict: How its plan ended.
        asked: What the user typed.
        told: Its attempts in plain values.
    """
    final = verdict.final.error if verdict.final else None
    if isinstance(final, errors.CallError):
        final.facts = replace(final.facts, attempts=told)
        return final
    causes = [attempt.error for attempt in verdict.attempts if isinstance(attempt.error, errors.CallError)]
    refusals = [cause for cause in causes if isinstance(cause, errors.LocalRefusalError)]
    if refusals and len(refusals) == len(causes):
        # Nobody was asked, because we would not: that is no failure which somebody else might do better with.
        refusals[0].facts = replace(refusals[0].facts, attempts=told)
        return refusals[0]
    if verdict.votes is not None and verdict.answers:
        return _no_consensus(verdict, told)
    if causes and all(isinstance(cause, errors.CircuitOpenError) for cause in causes):
        soonest = min(causes, key=lambda cause: cause.retry_after or 0.0)
        return errors.CircuitOpenError(
            f"everybody behind {asked!r} rests. {soonest}",
            facts=errors.CallFacts(retry_after=soonest.retry_after, attempts=told),
        )
    waits = [cause.retry_after for cause in causes if cause.retry_after is not None]
    listed = "; ".join(f"{report.ref}: {report.error}" for report in told)
    return errors.AllAttemptsFailedError(
        f"nobody could answer {asked!r}: {listed}. The first said: {causes[0] if causes else 'nothing'}",
        causes=causes,
        facts=errors.CallFacts(retry_after=min(waits, default=None), attempts=told),
    )


def _no_consensus(verdict: Verdict[Candidate, Any], told: Told) -> errors.NoConsensusError:
    answers: list[tuple[str, AIMessage]] = [
        (str(attempt.candidate.ref), attempt.answer.message)
        for attempt in verdict.answers
        if attempt.answer is not None
    ]
    agreed, answered = verdict.votes or (0, 0)
    return errors.NoConsensusError(
        f"only {agreed} of {answered} answers agree; `answers` holds each of them.",
        answers=answers,
        facts=errors.CallFacts(attempts=told),
    )
