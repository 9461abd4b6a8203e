"""What it costs to look after a file, to let an edit hold, and how long that takes from the edit on.

The file sets five providers and twenty tiers. The time from an edit to the event that tells of it is wall time on the
real clock, one edit after the other, each at another moment between two looks.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

from langchain_lucky_models import Event, LLMRegistry, create_llm_registry
from langchain_lucky_models.reloading.reloader import LOOK_EVERY
from langchain_lucky_models.settings import Blueprint
from tests.benchmarks.report import Row, seconds

GROUP = "reloading"
EDITS = 25


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lucky.yaml"
        numbers = itertools.count()
        file.write_text(_text(next(numbers)))
        with create_llm_registry(file) as registry:
            return list(_rows(registry, file, numbers, 5 if quick else EDITS))


def _text(number: int) -> str:
    providers = "".join(f"  box{one}: {{kind: vllm, base_url: 'http://box{one}:8000/v1'}}\n" for one in range(5))
    tiers = "".join(f"  tier{one}: {{models: ['box1#{number}', 'box2#small']}}\n" for one in range(20))
    return f"providers:\n{providers}tiers:\n{tiers}"


def _rows(registry: LLMRegistry, file: Path, numbers: Iterator[int], edits: int) -> Iterator[Row]:
    plain = seconds(Blueprint(file).read, times=5)
    look = registry._reloader.step
    for _ in range(2):
        look()

    def edited() -> None:
        file.write_text(_text(next(numbers)))
        registry.reload()

    taken_by = {"a look at a file that is as it was": seconds(look, times=50), "an edit": seconds(edited, times=5)}
    for name, taken in taken_by.items():
        yield Row(GROUP, name, taken * 1e6, "µs", "reading and checking the file", taken / plain)
    lags = sorted(_lags(registry, file, numbers, edits))
    for name, lag in (("half of them", lags[len(lags) // 2]), ("all of them", lags[-1])):
        yield Row(
            GROUP, f"from an edit until it holds, {name}", lag, "s", "the time between two looks", lag / LOOK_EVERY
        )


def _lags(registry: LLMRegistry, file: Path, numbers: Iterator[int], edits: int) -> Iterator[float]:
    heard: SimpleQueue[Event] = SimpleQueue()
    registry.watch()
    with registry.subscribe(heard.put, kinds=["config_reloaded"]):
        for edit in range(edits):
            time.sleep(edit % 10 / 10)
            began = time.perf_counter()
            file.write_text(_text(next(numbers)))
            heard.get(timeout=60)
            yield time.perf_counter() - began
