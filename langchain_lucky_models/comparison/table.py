"""What a comparison gives: rows, the figures of each target, and every form in which people want to see them."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from langchain_lucky_models.comparison.figures import TargetSummary, summary_of
from langchain_lucky_models.comparison.prompts import Prompt
from langchain_lucky_models.comparison.rows import Row
from langchain_lucky_models.tables import MOST_SHOWN, Table, cell_text, html_table, inert_cell

LONGEST_CELL = 300
_HEADINGS = ("prompt", "asked", "target", "answer", "cost", "seconds", "agreement", "score")


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Several targets' answers to the same prompts. Printed, it is the figures of each; a notebook shows rows too.

    Attributes:
        rows: What came of each prompt at each target, in their order.
        prompts: What was asked.
        targets: Whom.
        planned: How many rows there were to be.
        judge: Who scored the answers.
        judging_cost: Dollars that the judge cost, as far as known.
        stopped: Why there are fewer rows than planned.
    """

    rows: tuple[Row, ...]
    prompts: tuple[Prompt, ...]
    targets: tuple[str, ...]
    planned: int
    judge: str | None = None
    judging_cost: Decimal = Decimal(0)
    stopped: str | None = None

    def summary(self) -> Table[TargetSummary]:
        """The figures of each target."""
        return Table(summary_of(target, self.rows) for target in self.targets)

    @property
    def cost(self) -> Decimal:
        """Dollars, the judge's included, as far as known."""
        return sum((row.cost for row in self.rows if row.cost is not None), self.judging_cost)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as mappings, each with what was asked; `pandas.DataFrame` takes them as they are."""
        asked = {prompt.id: prompt.text for prompt in self.prompts}
        return [{"prompt": row.prompt, "asked": asked[row.prompt], **row.plain()} for row in self.rows]

    def to_jsonl(self) -> str:
        """The rows as lines of JSON; costs are texts, so that nobody rounds them."""
        return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in self.to_dicts())

    def to_csv(self) -> str:
        """The rows as CSV. A text that a spreadsheet would take for a formula begins with an apostrophe."""
        names = ["prompt", "asked", *(field.name for field in fields(Row) if field.name != "prompt")]
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, names)
        writer.writeheader()
        for row in self.to_dicts():
            writer.writerow({name: inert_cell(value) for name, value in row.items()})
        return written.getvalue()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return "\n".join([repr(self.summary()), *self._remarks()])

    def _repr_html_(self) -> str:
        """The figures and the rows; whatever a model said is shown, never run."""
        asked = {prompt.id: prompt.text for prompt in self.prompts}
        cells = [
            [row.prompt, asked[row.prompt], row.target, _said(row), row.cost, row.seconds, row.agreement, row.score]
            for row in self.rows[:MOST_SHOWN]
        ]
        rows = html_table(_HEADINGS, [[_cut(cell_text(cell)) for cell in line] for line in cells])
        remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in self._remarks())
        return f"{self.summary()._repr_html_()}{remarks}{rows}"

    def _remarks(self) -> list[str]:
        notes = sorted({row.note for row in self.rows if row.note is not None})
        return [
            *([f"stopped after {len(self.rows)} of {self.planned}: {self.stopped}"] if self.stopped else []),
            *([f"judged by {self.judge} for ${cell_text(self.judging_cost)}"] if self.judge else []),
            *map(_cut, notes),
            *([f"… and {len(self.rows) - MOST_SHOWN} more rows"] if len(self.rows) > MOST_SHOWN else []),
        ]


def _said(row: Row) -> str:
    return row.answer if row.answer is not None else f"{row.error}: {row.message or ''}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
