"""What the committed snapshots measured: the best figure of each benchmark for each model."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

from catalog_build.scores.names import Names

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"
BENCHMARKS = ("epoch-eci", "lmarena-text-sc", "livebench", "aider-polyglot")

Figures = Mapping[str, Decimal]
"""Benchmark → the best published figure, over all configurations of one model."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Every published figure, by the key of the model it was measured on.

    Attributes:
        figures: Key → its figures.
        dates: Benchmark → the day of its snapshot.
    """

    figures: Mapping[str, Figures]
    dates: Mapping[str, str]

    @classmethod
    def read(cls, names: Names, snapshots: Path = SNAPSHOTS) -> Self:
        """Read the snapshots of every benchmark."""
        figures: dict[str, dict[str, Decimal]] = {}
        for benchmark in BENCHMARKS:
            for key, figure in _rows(snapshots, benchmark, names):
                known = figures.setdefault(key, {})
                known[benchmark] = max(figure, known.get(benchmark, figure))
        return cls(
            figures, {benchmark: snapshot_date(f"benchmarks/{benchmark}.csv", snapshots) for benchmark in BENCHMARKS}
        )

    def sources(self, figures: Figures) -> tuple[tuple[str, str], ...]:
        """The benchmarks behind some figures, each with its date."""
        return tuple((benchmark, self.dates[benchmark]) for benchmark in figures)


def snapshot_date(name: str, snapshots: Path = SNAPSHOTS) -> str:
    """The day a snapshot is of, as `sources.toml` has it."""
    table = tomllib.loads((snapshots / "sources.toml").read_text(encoding="utf-8"))
    return str(table[name]["date"])


def _rows(snapshots: Path, benchmark: str, names: Names) -> Iterator[tuple[str, Decimal]]:
    with (snapshots / "benchmarks" / f"{benchmark}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if key := names.published(row["published"], benchmark):
                yield key, Decimal(row["figure"])
