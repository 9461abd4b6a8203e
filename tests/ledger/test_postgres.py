"""PostgreSQL: connections that are cut at any instant, servers that restart, many processes at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.ledger import Ledger, desk
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.upkeep import fold
from tests.accounts import attempt, charge
from tests.services import Server, discard, fresh_database, postgres_answers, postgres_server

CUTS = 1_000


@pytest.fixture
def url() -> str:
    return fresh_database(f"t{uuid.uuid4().hex}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_connections_cut_at_any_instant_charge_nothing_twice(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 59: a thousand cuts; whether a commit was acknowledged or cut off, the attempt counts once."""
    monkeypatch.setattr(desk, "REST_SECONDS", 0.0)
    cuts = 0
    with Ledger(url, spool=tmp_path) as ledger, psycopg.connect(url, autocommit=True) as judge:
        ledger.flush().result()
        over = threading.Event()

        def cut() -> None:
            nonlocal cuts
            seed = random.Random(3)
            while not over.is_set():
                found = judge.execute(
                    "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchone()
                cuts += found[0] if found else 0
                time.sleep(seed.uniform(0.0, 0.04))

        cutting = threading.Thread(target=cut)
        cutting.start()
        done = 0
        give_up = time.monotonic() + 400
        while cuts < CUTS and time.monotonic() < give_up:
            done += 1
            try:
                hold = ledger.reserve(attempt(f"a{done}"), [charge("k", 10**12)]).result()
            except LedgerUnavailableError:
                continue
            ledger.record(attempt(f"a{done}"), hold).result()
        over.set()
        cutting.join()
        _settle(ledger)
        assert cuts >= CUTS
        requests = ledger.usage()[0].requests
        spent, held = ledger.read(lambda s: s.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots"))[0]
        assert ledger.audit() == []
        assert requests > 20
        assert spent + held >= requests * 150_000_000_000
        counted = ledger.read(lambda s: s.rows("SELECT COUNT(*), COUNT(DISTINCT attempt_id) FROM lucky_records"))[0]
        assert counted[0] == counted[1] == requests


def _settle(ledger: Ledger) -> None:
    for _ in range(100):
        try:
            ledger.tidy()
        except LedgerUnavailableError:
            time.sleep(0.1)
        else:
            return


WORKER = """
import sys, random
from langchain_lucky_models.ledger import Ledger
from tests.accounts import attempt, charge
url, name = sys.argv[1:]
seed = random.Random(name)
with Ledger(url) as ledger:
    waiting = []
    for number in range(60):
        keys = seed.sample(["a", "b", "c", "d"], 3)
        waiting.append((number, ledger.reserve(attempt(f"{name}-{number}"), [charge(k, 1, 10**15) for k in keys])))
    for number, hold in waiting:
        ledger.record(attempt(f"{name}-{number}"), hold.result()).result()
print("fine")
"""


def test_processes_that_touch_the_same_counters_in_any_order_do_not_deadlock(url: str) -> None:
    """Case 60: four processes, every order; 0 overspent, 0 deadlocks for the user."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url, str(n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    outcomes = [worker.communicate(timeout=60) for worker in workers]
    assert [out for out, _ in outcomes] == ["fine\n"] * 4, [err[-500:] for _, err in outcomes]
    with Ledger(url) as ledger:
        assert ledger.usage()[0].requests == 240
        assert ledger.audit() == []
        assert ledger.read(lambda s: s.rows("SELECT SUM(held) FROM lucky_slots")) == [(0,)]


def test_machines_that_fold_at_the_same_instant_count_nothing_twice(url: str) -> None:
    together = threading.Barrier(2)

    def fold_together(session: Session, now: int) -> int:
        together.wait(60)
        return fold(session, now + 1)

    with Ledger(url) as here, Ledger(url) as there:
        for number in range(100):
            here.record(attempt(f"a{number}", user=f"u{number % 10}"))
        before = here.usage(by=("user",))
        folding = [ledger.errand(fold_together) for ledger in (here, there)]
        assert sorted(answer.result() for answer in folding) == [0, 10]
        assert there.usage(by=("user",)) == before


@pytest.fixture
def own_server() -> Iterator[Server]:
    server = postgres_server()
    yield server
    discard(server)


def test_a_server_that_restarts_loses_no_paid_answer(
    own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 60: refused meanwhile, whole afterwards."""
    monkeypatch.setattr(desk, "REST_SECONDS", 0.0)
    with Ledger(own_server.url, spool=tmp_path / "spool") as ledger:
        hold = ledger.reserve(attempt("a"), [charge("k", 10**12, 10**13)]).result()
        own_server.stop(signal.SIGINT)
        assert ledger.record(attempt("a"), hold).result().state == "spooled"
        with pytest.raises(LedgerUnavailableError) as caught:
            ledger.reserve(attempt("b"), [charge("k", 1, 10**13)]).result()
        assert "postgresql+psycopg://lucky@127.0.0.1" in str(caught.value)
        own_server.start(postgres_answers)
        ledger.flush().result()
        assert ledger.usage()[0].requests == 1
        assert ledger.read(lambda s: s.rows("SELECT spent, held FROM lucky_slots")) == [(150_000_000_000, 0)]


def test_a_password_in_the_url_never_shows() -> None:
    secret = "hunter2-hunter2"
    ledger = Ledger(f"postgresql://lucky:{secret}@127.0.0.1:1/none")
    with pytest.raises(LedgerUnavailableError) as caught:
        ledger.reserve(attempt("a"), [charge("k", 1)]).result()
    ledger.close()
    assert secret not in f"{caught.value!r} {ledger.shown} {ledger!r} {ledger.away}"
    assert "***" in str(caught.value)
