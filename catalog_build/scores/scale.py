"""One frozen scale for every benchmark: figures become an index, the index becomes a score from 1 to 10."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Self

FROZEN = Path(__file__).with_name("scale.toml")

LOWEST_SCORE = Decimal(1)
HIGHEST_SCORE = Decimal(10)
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Line:
    """How a benchmark's figure becomes an index, and how far the index may be off."""

    slope: Decimal
    intercept: Decimal
    error: Decimal

    def index(self, figure: Decimal) -> Decimal:
        """The index that a figure stands for."""
        return self.slope * figure + self.intercept

    def weight(self, smallest_error: Decimal) -> Decimal:
        """What the index counts for beside others: the less it errs, the more."""
        return 1 / max(self.error, smallest_error) ** 2


@dataclass(frozen=True, slots=True)
class Regression:
    """The index of a model that no benchmark knows, from what is known of it."""

    method: str
    constant: Decimal
    price: Decimal
    month: Decimal
    days_a_month: Decimal
    first_month: Decimal
    reasoning: Decimal
    open_weights: Decimal
    highest_score: Decimal
    interval: Decimal

    def index(self, output_price: Decimal, released: dt.date, *, reasoning: bool, open_weights: bool) -> Decimal:
        """The index to expect of a model with this price above zero, age and kind."""
        months = released.toordinal() / self.days_a_month - self.first_month
        index = self.constant + self.price * output_price.log10() + self.month * months
        return index + self.reasoning * reasoning + self.open_weights * open_weights


@dataclass(frozen=True, slots=True)
class Scale:
    """The frozen coefficients under one name."""

    name: str
    low: Decimal
    high: Decimal
    smallest_error: Decimal
    lines: Mapping[str, Line]
    regression: Regression

    @classmethod
    def read(cls, path: Path = FROZEN) -> Self:
        """Read the coefficients exactly as they are written."""
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return cls(
            name=table["scale"],
            low=Decimal(table["low"]),
            high=Decimal(table["high"]),
            smallest_error=Decimal(table["smallest_error"]),
            lines={name: Line(**_exact(line)) for name, line in table["benchmarks"].items()},
            regression=Regression(method=table["regression"].pop("method"), **_exact(table["regression"])),
        )

    def index(self, figures: Mapping[str, Decimal]) -> Decimal:
        """The weighted mean of what each benchmark's figure stands for."""
        weights = {name: self.lines[name].weight(self.smallest_error) for name in figures}
        total = sum((weights[name] * self.lines[name].index(figure) for name, figure in figures.items()), Decimal(0))
        return total / sum(weights.values(), Decimal(0))

    def score(self, index: Decimal) -> Decimal:
        """The score of an index, to one decimal, between 1 and 10."""
        share = (index - self.low) / (self.high - self.low)
        score = LOWEST_SCORE + (HIGHEST_SCORE - LOWEST_SCORE) * share
        return max(LOWEST_SCORE, min(score, HIGHEST_SCORE)).quantize(_TENTH, ROUND_HALF_EVEN)

    def estimate(self, index: Decimal) -> Decimal:
        """The score of an index that was only estimated; it never reaches the top of the scale."""
        return min(self.score(index), self.regression.highest_score)


def _exact(table: Mapping[str, int | Decimal]) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in table.items()}
