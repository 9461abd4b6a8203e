"""What came of a rollout so far: the comparisons of its shadow, and what was dropped and why."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Literal, get_args

from langchain_lucky_models.tables import Table, cell_text, html_table, inert_cell, text_table

Verdict = Literal["same", "different", "old failed", "new failed", "both failed", "timed out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One call that was answered by the old path, and tried on the new one.

    Attributes:
        at: When it was answered, in UTC.
        user_id: Who asked.
        verdict: What came of it.
        similarity: Of the words of both answers, from 0 to 1; `None` where one failed.
        same_shape: Whether both are texts, values, or calls of tools.
        same_tools: Whether both call the same tools with the same arguments.
        old_seconds: How long the old path took.
        new_seconds: How long the new one took.
        old_cost: Dollars; `None` where nobody knows.
        new_cost: Same for the new path.
        old_error: Why the old path failed.
        new_error: Why the new one failed.
        old_text: What the old path answered, where texts are kept.
        new_text: What the new one answered.
    """

    at: dt.datetime
    user_id: str
    verdict: Verdict
    similarity: float | None = None
    same_shape: bool | None = None
    same_tools: bool | None = None
    old_seconds: float = 0.0
    new_seconds: float = 0.0
    old_cost: Decimal | None = None
    new_cost: Decimal | None = None
    old_error: str | None = None
    new_error: str | None = None
    old_text: str | None = None
    new_text: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Everything by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class RolloutReport:
    """What came of a rollout in this process. It shows itself as a table in notebooks.

    Attributes:
        name: The feature.
        rows: The latest comparisons, oldest first.
        counts: How often what happened: calls by path (`old`, `new`), `rescued` by the old path where the new one
            failed, `shadowed`, and `dropped: …` by reason.
        spent: Dollars that the shadow has spent today.
    """

    name: str
    rows: tuple[Compared, ...]
    counts: Mapping[str, int]
    spent: Decimal

    def __len__(self) -> int:
        return len(self.rows)

    def summary(self) -> dict[str, object]:
        """The comparisons in figures: how many of which verdict, and what both paths took and cost."""
        verdicts: dict[str, object] = {
            verdict: count for verdict in get_args(Verdict) if (count := self._count(verdict))
        }
        return {
            "compared": len(self.rows),
            **verdicts,
            "similarity": _mean(row.similarity for row in self.rows),
            "old_seconds": _median(row.old_seconds for row in self.rows),
            "new_seconds": _median(row.new_seconds for row in self.rows),
            "old_cost": _sum(row.old_cost for row in self.rows),
            "new_cost": _sum(row.new_cost for row in self.rows),
            "spent_today": self.spent,
            **self.counts,
        }

    def to_dicts(self) -> list[dict[str, object]]:
        """Every comparison in plain values."""
        return [row.to_dict() for row in self.rows]

    def to_jsonl(self) -> str:
        """The comparisons as lines of JSON; costs are texts, so that nobody rounds them."""
        return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in self.to_dicts())

    def to_csv(self) -> str:
        """The comparisons as CSV. A text that a spreadsheet would take for a formula begins with an apostrophe."""
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, [field.name for field in fields(Compared)])
        writer.writeheader()
        writer.writerows({key: inert_cell(value) for key, value in row.items()} for row in self.to_dicts())
        return written.getvalue()

    def __repr__(self) -> str:
        return "\n".join([f"rollout {self.name}", *text_table(("figure", ""), self._figures())])

    def _repr_html_(self) -> str:
        rows = Table(self.rows)._repr_html_()
        figures = html_table(("figure", ""), self._figures())
        head = f"<p>rollout <b>{html.escape(self.name)}</b></p>"
        return f"{head}{figures}<details><summary>comparisons</summary>{rows}</details>"

    def _figures(self) -> list[tuple[str, str]]:
        return [(name, cell_text(value)) for name, value in self.summary().items()]

    def _count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)


def _figure(values: Iterable[float | None], figure: Callable[[list[float]], float]) -> float | None:
    known = [value for value in values if value is not None]
    return round(figure(known), 6) if known else None


def _mean(values: Iterable[float | None]) -> float | None:
    return _figure(values, statistics.fmean)


def _median(values: Iterable[float | None]) -> float | None:
    return _figure(values, statistics.median)


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None
