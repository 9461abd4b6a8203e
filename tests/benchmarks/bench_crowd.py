"""A thousand streams at once in one process, each of ten words over two seconds.

Processor time is per stream; the wall time is of all of them, and two seconds is as fast as the server sends. The
server is one process too, so on a machine with few cores the wall time is partly its own.
"""

from __future__ import annotations

from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Measure, Task, compete
from tests.benchmarks.rivals_contenders import BARE, CHAT_LITELLM, FALLBACK, OURS, WITH_FALLBACKS
from tests.benchmarks.rivals_server import PACED, QUICK, serving

GROUP = "crowd"
STREAMS = 1000
CONTENDERS = (BARE, WITH_FALLBACKS, CHAT_LITELLM, OURS, FALLBACK)


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    task = Task("crowd", STREAMS, 1, warm_up=10).shortened(quick=quick)
    with serving() as url:
        found = compete(CONTENDERS, task, url, (PACED, QUICK[0]))
    what = f"{task.times:,} streams at once"
    return [
        *Measure(GROUP, f"{what}, each", "cpu", 1e3, "ms CPU", BARE.name).rows(found),
        *Measure(GROUP, f"{what}, all", "wall", 1, "s", BARE.name).rows(found),
        *Measure(GROUP, f"{what}, the process at its largest", "peak_kib", 1 / 1024, "MiB", BARE.name).rows(found),
    ]
