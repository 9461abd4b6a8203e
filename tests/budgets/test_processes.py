"""Many processes on one budget send exactly as many calls as it pays for; random workloads balance to the token."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from langchain_lucky_models.ledger import Ledger
from tests.accounts import place_for

WORKER = """
import os, sys, threading
from decimal import Decimal
from langchain_lucky_models.budgets import Budget, Budgets, Estimate
from langchain_lucky_models.errors import BudgetExceededError
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt
url, sent, calls = sys.argv[1:]
if "postgres" in url:
    import psycopg, sqlalchemy
ready, done = os.pipe()
go, start_all = os.pipe()
name = next((str(n) for n in range(8) if not os.fork()), None)
if name is None:
    for _ in range(8):
        os.read(ready, 1)
    os.write(start_all, b"8" * 8)
    codes = [os.wait()[1] for _ in range(8)]
    sys.exit(any(codes))
wire = os.open(sent, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
ledger = Ledger(url)
budgets = Budgets(ledger, [Budget(scope="user", limit=str(int(calls) * Decimal("0.01")))])
ledger.flush().result()
start = threading.Barrier(50)
def one(number):
    start.wait()
    record = attempt(f"{name}-{number}", cost=Decimal("0.01"))
    try:
        hold = budgets.reserve(record, Estimate(Decimal("0.01"), Decimal("0.01"))).result()
    except BudgetExceededError:
        return
    os.write(wire, b"sent\\n")
    budgets.settle(record, hold).result()
os.write(done, b"1")
os.read(go, 1)
threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
ledger.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.parametrize("calls", [1, 37])
def test_eight_processes_with_fifty_threads_send_exactly_what_the_budget_pays_for(
    backend: str, calls: int, tmp_path: Path
) -> None:
    """Case 53: 400 calls at once, the budget pays for k: k reach the provider, no more and no fewer."""
    url, sent = place_for(backend, tmp_path), tmp_path / "sent"
    arguments = [sys.executable, "-c", WORKER, str(url), str(sent), str(calls)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with Ledger(url) as ledger:
        assert len(sent.read_text().split()) == calls == ledger.usage()[0].requests
        assert ledger.read(lambda s: s.rows("SELECT SUM(held) FROM lucky_slots")) == [(0,)]
        assert ledger.audit() == []


CHAOS = """
import asyncio, random, sys
from decimal import Decimal
from langchain_lucky_models.budgets import Budget, Budgets, Estimate
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt
seed = random.Random(11)
billed_tokens = billed_calls = 0
async def call(budgets, number):
    global billed_tokens, billed_calls
    record = attempt(str(number), user=f"u{number % 7}", cost=None, outcome="failed", basis="unknown")
    hold = await budgets.reserve(record, Estimate(Decimal("0.001"), Decimal("0.001")))
    tokens = 0
    outcome = "failed"
    try:
        if seed.random() < 0.1:
            return                                   # never sent
        await asyncio.sleep(seed.random() * 0.01)
        tokens = seed.randrange(1, 1000)             # the provider bills from here on
        billed_tokens += tokens; billed_calls += 1
        if seed.random() < 0.2:
            raise OSError
        await asyncio.sleep(seed.random() * 0.01)
        outcome = "answered"
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        if tokens:
            cost = Decimal(tokens) / 1_000_000
            facts = dict(user=record.user, outcome=outcome, output_tokens=tokens, input_tokens=0, cost=cost)
            await asyncio.shield(_awaited(budgets.settle(attempt(str(number), **facts), hold)))
        else:
            await asyncio.shield(_awaited(budgets.release(hold)))
async def _awaited(pending):
    return await pending
async def main():
    with Ledger(sys.argv[1]) as ledger:
        budgets = Budgets(ledger, [Budget(scope="user", limit="1000"), Budget(limit="1000")])
        for start in range(0, 10_000, 500):
            tasks = [asyncio.ensure_future(call(budgets, n)) for n in range(start, start + 500)]
            await asyncio.sleep(0.008)
            for task in seed.sample(tasks, 100):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await ledger.flush()
        await ledger.flush()
        row = ledger.usage()[0]
        assert (row.requests, row.output_tokens) == (billed_calls, billed_tokens), (row, billed_calls, billed_tokens)
        assert row.cost == Decimal(billed_tokens) / 1_000_000
        found = ledger.read(lambda s: s.rows("SELECT key, SUM(spent), SUM(held) FROM lucky_slots GROUP BY key"))
        assert all(held == 0 for _, _, held in found), found
        assert sum(spent for key, spent, _ in found if key.startswith("registry")) == billed_tokens * 10**6
        assert ledger.audit() == []
        print(billed_calls)
asyncio.run(main())
"""


@pytest.mark.slow
def test_ten_thousand_calls_that_fail_and_are_cancelled_balance_to_the_token(tmp_path: Path) -> None:
    """Case 62: the sum of the records is what the provider billed, and nothing stays held."""
    done = subprocess.run(
        [sys.executable, "-c", CHAOS, str(tmp_path / f"{uuid.uuid4().hex}.db")],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 5_000
