"""Where a comparison stands: whom to ask next, what came of it, when to stop. Decides everything, waits for nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from langchain_lucky_models.comparison.figures import laid_side_by_side
from langchain_lucky_models.comparison.journal import Journal, Past
from langchain_lucky_models.comparison.outline import Outline
from langchain_lucky_models.comparison.prompts import Prompt
from langchain_lucky_models.comparison.rows import Place, Row, Verdict
from langchain_lucky_models.comparison.table import Comparison
from langchain_lucky_models.comparison.targets import Target
from langchain_lucky_models.errors.calls import BudgetExceededError, LedgerUnavailableError

ENDS_IT = frozenset({BudgetExceededError.code, LedgerUnavailableError.code})
"""Failures that every further call would meet too."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A target to be asked a prompt."""

    prompt: Prompt
    target: Target
    round: int

    @property
    def place(self) -> Place:
        """Where the row will stand."""
        return Place(self.prompt.id, self.round, self.target.label)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answers to a prompt, for the judge."""

    prompt: Prompt
    answers: tuple[Row, ...]


class Course:
    """One run of a comparison.

    Args:
        outline: What is to be done.
        past: What was done before.
        journal: Where what is done now is kept.
    """

    def __init__(self, outline: Outline, past: Past, journal: Journal | None = None) -> None:
        self._outline = outline
        self._journal = journal
        errands = list(_errands(outline))
        done = {place: row for place, row in past.rows.items() if row.outcome == "answered"}
        self._rows: dict[Place, Row] = {one.place: done[one.place] for one in errands if one.place in done}
        self._waiting = deque(one for one in errands if one.place not in done)
        self._verdicts = dict(past.verdicts)
        self._spent = past.spent
        self._judging: deque[Judgement] = deque()
        for prompt in outline.prompts:
            for turn in range(1, outline.repeat + 1):
                self._judge_if_whole(prompt, turn)
        self.stopped: str | None = None

    @property
    def done(self) -> int:
        """How many rows are there."""
        return len(self._rows)

    @property
    def failed(self) -> int:
        """How many of them are failures."""
        return sum(row.outcome == "failed" for row in self._rows.values())

    def next_work(self) -> Errand | Judgement | None:
        """What to do next; nothing once all is done or it has been stopped."""
        budget = self._outline.budget
        if self.stopped is None and budget is not None and (self._judging or self._waiting) and self._spent >= budget:
            self.stop(f"the budget of ${budget} is spent: ${self._spent}")
        if self.stopped is not None:
            return None
        if self._judging:
            return self._judging.popleft()
        return self._waiting.popleft() if self._waiting else None

    def note(self, errand: Errand, row: Row) -> None:
        """Take in what came of an errand."""
        self._rows[row.place] = row
        self._keep(row)
        self._pay(row.cost, row.target if row.outcome == "answered" else None)
        if row.error in ENDS_IT:
            self.stop(str(row.message))
        self._judge_if_whole(errand.prompt, errand.round)

    def note_verdict(self, verdict: Verdict) -> None:
        """Take in what the judge said."""
        self._verdicts[verdict.prompt, verdict.round] = verdict
        self._keep(verdict)
        self._pay(verdict.cost, verdict.judge)

    def stop(self, reason: str) -> None:
        """Ask nobody any more; the first reason counts."""
        self.stopped = self.stopped or reason

    def table(self) -> Comparison:
        """What there is by now."""
        outline = self._outline
        rows = [self._rows[errand.place] for errand in _errands(outline) if errand.place in self._rows]
        references = {prompt.id: prompt.reference for prompt in outline.prompts}
        verdicts = {sitting: verdict for sitting, verdict in self._verdicts.items() if self._counts(verdict)}
        asked = {(row.prompt, row.round) for row in rows}
        return Comparison(
            rows=laid_side_by_side(rows, references, verdicts),
            prompts=outline.prompts,
            targets=tuple(target.label for target in outline.targets),
            planned=outline.planned,
            judge=outline.judge.name if outline.judge else None,
            judging_cost=sum((v.cost or Decimal(0) for s, v in verdicts.items() if s in asked), Decimal(0)),
            stopped=self.stopped,
        )

    def _judge_if_whole(self, prompt: Prompt, turn: int) -> None:
        """Once everybody has spoken, it is the judge's turn; unless the same answers were judged before."""
        places = [Place(prompt.id, turn, target.label) for target in self._outline.targets]
        if self._outline.judge is None or not all(place in self._rows for place in places):
            return
        answers = tuple(row for place in places if (row := self._rows[place]).outcome == "answered")
        before = self._verdicts.get((prompt.id, turn))
        judged = before is not None and self._counts(before) and before.scores.keys() == {a.target for a in answers}
        if answers and not judged:
            self._judging.append(Judgement(prompt, answers))

    def _counts(self, verdict: Verdict) -> bool:
        return self._outline.judge is not None and verdict.judge == self._outline.judge.name

    def _keep(self, what: Row | Verdict) -> None:
        if self._journal is None:
            return
        try:
            if isinstance(what, Row):
                self._journal.write_row(what)
            else:
                self._journal.write_verdict(what)
        except OSError as error:
            self.stop(f"{self._outline.resume} cannot be written: {error.strerror}")

    def _pay(self, cost: Decimal | None, who: str | None) -> None:
        self._spent += cost or 0
        if cost is None and who is not None and self._outline.budget is not None:
            self.stop(f"what {who} costs is not known, so budget= cannot be kept")


def _errands(outline: Outline) -> Iterator[Errand]:
    for turn in range(1, outline.repeat + 1):
        for prompt in outline.prompts:
            for target in outline.targets:
                yield Errand(prompt, target, turn)
