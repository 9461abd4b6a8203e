"""How long an answer takes when the first model cannot give it and the second one could.

The first model always says 503, or always 429 with `Retry-After: 3`; the second one answers at once. Every figure is
the wall time of the first call of a fresh model in a warm process, so that no breaker has learned anything. Defaults
everywhere, and where a rival has a setting without retries, that too.
"""

from __future__ import annotations

from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Measure, Task, compete
from tests.benchmarks.rivals_contenders import (
    CHAT_LITELLM_ROUTER,
    FALLBACK,
    ROUTER,
    ROUTER_AT_ONCE,
    WITH_FALLBACKS,
    WITH_FALLBACKS_AT_ONCE,
)
from tests.benchmarks.rivals_server import BUSY, DOWN, QUICK, serving

GROUP = "fallback"
CONTENDERS = (WITH_FALLBACKS, WITH_FALLBACKS_AT_ONCE, CHAT_LITELLM_ROUTER, ROUTER, ROUTER_AT_ONCE, FALLBACK)
FAULTS = {DOWN: "first model says 503", BUSY: "first model says 429, Retry-After: 3"}


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    rows = []
    task = Task("afresh", 1, 2).shortened(quick=quick)
    with serving() as url:
        for model, what in FAULTS.items():
            found = compete(CONTENDERS, task, url, (model, QUICK[0]))
            rows += Measure(GROUP, what, "wall", 1e3, "ms", WITH_FALLBACKS.name).rows(found)
    return rows
