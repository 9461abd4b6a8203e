"""Processes that die at any instant: nothing acknowledged is lost, nothing overspent, what is unsure over-counted."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from langchain_lucky_models.ledger import Ledger

CALLS = 900
"""What the budget pays for."""

NURSERY = """
import os, random, signal, sys, time, itertools
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
from decimal import Decimal
from langchain_lucky_models.errors import BudgetExceededError
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt, charge

path, calls, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
billed = os.open(path + ".billed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
known = os.open(path + ".known", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def work(child):
    ledger = Ledger(path, lease=0.2)
    for number in itertools.count():
        name = f"{child}-{number}"
        try:
            hold = ledger.reserve(attempt(name), [charge("k", 10**12, calls * 10**12)]).result()
        except BudgetExceededError:
            os._exit(0)
        os.write(billed, f"{name}\\n".encode())          # the provider has answered, and bills one dollar
        ledger.record(attempt(name, cost=Decimal(1)), hold).result()
        os.write(known, f"{name}\\n".encode())           # the caller has the answer
        try:
            os.write(told, b".")
        except BrokenPipeError:
            pass

seed = random.Random(7)
for child in range(kills):
    hear, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        work(child)
    os.close(told)
    for _ in range(seed.randrange(12)):
        os.read(hear, 1)                                 # however slow the machine is, something has happened
    os.close(hear)
    time.sleep(seed.uniform(0.0, 0.004))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_and_overspend_nothing(tmp_path: Path) -> None:
    """Case 55: 200 kills; integrity ok, sums equal entries, no hold is left, and spent is never below billed."""
    path = tmp_path / "ledger.db"
    subprocess.run([sys.executable, "-c", NURSERY, str(path), str(CALLS), "200"], check=True, timeout=110)
    billed = Path(f"{path}.billed").read_text().split()
    known = Path(f"{path}.known").read_text().split()
    assert len(known) > 200
    with Ledger(path, lease=0.2) as ledger:
        _settle_orphans(ledger)
        entries = [json.loads(line) for line in ledger.export()]
        assert ledger.audit() == []
        spent, held = ledger.read(lambda s: s.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots"))[0]
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    recorded = {entry["attempt_id"] for entry in entries}
    settled = {entry["attempt_id"] for entry in entries if entry["basis"] != "bound"}
    assert set(known) <= settled
    assert set(billed) <= recorded
    assert held == 0
    assert len(billed) * 10**12 <= spent == len(recorded) * 10**12 <= CALLS * 10**12


def _settle_orphans(ledger: Ledger) -> None:
    """Wait until every lease has run out, and book what was left."""
    for _ in range(200):
        ledger.tidy()
        if ledger.read(lambda s: s.rows("SELECT COUNT(*) FROM lucky_holds WHERE state = 'reserved'")) == [(0,)]:
            return
        signal.sigtimedwait([], 0.05)


@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_an_answer_that_a_caller_has_seen_is_in_the_ledger_however_the_process_ends(
    tmp_path: Path, ending: str
) -> None:
    """Case 61: twenty calls, then the end, at once: none of twenty is lost."""
    script = f"""
    import os, signal, sys
    from langchain_lucky_models.ledger import Ledger
    from tests.accounts import attempt
    ledger = Ledger(sys.argv[1])
    for number in range(20):
        ledger.record(attempt(str(number))).result()
    {ending}
    """
    path = tmp_path / "ledger.db"
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=False, timeout=60)
    with Ledger(path) as ledger:
        assert ledger.usage()[0].requests == 20
