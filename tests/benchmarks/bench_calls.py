"""What a handle adds to a call and to a chunk of a stream, against the bare partner model on the same server."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_lucky_models import LuckyChatModel
from tests.benchmarks.report import Row
from tests.benchmarks.rivals_contenders import BARE, KEY, OURS
from tests.benchmarks.rivals_server import CHUNKS, QUICK, serving

GROUP = "calls"
ROUNDS = 40
CALLS = 10
"""Calls a round; the two sides take turns, so that whatever else the machine does falls on both."""


def run() -> list[Row]:
    """Measure everything."""
    # One loop for everything: the bare model's connections do not outlive the loop they were made in.
    with serving() as url, asyncio.Runner() as runner:
        ours, bare = OURS.build(url, QUICK[:1]), BARE.build(url, QUICK[:1])
        calls = [_call(ours, bare), _acall(ours, bare, runner)]
        return [*calls, _stream(ours, bare), _astream(ours, bare, runner), _construction(url)]


def _call(ours: BaseChatModel, bare: BaseChatModel) -> Row:
    taken = _in_turn(lambda: ours.invoke("hi"), lambda: bare.invoke("hi"))
    return _row("invoke", taken, 1, "ms CPU a call")


def _stream(ours: BaseChatModel, bare: BaseChatModel) -> Row:
    taken = _in_turn(lambda: list(ours.stream("hi")), lambda: list(bare.stream("hi")), calls=1)
    return _row("stream", taken, CHUNKS, "µs CPU a chunk")


def _acall(ours: BaseChatModel, bare: BaseChatModel, runner: asyncio.Runner) -> Row:
    async def several(model: BaseChatModel) -> None:
        for _ in range(CALLS):
            await model.ainvoke("hi")

    taken = _in_turn(lambda: runner.run(several(ours)), lambda: runner.run(several(bare)), calls=1)
    return _row("ainvoke", taken, CALLS, "ms CPU a call")


def _astream(ours: BaseChatModel, bare: BaseChatModel, runner: asyncio.Runner) -> Row:
    async def whole(model: BaseChatModel) -> None:
        async for _ in model.astream("hi"):
            pass

    taken = _in_turn(lambda: runner.run(whole(ours)), lambda: runner.run(whole(bare)), calls=1)
    return _row("astream", taken, CHUNKS, "µs CPU a chunk")


def _construction(url: str) -> Row:
    user = OURS.build(url, QUICK[:1]).tenant
    taken = _in_turn(
        lambda: LuckyChatModel(model="gpt-4o", tenant=user),
        lambda: ChatOpenAI(model="gpt-4o", api_key=SecretStr(KEY)),
    )
    return _row("a handle", taken, 1, "ms CPU")


def _in_turn(ours: Callable[[], object], bare: Callable[[], object], calls: int = CALLS) -> tuple[float, float]:
    """CPU seconds of the calling thread a call; the server is another process."""
    times: tuple[list[float], list[float]] = ([], [])
    for place in range(ROUNDS):
        pairs = list(zip((ours, bare), times, strict=True))
        for work, taken in pairs if place % 2 else reversed(pairs):
            work()  # whoever comes after the other finds the caches filled with the other's
            began = time.thread_time()
            for _ in range(calls):
                work()
            taken.append((time.thread_time() - began) / calls)
    return statistics.median(times[0]), statistics.median(times[1])


def _row(name: str, taken: tuple[float, float], parts: int, unit: str) -> Row:
    scale = 1e6 if unit.startswith("µs") else 1e3
    return Row(GROUP, name, taken[0] / parts * scale, unit, "bare ChatOpenAI", taken[0] / taken[1])


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:12} {row.figure:8.3f} {row.unit:16} {row.ratio:6.3f} x {row.baseline}")
