"""What a strategy adds to a call and to a chunk, and what a race saves where answers are sometimes late.

The cost is processor time against one bare ChatOpenAI on the same loopback server. A fallback asks one model as long as
nothing fails, two members that race or three that vote are two and three requests, so 2 and 3 times the work is what
they must cost. Late answers: one in twenty takes 0.4 s instead of 0.02 s, for each model on its own.
"""

from __future__ import annotations

import statistics
from typing import Any

from tests.benchmarks.report import Row, three_digits
from tests.benchmarks.rivals import Measure, Outcome, Task, arena, compete, gap
from tests.benchmarks.rivals_contenders import BARE, CONSENSUS, FALLBACK, HEDGE, OURS, RACE
from tests.benchmarks.rivals_server import CHUNKS, QUICK, TAILED, serving

GROUP = "strategies"
PAIRS, TRIOS = (BARE, OURS, FALLBACK, RACE), (BARE, CONSENSUS)
TASKS = {
    Task("call", 15, 16): ("a call", 1e3, "ms CPU"),
    Task("acall", 15, 16): ("an async call", 1e3, "ms CPU"),
    Task("stream", 1, 10): ("a chunk", 1e6 / CHUNKS, "µs CPU"),
    Task("astream", 1, 10): ("an async chunk", 1e6 / CHUNKS, "µs CPU"),
}
CALLS = 200


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    rows = []
    with serving() as url:
        with arena(PAIRS, url, QUICK[:2]) as pairs, arena(TRIOS, url, QUICK) as trios:
            for task, (what, scale, unit) in TASKS.items():
                shortened, measure = task.shortened(quick=quick), Measure(GROUP, what, "cpu", scale, unit, BARE.name)
                rows += [*measure.rows(pairs(shortened)), *measure.rows(trios(shortened))[1:]]
        tails = Task("walls", CALLS // 4, 4).shortened(quick=quick)
        return [*rows, *_tail_rows(compete((BARE, OURS, RACE, HEDGE), tails, url, TAILED))]


def _tail_rows(found: dict[str, Outcome]) -> list[Row]:
    plain = found[BARE.name]
    return [_tail_row(name, outcome, plain, percent) for percent in (50, 99) for name, outcome in found.items()]


def _tail_row(name: str, outcome: Outcome, plain: Outcome, percent: int) -> Row:
    title = f"{name}: p{percent} of answers that are sometimes late"
    if isinstance(outcome, str) or isinstance(plain, str):
        return gap(GROUP, title, outcome if isinstance(outcome, str) else str(plain))
    figure, base = _percentile(outcome, percent), _percentile(plain, percent)
    return Row(GROUP, title, figure * 1e3, "ms", f"{BARE.name}: {three_digits(base * 1e3)} ms", figure / base)


def _percentile(rounds: list[dict[str, Any]], percent: int) -> float:
    walls: list[float] = [wall for measured in rounds for wall in measured["walls"]]
    return statistics.quantiles(walls, n=100)[percent - 1]
