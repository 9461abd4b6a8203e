"""What a rollout adds to a call of the old path, and what a shadow does, whose new path hangs.

The old path is a function that does nothing, so that the figure is the rollout's alone; it is wall time in the calling
thread, the worst of many calls beside the middle one, because a shadow must not be felt in any of them.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.rollout import Rollout
from tests.benchmarks.report import Row, seconds

GROUP = "rollout"
CALLS = 2_000
NAME = "new-chat"
BUSY_SECONDS = 0.02


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    calls = CALLS // 10 if quick else CALLS
    gate = threading.Event()
    settings: dict[str, dict[str, object]] = {
        NAME: {"percentage": 10},
        "tried": {"shadow": {"max_concurrent": 4}},
    }
    try:
        with create_llm_registry(rollout=settings) as registry:
            plain, tried = registry.rollout(NAME), registry.rollout("tried")
            return [
                _row("a decision", seconds(lambda: plain.choose("ada"), times=calls)),
                _row("a call, half of the time", _middle(plain, int, calls)),
                _row("a call that is tried, half of the time", _middle(tried, int, calls)),
                _row("a call whose new path hangs, half of the time", _middle(tried, gate.wait, calls)),
                _row("a call whose new path hangs, 99 of 100", _all_but_one(tried, gate.wait, calls)),
                *_beside_work(calls // 10),
            ]
    finally:
        gate.set()


def _middle(rollout: Rollout, new: Callable[[], object], calls: int) -> float:
    return statistics.median(_times(rollout, new, calls))


def _all_but_one(rollout: Rollout, new: Callable[[], object], calls: int) -> float:
    return statistics.quantiles(_times(rollout, new, calls), n=100)[-1]


def _beside_work(calls: int) -> list[Row]:
    """The new path keeps the processor busy, and the interpreter's lock; a user asks whenever it is done."""
    with create_llm_registry(rollout={"tried": {"shadow": {}}, "plain": {}}) as registry:
        tried, plain = (_spaced_out(registry.rollout(name), calls) for name in ("tried", "plain"))
    return [
        _row("a call now and then that is not tried, 99 of 100", plain),
        _row("a call now and then whose new path computes, 99 of 100", tried),
    ]


def _spaced_out(rollout: Rollout, calls: int) -> float:
    taken = []
    for _ in range(calls):
        taken += _times(rollout, _busy, 1)
        time.sleep(1.5 * BUSY_SECONDS)
    return statistics.quantiles(taken, n=100)[-1]


def _busy() -> None:
    end = time.perf_counter() + BUSY_SECONDS
    while time.perf_counter() < end:
        sum(range(1_000))


def _times(rollout: Rollout, new: Callable[[], object], calls: int) -> list[float]:
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        rollout.call("ada", int, new)
        taken.append(time.perf_counter() - began)
    return taken


def _row(name: str, taken: float) -> Row:
    return Row(GROUP, name, taken * 1e6, "µs", "the millisecond that is promised", taken / 1e-3)


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:58} {row.figure:8.1f} {row.unit} {row.ratio:7.4f} x {row.baseline}")
