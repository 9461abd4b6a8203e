"""One measured figure beside what it is compared with, so that the ratio holds on any machine."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a benchmark.

    Attributes:
        group: What part of the package was measured.
        name: What was measured.
        figure: How much.
        unit: Of what.
        baseline: What it is compared with, measured in the same run.
        ratio: How many times the baseline the figure is.
    """

    group: str
    name: str
    figure: float
    unit: str
    baseline: str
    ratio: float


def three_digits(number: float) -> str:
    """A number as it is read best: three digits that count, thousands set apart.

    Example:
        >>> three_digits(1376.4), three_digits(0.01234)
        ('1,376', '0.0123')
    """
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def seconds(
    work: Callable[[], object], *, times: int, rounds: int = 7, clock: Callable[[], float] = time.perf_counter
) -> float:
    """How long one call takes: the median of some rounds of many calls.

    Args:
        work: What to call.
        times: How many calls make a round.
        rounds: How many rounds.
        clock: `time.process_time` counts our own work alone, where nothing is waited for and others use the machine.
    """
    return statistics.median(_one_round(work, times, clock) for _ in range(rounds))


def _one_round(work: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(times):
        work()
    return (clock() - started) / times
