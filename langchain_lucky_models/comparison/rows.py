"""What came of one prompt at one target, and what a judge said of it. Plain, and read back as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

Outcome = Literal["answered", "failed"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a row stands in the table.

    Attributes:
        prompt: The prompt's id.
        round: Which time it was asked, from 1.
        target: The target's label.
    """

    prompt: str
    round: int
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one prompt at one target.

    Attributes:
        prompt: The prompt's id.
        target: The target's label.
        round: Which time it was asked, from 1.
        outcome: `answered` or `failed`.
        answer: What it said.
        ref: Which model answered.
        variant: Which variant of an experiment answered.
        input_tokens: As the provider counted.
        output_tokens: As the provider counted.
        cost: Dollars, every known attempt included; `None` where nobody knows.
        seconds: From asking to the end of the answer.
        first_token: Seconds until the first content.
        error: The stable code of the failure: `rate_limited`, …
        message: What was said of the failure, without secrets.
        agreement: The fraction of the other targets' answers to the same prompt that say the same.
        correct: Whether it says what the prompt's reference does.
        score: What the judge gave it.
        won: Whether the judge gave nobody else as much.
        note: Why there is no score, where the judge was asked in vain.
    """

    prompt: str
    target: str
    round: int = 1
    outcome: Outcome
    answer: str | None = None
    ref: str | None = None
    variant: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    seconds: float = 0.0
    first_token: float | None = None
    error: str | None = None
    message: str | None = None
    agreement: float | None = None
    correct: bool | None = None
    score: float | None = None
    won: bool | None = None
    note: str | None = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.prompt, self.round, self.target)

    def plain(self) -> dict[str, Any]:
        """Its fields; the cost is a `Decimal`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge said of the answers to one prompt.

    Attributes:
        prompt: The prompt's id.
        round: Which time it was asked.
        judge: Who judged.
        scores: What each target's answer got.
        note: Why there are none.
        cost: What the judge cost, where known.
    """

    prompt: str
    round: int
    judge: str
    scores: Mapping[str, float] = field(default_factory=dict)
    note: str | None = None
    cost: Decimal | None = None


def row_from(plain: Mapping[str, Any]) -> Row:
    """A row from JSON; what later releases may add to it is left out."""
    return Row(**_known(Row, plain))


def verdict_from(plain: Mapping[str, Any]) -> Verdict:
    """A verdict from JSON."""
    return Verdict(**_known(Verdict, plain))


def _known(kind: type[Row | Verdict], plain: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: plain[name] for name in (part.name for part in fields(kind)) if name in plain}
    cost = kept.get("cost")
    return {**kept, "cost": None if cost is None else Decimal(cost)}
