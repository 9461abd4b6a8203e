"""A database that is away: calls are refused before they are sent, or go on as configured; no paid answer is lost."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.ledger import Ledger, desk
from langchain_lucky_models.ledger.spool import Spool
from tests.accounts import attempt, charge


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked again at once, so that no test waits a second."""
    monkeypatch.setattr(desk, "REST_SECONDS", 0.0)


def delete(path: Path) -> Callable[[], None]:
    kept = path.with_suffix(".kept")
    path.rename(kept)

    def heal() -> None:
        kept.rename(path)

    return heal


def replace_by_symlink(path: Path) -> Callable[[], None]:
    kept, other = path.with_suffix(".kept"), path.with_suffix(".other")
    path.rename(kept)
    other.touch()
    path.symlink_to(other)

    def heal() -> None:
        path.unlink()
        kept.rename(path)

    return heal


def lock(path: Path) -> Callable[[], None]:
    locking = sqlite3.connect(path, isolation_level=None)
    locking.execute("BEGIN IMMEDIATE")

    def heal() -> None:
        locking.execute("COMMIT")
        locking.close()

    return heal


def corrupt(path: Path) -> Callable[[], None]:
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    header = path.read_bytes()[:100]

    def write(data: bytes) -> None:
        with path.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    write(b"\xff" * 100)
    return lambda: write(header)


FAULTS = {"deleted": delete, "replaced": replace_by_symlink, "locked": lock, "corrupted": corrupt}


@pytest.fixture
def ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setattr("langchain_lucky_models.ledger.sqlite.BUSY_SECONDS", 0.1)
    with Ledger(path, spool=path.with_suffix(".spool")) as opened:
        yield opened


@pytest.mark.parametrize("fault", FAULTS)
def test_without_its_database_a_call_is_refused_and_a_paid_answer_waits_on_disk(
    ledger: Ledger, path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 57: twenty answers under way when the database goes: 0 lost, 0 sent without a hold, all booked later."""
    holds = [ledger.reserve(attempt(f"a{n}"), [charge("k", 10**12, 10**14)]).result() for n in range(20)]
    ledger.flush().result()
    heal = FAULTS[fault](path)
    with caplog.at_level(logging.WARNING):
        with pytest.raises(LedgerUnavailableError, match="away"):
            ledger.reserve(attempt("new"), [charge("k", 1, 10**14)]).result()
        assert {ledger.record(attempt(f"a{n}"), holds[n]).result().state for n in range(20)} == {"spooled"}
    assert "The ledger is away" in caplog.text
    heal()
    assert ledger.record(attempt("after")).result().state == "recorded"
    assert ledger.away is None
    assert ledger.usage()[0].requests == 21
    assert ledger.read(lambda s: s.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots")) == [(20 * 150_000_000_000, 0)]
    assert ledger.audit() == []
    assert list(path.with_suffix(".spool").iterdir()) == []


def test_policy_may_let_calls_go_on_and_they_are_charged_when_the_database_is_back(path: Path) -> None:
    """Case 57, where policy allows: nothing is lost, and what was spent meanwhile counts."""
    with Ledger(path, on_failure="allow", spool=path.with_suffix(".spool")) as ledger:
        ledger.flush().result()
        heal = delete(path)
        hold = ledger.reserve(attempt("a"), [charge("k", 10**12, 10**13)]).result()
        assert not hold.backed
        assert ledger.record(attempt("a", cost=Decimal(2)), hold).result().state == "spooled"
        heal()
        ledger.flush().result()
        assert ledger.read(lambda s: s.rows("SELECT spent, held FROM lucky_slots")) == [(2 * 10**12, 0)]
        assert ledger.usage()[0].cost == Decimal(2)


def test_records_that_were_spooled_by_a_process_that_died_are_written_by_the_next(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.flush().result()
        heal = delete(path)
        ledger.record(attempt("a")).result()
        heal_late = heal
        ledger._desk._rests_until = float("inf")  # the process ends before it tries again
    heal_late()
    with Ledger(path) as again:
        again.record(attempt("b")).result()
        assert again.usage()[0].requests == 2


def test_a_spool_is_for_its_owner_alone_and_damaged_lines_stop_nothing(tmp_path: Path) -> None:
    from langchain_lucky_models.ledger.commands import Append

    spool = Spool(tmp_path / "spool")
    spool.keep([Append(attempt("a")), Append(attempt("b"))])
    file = next(spool.folder.iterdir())
    assert (file.stat().st_mode & 0o777, spool.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    file.write_bytes(b"\0rubbish\n{}\n[1]\n" + file.read_bytes() + b'{"record": {')
    assert [command.record.attempt_id for _, commands in spool.batches() for command in commands] == ["a", "b"]


def test_a_spool_that_cannot_be_written_fails_the_record_loudly(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = path.with_suffix(".spool")
    blocked.touch()
    with Ledger(path, spool=blocked) as ledger:
        ledger.flush().result()
        heal = delete(path)
        with pytest.raises(LedgerUnavailableError):
            ledger.record(attempt("a")).result()
        assert "could be written nowhere" in caplog.text
        heal()


def test_a_database_that_cannot_be_opened_is_refused_and_says_which(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ledger = Ledger(tmp_path / "folder", spool=tmp_path / "spool")
    with ledger, pytest.raises(LedgerUnavailableError, match="folder"):
        ledger.reserve(attempt("a"), [charge("k", 1)]).result()


def test_a_call_under_no_budget_asks_no_database_unless_it_is_known_to_be_away(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.reserve(attempt("a"), []).done()
        ledger.flush().result()
        heal = delete(path)
        ledger.record(attempt("b")).result()
        with pytest.raises(LedgerUnavailableError):
            ledger.reserve(attempt("c"), []).result()
        heal()
        assert ledger.reserve(attempt("c"), []).result().stakes == ()


def test_every_write_that_fails_on_a_full_disk_leaves_totals_right(tmp_path: Path) -> None:
    """Case 56: at whichever of 200 writes a file may grow no more, sums equal entries and later calls go on."""
    script = """
import resource, signal, sys
from decimal import Decimal
from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.ledger import Ledger, desk
from tests.accounts import attempt, charge
desk.REST_SECONDS = 0.0
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
ledger = Ledger(sys.argv[1])
ledger.flush().result()
done = refused = 0
import glob, os
for n in range(1, 201):
    size = max(os.path.getsize(f) for f in glob.glob(sys.argv[1] + "*") if os.path.isfile(f))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 512 * (n % 40), hard))
    try:
        hold = ledger.reserve(attempt(str(n)), [charge("k", 10**12, 10**15)]).result()
        state = ledger.record(attempt(str(n), cost=Decimal(1)), hold).result().state
        done += state in ("recorded", "spooled")
    except LedgerUnavailableError:
        refused += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
ledger.flush().result()
spent, held = ledger.read(lambda s: s.rows("SELECT SUM(spent), SUM(held) FROM lucky_slots"))[0]
assert ledger.audit() == []
assert held == 0, held
assert (spent, ledger.usage()[0].requests) == (done * 10**12, done), (spent, done)
assert done + refused == 200 and refused > 5 and done > 5, (done, refused)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ledger.db")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
