"""Many processes on one ledger: together they send what a budget pays for, whoever of them is killed or forked."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from langchain_lucky_models.ledger import Ledger
from tests.accounts import place_for
from tests.loopback import Answer, Provider
from tests.meter.children import LEASE
from tests.meter.conftest import wait_until

CENT = 10**10
"""In picodollars."""


def run(name: str, *arguments: object, within: float = 280) -> str:
    """Let children work; what they print."""
    command = [sys.executable, "-m", "tests.meter.children", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    ("backend", "calls", "processes", "each"),
    [
        ("sqlite", 3, 3, 8),
        pytest.param("sqlite", 37, 8, 50, marks=pytest.mark.slow),
        pytest.param("postgres", 1, 8, 50, marks=pytest.mark.slow),
        pytest.param("postgres", 37, 8, 50, marks=pytest.mark.slow),
    ],
)
def test_processes_on_one_budget_send_exactly_what_it_pays_for(
    provider: Provider, tmp_path: Path, backend: str, calls: int, processes: int, each: int
) -> None:
    """Case 53: 8 processes, each 25 threads and 25 tasks, one budget of k calls: k reach the provider."""
    place = place_for(backend, tmp_path)
    provider.reply(Answer(delay=0.02))
    run("crowd", provider.url, place, calls, processes, each)
    assert len(provider.requests) == calls
    with Ledger(place) as ledger:
        assert ledger.usage()[0].requests == calls
        assert _sums(ledger) == (calls * CENT, 0)
        assert ledger.audit() == []


@pytest.mark.parametrize(
    ("calls", "kills"), [(8, 3), pytest.param(300, 200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_kills_lose_nothing_and_overspend_nothing(provider: Provider, tmp_path: Path, calls: int, kills: int) -> None:
    """Case 55: 200 kills in the middle of calls: integrity ok, all known recorded, 0 held, never under the bill."""
    path = tmp_path / "ledger.db"
    run("nursery", provider.url, path, calls, kills, within=800)
    known = Path(f"{path}.known").read_text().split()
    asked = {str(request.json["messages"][0]["content"]) for request in provider.requests}
    with Ledger(path, lease=LEASE) as ledger:
        wait_until(lambda: _recovered(ledger))
        rows = [orjson.loads(line) for line in ledger.export()]
        assert ledger.audit() == []
        spent, held = _sums(ledger)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    recorded = [row["tags"][0] for row in rows]
    assert len(recorded) == len(set(recorded))
    assert set(known) <= {row["tags"][0] for row in rows if row["outcome"] == "answered"}
    assert asked <= set(recorded)
    assert held == 0
    assert len(asked) * CENT <= spent == len(recorded) * CENT <= calls * CENT


@pytest.mark.parametrize("place", ["file", "memory"])
def test_a_used_registry_is_used_on_after_a_fork(provider: Provider, tmp_path: Path, place: str) -> None:
    """Case 46: four calls of the parent and three of each child; a file has all, memory is each process's own."""
    path = tmp_path / "ledger.db"
    children = 3
    seen = int(run("forks", provider.url, path if place == "file" else "memory", 100, children))
    assert len(provider.requests) == 4 + 3 * children
    assert seen == (4 + 3 * children if place == "file" else 4)
    if place == "file":
        with Ledger(path) as ledger:
            assert _sums(ledger) == (seen * CENT, 0)
            assert ledger.audit() == []


def _sums(ledger: Ledger) -> tuple[int, int]:
    """What is spent and what is held, in picodollars."""
    spent, held = ledger.read(lambda session: session.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots"))[0]
    return int(spent), int(held)


def _recovered(ledger: Ledger) -> bool:
    """Whether every hold of the dead has been booked."""
    ledger.tidy()
    left = ledger.read(lambda session: session.rows("SELECT COUNT(*) FROM lucky_holds WHERE state = 'reserved'"))
    return int(left[0][0]) == 0
