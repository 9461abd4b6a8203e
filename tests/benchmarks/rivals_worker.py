"""One contender in a process of its own: takes a task a line, measures itself, answers with a line.

Started as `python -m tests.benchmarks.rivals_worker NAME URL MODEL…` in whichever environment the contender needs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from tests.benchmarks.rivals_contenders import CONTENDERS, Build

Figures = dict[str, Any]
"""`cpu` and `wall`: seconds of one unit of the task; `walls`: of every one; `peak_kib`: of memory."""


class Worker:
    """A contender that can be told what to measure.

    Args:
        build: Makes a fresh model.
        url: Where the provider answers.
        models: Whom to ask.
    """

    def __init__(self, build: Build, url: str, models: Sequence[str]) -> None:
        self._build = partial(build, url, models)
        self._runner = asyncio.Runner()
        self._model = self._runner.run(self._made())

    def call(self, times: int) -> Figures:
        """Whole answers, one after the other."""
        return _timed(lambda: self._model.invoke("hi"), times)

    def stream(self, times: int) -> Figures:
        """Streams, read to their end."""
        return _timed(lambda: list(self._model.stream("hi")), times)

    def acall(self, times: int) -> Figures:
        """Same as `call`, in an event loop."""
        return self._runner.run(_atimed(lambda: self._model.ainvoke("hi"), times))

    def astream(self, times: int) -> Figures:
        """Same as `stream`, in an event loop."""
        return self._runner.run(_atimed(self._aread, times))

    def walls(self, times: int) -> Figures:
        """Every call's own time."""
        return _middle([_wall_of(self._model) for _ in range(times)])

    def afresh(self, times: int) -> Figures:
        """Every call's own time, each the first that a fresh model makes; the process itself is warm."""
        return _middle([_wall_of(self._build()) for _ in range(times)])

    def admitted(self, times: int) -> Figures:
        """How many of so many calls at once are answered; what is refused raises."""
        return {"admitted": self._runner.run(self._at_once(times))}

    def crowd(self, times: int) -> Figures:
        """Streams all at once: CPU of one, wall time of all, and the most memory the process ever held."""

        async def together() -> None:
            await asyncio.gather(*(self._aread() for _ in range(times)))

        figures = self._runner.run(_atimed(together, 1))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"cpu": figures["cpu"] / times, "wall": figures["wall"], "peak_kib": peak}

    async def _made(self) -> Any:
        """A model that was made while an event loop runs, for some begin tasks of their own."""
        return self._build()

    async def _at_once(self, times: int) -> int:
        answers = await asyncio.gather(*(self._model.ainvoke("hi") for _ in range(times)), return_exceptions=True)
        return sum(not isinstance(answer, BaseException) for answer in answers)

    async def _aread(self) -> None:
        async for _ in self._model.astream("hi"):
            pass


def resident_kib() -> float:
    """What this process holds in memory."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read often, as cheaply as can be
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def _wall_of(model: Any) -> float:
    return float(_timed(lambda: model.invoke("hi"), 1)["wall"])


def _middle(walls: list[float]) -> Figures:
    return {"walls": walls, "wall": statistics.median(walls)}


def _timed(work: Callable[[], object], times: int) -> Figures:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        work()
    return {"cpu": (time.process_time() - cpu) / times, "wall": (time.perf_counter() - wall) / times}


async def _atimed(work: Callable[[], Awaitable[object]], times: int) -> Figures:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        await work()
    return {"cpu": (time.process_time() - cpu) / times, "wall": (time.perf_counter() - wall) / times}


def main(name: str, url: str, *models: str) -> None:
    """Answer tasks until the input ends. Libraries that print must not print into the answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(CONTENDERS[name].build, url, models)
            task = json.loads(line)
            figures = getattr(worker, task["task"])(task["times"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the report names it as the reason of a gap
            figures = {"error": f"{type(error).__name__}: {error}"[:160]}
        print(json.dumps(figures), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
