"""What is told about a call afterwards: what each attempt cost, and the `lucky` mark on the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from langchain_lucky_models.asking.answers import Opened, Whole
from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.catalog import prices
from langchain_lucky_models.errors.calls import AttemptReport, CallError
from langchain_lucky_models.providers.answers import Answer
from langchain_lucky_models.strategies import Attempt, Verdict

MARK = "lucky"
"""The key in `response_metadata` under which an answer says how it came about."""

Made = Attempt[Candidate, Whole] | Attempt[Candidate, Opened]
_FREE = prices.Cost(Decimal(0), "catalog")
_UNKNOWN = prices.Cost(None, "unknown")


def cost_of(candidate: Candidate, usage: UsageMetadata | None, *answers: Answer) -> prices.Cost:
    """What an answer cost: as the provider says, else by the catalog's price, else not known; never a guess."""
    for answer in answers:
        if (reported := candidate.family.reported_cost(answer)) is not None:
            return prices.Cost(reported, "provider")
    if candidate.entry is None:
        return _FREE if candidate.family.kind == "local" else _UNKNOWN
    if usage is None:
        return _FREE if candidate.entry.price_state in {"free", "local"} else _UNKNOWN
    return prices.cost(usage, candidate.entry)


def report(attempt: Made, cost: Decimal | None = None) -> AttemptReport:
    """An attempt in plain values."""
    error = attempt.error if isinstance(attempt.error, CallError) else None
    return AttemptReport(
        ref=str(attempt.candidate.ref),
        outcome=attempt.outcome,
        seconds=round(attempt.seconds, 6),
        error=error.code if error else None,
        message=error.safe_message if error else None,
        status=error.status if error else None,
        request_id=error.request_id if error else None,
        retry_after=error.retry_after if error else None,
        cost=cost,
    )


def reports(
    attempts: Iterable[Made], winner: Made | None = None, cost: Decimal | None = None
) -> tuple[AttemptReport, ...]:
    """Every attempt of a call in plain values; the winner's with its cost."""
    return tuple(report(attempt, cost if attempt is winner else None) for attempt in attempts)


def mark(verdict: Verdict[Candidate, Any], line: Line, cost: prices.Cost) -> Mapping[str, Any]:
    """What `response_metadata["lucky"]` says: plain JSON values only, so that messages can be stored."""
    winner = verdict.winner
    assert winner is not None, "only an answer is marked"  # noqa: S101
    told: dict[str, Any] = {
        "ref": str(winner.candidate.ref),
        "strategy": line.manner.label,
        "attempts": [_plain(told) for told in reports(verdict.attempts, winner, cost.amount)],
        "cost": _number(cost.amount),
        "cost_basis": cost.basis,
    }
    if verdict.votes is not None:
        agreed, answered = verdict.votes
        told |= {"votes": agreed, "agreement": round(agreed / answered, 4), "answers": _answers(verdict)}
        if verdict.judge is not None:
            told["judge"] = str(verdict.judge.candidate.ref)
    of_experiment = {"experiment": line.choice.experiment, "variant": line.choice.variant}
    return told | {key: value for key, value in of_experiment.items() if value is not None}


def _plain(told: AttemptReport) -> Mapping[str, Any]:
    shown = {"ref": told.ref, "outcome": told.outcome, "seconds": told.seconds, "cost": _number(told.cost)}
    failure = {"error": told.error, "status": told.status, "request_id": told.request_id}
    return shown | {key: value for key, value in failure.items() if value is not None}


def _answers(verdict: Verdict[Candidate, Any]) -> list[Mapping[str, Any]]:
    return [
        {"ref": str(attempt.candidate.ref), "text": attempt.answer.message.text}
        for attempt in verdict.answers
        if attempt.answer is not None
    ]


def _number(amount: Decimal | None) -> float | None:
    # JSON has no Decimal; the ledger keeps the exact figure.
    return None if amount is None else float(amount)
