"""How exactly budgets and limits hold, and what they cost a call, beside LiteLLM's Router in the same run.

Forty calls at once on money for three, and on ten requests a minute; each round in a process of its own, because what
LiteLLM counts is the whole process's. Ours holds the most that a call can cost before it is sent, so that fewer than
three may pass while others are under way, and never more. Then a call with a ledger in a file, a budget and two limits
that nobody reaches, in processor time of all threads.
"""

from __future__ import annotations

import os
import tempfile
from unittest import mock

from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Contestant, Measure, MissingContenderError, Task, compete, gap
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
    Contender,
)
from tests.benchmarks.rivals_server import QUICK, serving

GROUP = "allowances"
AT_ONCE = 40
ALLOWED = {OURS_FOR_THREE: 3, ROUTER_FOR_THREE: 3, OURS_TEN: 10, ROUTER_TEN: 10}
"""How many calls each of them may let pass."""


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    calls = Task("acall", 15, 16).shortened(quick=quick)
    with serving() as url, tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, TMPDIR=folder):
        rows = [_admitted(contender, allowed, url, 1 if quick else 5) for contender, allowed in ALLOWED.items()]
        found = compete((BARE, OURS, ACCOUNTED, ROUTER, ROUTER_ACCOUNTED), calls, url, QUICK[:1])
        return [*rows, *Measure(GROUP, "a call in a task", "cpu", 1e3, "ms CPU", BARE.name).rows(found)]


def _admitted(contender: Contender, allowed: int, url: str, rounds: int) -> Row:
    """The most that ever passed."""
    title = f"{contender.name}: most admitted of {AT_ONCE} at once"
    try:
        most = max(_admitted_once(contender, url) for _ in range(rounds))
    except MissingContenderError as error:
        return gap(GROUP, title, str(error))
    return Row(GROUP, title, most, "calls", f"allowed: {allowed} calls", most / allowed)


def _admitted_once(contender: Contender, url: str) -> int:
    with Contestant(contender, url, QUICK[:1]) as one:
        return int(one.measure("admitted", AT_ONCE)["admitted"])
