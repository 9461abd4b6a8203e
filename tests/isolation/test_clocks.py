"""Whatever a machine's clocks do, timers are right: they follow the clock that never goes back."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from langchain_lucky_models.budgets.windows import window_of
from langchain_lucky_models.catalog import Catalog, price_at
from langchain_lucky_models.health import HealthBoard, Outcome, scopes_of
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.limits import Caller, Limit, Limiter, MemoryCounts
from langchain_lucky_models.wire import CallScope
from tests.accounts import SecondsClock, attempt
from tests.loopback import Provider

ROOT = Path(__file__).parents[2]
HOUR = 3600.0

STEPPED = """
import sys, time
from langchain_lucky_models import errors
from tests.isolation.children import handle_of, registry_at
real, step = time.time, [0.0]
time.time = lambda: real() + step[0]
url, seconds = sys.argv[1], float(sys.argv[2])
with registry_at(url) as registry:
    handle = handle_of(registry, 1)
    handle.members()
    step[0] = seconds
    began = time.monotonic()
    try:
        handle.bind(timeout=0.5).invoke("hello")
    except errors.DeadlineExceededError:
        print("deadline", time.monotonic() - began > 0.45)
    for _ in range(10):
        step[0] = -step[0]
        try:
            handle.bind(timeout=30, max_retries=0).invoke("down")
        except errors.CircuitOpenError as rests:
            print("rests", 0 < rests.retry_after < 12)
            break
        except errors.ProviderDownError:
            pass
"""


@pytest.mark.parametrize("step", [-HOUR, HOUR, 13 * 365 * 24 * HOUR])
def test_a_step_of_the_wall_clock_moves_no_timer(provider: Provider, step: float) -> None:
    """Case 132: an hour back, an hour on, past 2038: a deadline of 0.5 s is one, and so is a rest of ten seconds."""
    provider.script("status_503")
    provider.script("hang_before_headers", times=1)
    command = [sys.executable, "-c", textwrap.dedent(STEPPED), provider.url, str(step)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT)
    assert (done.stdout.split(), done.stderr) == (["deadline", "True", "rests", "True"], "")


def test_a_machine_that_slept_finds_its_timers_over() -> None:
    """Case 132: after a jump of the monotonic clock calls are past their deadline, rests are over, minutes are new."""
    clock = SecondsClock()
    scope = CallScope(deadline=clock() + 30, clock=clock)
    board = HealthBoard(clock=clock)
    ada = scopes_of("openai", "gpt-4o", "ada")
    for _ in range(5):
        board.report(board.admit(ada), Outcome("failed", "provider_down"))
    limiter = Limiter([Limit(requests_per_minute=1)], MemoryCounts(clock), clock=clock)
    limiter.acquire(Caller(user="ada"))
    assert (board.admit(ada).allowed, limiter.check(Caller(user="ada")).allowed) == (False, False)
    clock.now += 8 * HOUR
    with pytest.raises(TimeoutError):
        scope.time_left()
    assert (board.admit(ada).allowed, limiter.check(Caller(user="ada")).allowed) == (True, True)


def test_days_and_prices_go_on_after_2038() -> None:
    """Case 132: one second after 2^31 lies in its own day of 24 hours, and has today's price."""
    late = dt.datetime.fromtimestamp(2**31 + 1, dt.UTC)
    span = window_of("day")(round(late.timestamp() * 1e6))
    hour = 3600 * 10**6
    assert span.ends is not None
    assert (span.ends - span.slot, span.slot % (24 * hour)) == (24 * hour, 0)
    assert span.slot <= late.timestamp() * 1e6 < span.ends
    assert price_at(Catalog.packaged().get("openai#gpt-4o"), late) is not None


def test_a_record_carries_its_databases_clock(tmp_path: Path) -> None:
    """Case 132: of a ledger beyond 2038, records stand in its own day, whatever this machine's clock shows."""
    late = dt.datetime(2040, 2, 29, 23, 59, 59, tzinfo=dt.UTC)
    with Ledger(tmp_path / "ledger.db", clock=lambda: round(late.timestamp() * 1e6)) as ledger:
        ledger.record(attempt("a")).result()
        (row,) = ledger.usage(by=("day",))
    assert row.group["day"] == "2040-02-29"
