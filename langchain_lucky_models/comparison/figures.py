"""What rows say when they are laid side by side: agreement, wins, and the figures of each target. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from langchain_lucky_models.asking.votes import words_of
from langchain_lucky_models.comparison.rows import Row, Verdict

Sitting = tuple[str, int]
"""A prompt and a round: whose answers are compared with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What a target did over all prompts. Figures that nothing is known of are `None`.

    Attributes:
        target: Its label.
        asked: How often it was asked.
        answered: How often it answered.
        success_rate: The fraction of the two.
        wins: How often the judge gave it more than everybody else.
        score: The mean of what the judge gave it.
        correct: The fraction of its answers that say what the reference does.
        agreement: The mean agreement of its answers with the others'.
        input_tokens: In all.
        output_tokens: In all.
        cost: Dollars in all, failures included; `None` where one of its answers' cost is not known.
        mean_cost: Dollars for each answer.
        seconds_p50: Half of its answers took no longer.
        seconds_p90: Nine of ten took no longer.
        first_token_p50: Half of its answers began by then.
    """

    target: str
    asked: int
    answered: int
    success_rate: float | None
    wins: int | None
    score: float | None
    correct: float | None
    agreement: float | None
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    mean_cost: Decimal | None
    seconds_p50: float | None
    seconds_p90: float | None
    first_token_p50: float | None

    def to_dict(self) -> dict[str, object]:
        """The figures by name."""
        return asdict(self)


def laid_side_by_side(
    rows: Iterable[Row], references: Mapping[str, str | None], verdicts: Mapping[Sitting, Verdict]
) -> tuple[Row, ...]:
    """Rows with what only shows among others: agreement, correctness, scores, wins."""
    kept = list(rows)
    said: defaultdict[Sitting, Counter[str]] = defaultdict(Counter)
    for row in kept:
        if row.answer is not None:
            said[row.prompt, row.round][words_of(row.answer)] += 1
    return tuple(_judged(_compared(row, said[row.prompt, row.round], references[row.prompt]), verdicts) for row in kept)


def _compared(row: Row, said: Counter[str], reference: str | None) -> Row:
    if row.answer is None:
        return row
    words, others = words_of(row.answer), said.total() - 1
    return replace(
        row,
        agreement=(said[words] - 1) / others if others else None,
        correct=None if reference is None else words == words_of(reference),
    )


def _judged(row: Row, verdicts: Mapping[Sitting, Verdict]) -> Row:
    verdict = verdicts.get((row.prompt, row.round))
    if verdict is None or row.answer is None:
        return row
    score = verdict.scores.get(row.target)
    if score is None:
        return replace(row, note=verdict.note)
    others = [given for target, given in verdict.scores.items() if target != row.target]
    # Who stands alone has beaten nobody.
    return replace(row, score=score, won=score > max(others) if others else None)


def summary_of(target: str, rows: Sequence[Row]) -> TargetSummary:
    """The figures of one target."""
    own = [row for row in rows if row.target == target]
    answers = [row for row in own if row.outcome == "answered"]
    known = [row.cost for row in own if row.cost is not None]
    cost = sum(known, Decimal(0)) if known and all(row.cost is not None for row in answers) else None
    judged = [row.won for row in answers if row.won is not None]
    return TargetSummary(
        target=target,
        asked=len(own),
        answered=len(answers),
        success_rate=len(answers) / len(own) if own else None,
        wins=sum(judged) if judged else None,
        score=_mean(row.score for row in answers),
        correct=_mean(row.correct for row in answers),
        agreement=_mean(row.agreement for row in answers),
        input_tokens=sum(row.input_tokens or 0 for row in answers),
        output_tokens=sum(row.output_tokens or 0 for row in answers),
        cost=cost,
        mean_cost=cost / len(answers) if cost is not None and answers else None,
        seconds_p50=percentile([row.seconds for row in answers], 50),
        seconds_p90=percentile([row.seconds for row in answers], 90),
        first_token_p50=percentile([row.first_token for row in answers if row.first_token is not None], 50),
    )


def percentile(values: Iterable[float], rank: int) -> float | None:
    """The value at the nearest rank; `None` of nothing.

    Example:
        >>> percentile([3, 1, 2, 4], 50), percentile([3, 1, 2, 4], 90), percentile([], 50)
        (2, 4, None)
    """
    ordered = sorted(values)
    return ordered[-(-len(ordered) * rank // 100) - 1] if ordered else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
