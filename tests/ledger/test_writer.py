"""The writing thread: it never blocks an event loop, survives a fork, and lets nobody wait for ever."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt, charge
from tests.clocks import Stopwatch


async def test_an_event_loop_goes_on_while_a_record_waits_for_a_locked_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.flush().result()
        locking = sqlite3.connect(path, isolation_level=None)
        locking.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(_record(ledger, "a"))
        longest, before = 0.0, time.perf_counter()
        with Stopwatch() as watch:
            for _ in range(50):
                await asyncio.sleep(0.002)
                longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
        assert not waiting.done()
        locking.execute("COMMIT")
        locking.close()
        assert await waiting == "recorded"
    assert longest < 0.1 + watch.late


async def _record(ledger: Ledger, name: str) -> str:
    return (await ledger.record(attempt(name))).state


def test_a_thread_that_stops_waiting_has_its_hold_undone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.flush().result()
        locking = sqlite3.connect(path, isolation_level=None)
        locking.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailableError, match="did not answer within"):
            ledger.reserve(attempt("a"), [charge("k", 5, 10)]).result(0.05)
        locking.execute("COMMIT")
        locking.close()
        ledger.flush().result()
        ledger.flush().result()
        assert ledger.read(lambda s: s.rows("SELECT COALESCE(SUM(held), 0) FROM lucky_slots")) == [(0,)]


def test_many_threads_and_one_writer_lose_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        threads = [
            threading.Thread(target=lambda t=t: [ledger.record(attempt(f"{t}-{n}")).result() for n in range(50)])
            for t in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.usage()[0].requests == 800


def test_a_forked_child_writes_with_a_thread_and_connection_of_its_own(tmp_path: Path) -> None:
    """Parent and children share one file; nobody hangs, nothing is lost, and no hold of the parent is touched."""
    script = """
import os, sys
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt, charge
ledger = Ledger(sys.argv[1])
hold = ledger.reserve(attempt("parent"), [charge("k", 5, 10)]).result()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(30):
            ledger.record(attempt(f"{child}-{number}")).result()
        os._exit(0)
    children.append(pid)
for number in range(30):
    ledger.record(attempt(f"p-{number}")).result()
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
ledger.record(attempt("parent"), hold).result()
print(ledger.usage()[0].requests, ledger.audit())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ledger.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "151 []\n"), done.stderr


def test_a_process_that_ends_without_closing_has_written_what_it_was_given(tmp_path: Path) -> None:
    script = """
import sys
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt
ledger = Ledger(sys.argv[1])
for number in range(500):
    ledger.record(attempt(str(number)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ledger.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.usage()[0].requests == 500


def test_a_ledger_that_nobody_holds_ends_its_thread() -> None:
    before = threading.active_count()
    ledger = Ledger()
    ledger.record(attempt("a")).result()
    assert threading.active_count() == before + 1
    del ledger
    gc.collect()
    assert threading.active_count() == before


def test_a_ledger_that_its_own_thread_closes_finishes_what_it_is_at(tmp_path: Path) -> None:
    """That thread may be the one to collect what nobody uses any more, in the middle of a transaction."""
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.record(attempt("a"))
    ledger.errand(lambda _session, _now: ledger.close()).result()
    with pytest.raises(LedgerUnavailableError, match="closed"):
        ledger.record(attempt("b"))
    with Ledger(path) as again:
        assert again.usage()[0].requests == 1


def test_importing_the_package_opens_and_starts_nothing() -> None:
    script = """
import sys, threading
import langchain_lucky_models.ledger, langchain_lucky_models.budgets, langchain_lucky_models.limits
heavy = {"sqlalchemy", "psycopg", "redis", "langchain_core", "langchain"} & set(sys.modules)
print(sorted(heavy), threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[] 1\n"


def test_a_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(attempt("a")).result()
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert "ledger.db" in modes
