"""How exactly budgets and limits hold, and what they cost a call, beside LiteLLM's Router in the same run.

Forty calls at once on money for three, and on ten requests a minute; each round begins with a fresh object. Ours holds
the most that a call can cost before it is sent, so that fewer than three may pass while others are under way, and never
more. Then a call with a ledger in a file, a budget and two limits that nobody reaches, in processor time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from unittest import mock

from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Measure, Outcome, Task, compete, figures_of, gap
from tests.benchmarks.rivals_contenders import (
    ACCOUNTED,
    BARE,
    OURS,
    OURS_FOR_THREE,
    OURS_TEN,
    ROUTER,
    ROUTER_ACCOUNTED,
    ROUTER_FOR_THREE,
    ROUTER_TEN,
)
from tests.benchmarks.rivals_server import QUICK, serving

GROUP = "allowances"
AT_ONCE = 40


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    crowd = Task("admitted", AT_ONCE, 2 if quick else 5)
    calls = Task("call", 15, 16).shortened(quick=quick)
    with serving() as url, tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, TMPDIR=folder):
        rows = [
            *_admitted(compete((OURS_FOR_THREE, ROUTER_FOR_THREE), crowd, url, QUICK[:1]), 3),
            *_admitted(compete((OURS_TEN, ROUTER_TEN), crowd, url, QUICK[:1]), 10),
        ]
        found = compete((BARE, OURS, ACCOUNTED, ROUTER, ROUTER_ACCOUNTED), calls, url, QUICK[:1])
        return [*rows, *Measure(GROUP, "a call", "cpu", 1e3, "ms CPU", BARE.name).rows(found)]


def _admitted(found: Mapping[str, Outcome], allowed: int) -> list[Row]:
    rows = []
    for name, outcome in found.items():
        title = f"{name}: most admitted of {AT_ONCE} at once"
        if isinstance(outcome, str):
            rows.append(gap(GROUP, title, outcome))
            continue
        most = max(figures_of(outcome, "admitted"))
        rows.append(Row(GROUP, title, most, "calls", f"allowed: {allowed} calls", most / allowed))
    return rows
