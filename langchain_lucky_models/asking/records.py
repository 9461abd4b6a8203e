"""What is told about a call afterwards: what each attempt cost, and the `lucky` mark on the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from langchain_lucky_models.asking.answers import Opened, Whole
from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.errors.calls import AttemptReport, CallError
from langchain_lucky_models.meter import Bill, Charge
from langchain_lucky_models.strategies import Attempt, Verdict

MARK = "lucky"
"""The key in `response_metadata` under which an answer says how it came about."""

Made = Attempt[Candidate, Whole] | Attempt[Candidate, Opened]


class Billed(Protocol):
    """An attempt that was made, and what it was charged."""

    @property
    def candidate(self) -> Candidate:
        """Who was asked."""

    @property
    def attempt(self) -> Attempt[Candidate, Any] | None:
        """What came of it; nothing, while it has not ended."""

    @property
    def charge(self) -> Charge:
        """What it was charged."""


def bills_of(attempts: Sequence[Made], errands: Sequence[Billed]) -> list[Bill | None]:
    """What each attempt was charged, as far as it is known by now."""
    by_attempt = {id(errand.attempt): errand for errand in errands if errand.attempt is not None}
    found = [by_attempt.pop(id(attempt), None) for attempt in attempts]
    # Who was called off is told of before it has noticed: there is an attempt for it, but not its own.
    late = [errand for errand in errands if errand not in found]
    for place, attempt in enumerate(attempts):
        if found[place] is None:
            found[place] = next((errand for errand in late if errand.candidate is attempt.candidate), None)
            late = [errand for errand in late if errand is not found[place]]
    return [None if errand is None else errand.charge.bill for errand in found]


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


def reports(attempts: Sequence[Made], errands: Sequence[Billed]) -> tuple[AttemptReport, ...]:
    """Every attempt of a call in plain values, with its cost where it is known."""
    bills = bills_of(attempts, errands)
    return tuple(report(attempt, bill.cost if bill else None) for attempt, bill in zip(attempts, bills, strict=True))


def mark(verdict: Verdict[Candidate, Any], line: Line, errands: Sequence[Billed]) -> Mapping[str, Any]:
    """What `response_metadata["lucky"]` says: plain JSON values only, so that messages can be stored."""
    winner = verdict.winner
    assert winner is not None, "only an answer is marked"  # noqa: S101
    told: dict[str, Any] = {
        "ref": str(winner.candidate.ref),
        "strategy": line.manner.label,
        "attempts": [_plain(told) for told in reports(verdict.attempts, errands)],
        **_costs(verdict, bills_of(verdict.attempts, errands)),
    }
    if verdict.votes is not None:
        agreed, answered = verdict.votes
        told |= {"votes": agreed, "agreement": round(agreed / answered, 4), "answers": _answers(verdict)}
        if verdict.judge is not None:
            told["judge"] = str(verdict.judge.candidate.ref)
    of_experiment = {"experiment": line.choice.experiment, "variant": line.choice.variant}
    return told | {key: value for key, value in of_experiment.items() if value is not None}


def _costs(verdict: Verdict[Candidate, Any], bills: Sequence[Bill | None]) -> Mapping[str, Any]:
    """What the whole call cost, losers and judge included, as far as it is known; and how much of that is certain."""
    own = next((bill for made, bill in zip(verdict.attempts, bills, strict=True) if made is verdict.winner), None)
    if own is None or own.cost is None:
        return {"cost": None, "cost_basis": "unknown"}
    known = [(bill.cost, bill.uncertain) for bill in bills if bill is not None and bill.cost is not None]
    total = sum((cost for cost, _ in known), Decimal(0))
    uncertain = sum((cost for cost, doubtful in known if doubtful), Decimal(0))
    basis = "estimated" if uncertain else own.basis
    return {"cost": _number(total), "cost_basis": basis} | ({"cost_uncertain": float(uncertain)} if uncertain else {})


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
