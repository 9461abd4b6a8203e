"""Limits in a real Redis: many processes, and everything that can happen to a server."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from langchain_lucky_models.errors import LimitReachedError
from langchain_lucky_models.limits import Caller, Limit, Limiter, RedisCounts
from langchain_lucky_models.limits.counts import Demand, Lease, Short, Taken
from tests.clocks import Stopwatch
from tests.services import Server, discard, redis_answers, redis_server, redis_url

LEASE = Lease("lease", 30.0)

WORKER = """
import os, sys, threading, time
from langchain_lucky_models.errors import LimitReachedError
from langchain_lucky_models.limits import Caller, Limit, Limiter, RedisCounts
import redis
url, name, skew = sys.argv[1:]
ready, done = os.pipe()
go, start_all = os.pipe()
passed, tell = os.pipe()
child = next((n for n in range(8) if not os.fork()), None)
if child is None:
    for _ in range(8):
        os.read(ready, 1)
    os.write(start_all, b"8" * 8)
    codes = [os.wait()[1] for _ in range(8)]
    os.close(tell)
    count = 0
    while chunk := os.read(passed, 4096):
        count += len(chunk)
    print(count)
    sys.exit(any(codes))
if int(skew):
    shift = (child % 2 * 2 - 1) * int(skew)          # half the machines are ahead, half behind
    real, mono = time.time, time.monotonic
    time.time, clock = (lambda: real() + shift), (lambda: mono() + shift)
else:
    clock = time.monotonic
limiter = Limiter([Limit(requests_per_minute=100)], RedisCounts(url, name=name, patience=10, clock=clock), clock=clock)
start = threading.Barrier(25)
def one():
    start.wait()
    try:
        limiter.acquire(Caller())
    except LimitReachedError:
        return
    os.write(tell, b"x")
os.write(done, b"1")
os.read(go, 1)
threads = [threading.Thread(target=one) for _ in range(25)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


RUNS = 10


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("skew", [0, 90])
def test_eight_processes_with_two_hundred_threads_pass_exactly_the_limit(skew: int) -> None:
    """Cases 73 and 77: 100 of 100 in ten runs, whatever their clocks say: the script goes by Redis' own."""
    for _ in range(RUNS):
        arguments = [sys.executable, "-c", WORKER, redis_url(), uuid.uuid4().hex, str(skew)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (0, "100\n"), done.stderr[-2000:]


@pytest.fixture
def server() -> Iterator[Server]:
    own = redis_server("--appendonly", "yes", "--appendfsync", "always")
    yield own
    discard(own)


def demand(most: int = 100) -> Demand:
    return Demand("k", "requests", most, 60.0, 1)


def take(counts: RedisCounts, times: int, most: int = 100) -> int:
    return sum(isinstance(counts.take([demand(most)], LEASE), Taken) for _ in range(times))


@pytest.fixture
def counts(server: Server) -> Iterator[RedisCounts]:
    opened = RedisCounts(server.url, patience=10)
    yield opened
    opened.close()


def test_scripts_that_redis_has_forgotten_are_given_to_it_again(server: Server, counts: RedisCounts) -> None:
    """Case 74: SCRIPT FLUSH is not noticed."""
    assert take(counts, 5, most=8) == 5
    with redis.Redis.from_url(server.url) as client:
        client.script_flush()
    assert take(counts, 5, most=8) == 3


def test_a_restart_with_an_append_only_file_admits_nothing_extra(server: Server, counts: RedisCounts) -> None:
    """Case 75: 0 more."""
    assert take(counts, 5, most=8) == 5
    server.stop(signal.SIGKILL)
    server.start(redis_answers)
    counts._rests_until = 0.0
    assert take(counts, 10, most=8) == 3


def _readonly(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", "1")


def _out_of_memory(client: redis.Redis) -> None:
    client.config_set("maxmemory", "1")


@pytest.mark.parametrize("trouble", [_readonly, _out_of_memory])
def test_a_server_that_refuses_writes_counts_as_away(server: Server, counts: RedisCounts, trouble: object) -> None:
    """Case 74: READONLY, out of memory."""
    with redis.Redis.from_url(server.url) as client:
        assert callable(trouble)
        trouble(client)
    with pytest.raises(LimitReachedError, match="Redis is away"):
        counts.take([demand()], LEASE)


def test_without_redis_calls_are_refused_or_counted_here_as_configured(server: Server) -> None:
    """Case 74: four processes that count by themselves take a quarter of the limit each."""
    local = RedisCounts(server.url, processes=4)
    strict = RedisCounts(server.url)
    server.stop(signal.SIGKILL)
    with pytest.raises(LimitReachedError, match="Redis is away") as caught:
        strict.take([demand()], LEASE)
    assert caught.value.retry_after == 1.0
    assert take(local, 50, most=20) == 5
    assert isinstance(local.take([demand(20)], LEASE), Short)


def test_a_redis_that_hangs_delays_no_call_by_more_than_a_quarter_second(server: Server) -> None:
    """Case 74: a breath for the first, none for those after it."""
    assert server.process is not None
    counts = RedisCounts(server.url)
    server.process.send_signal(signal.SIGSTOP)
    try:
        delays = []
        with Stopwatch() as watch:
            for _ in range(20):
                started = time.monotonic()
                with pytest.raises(LimitReachedError):
                    counts.take([demand()], LEASE)
                delays.append(time.monotonic() - started)
        assert max(delays) < 0.25 + watch.late
        assert sorted(delays)[10] < 0.01 + watch.late
    finally:
        server.process.send_signal(signal.SIGCONT)
        counts.close()


async def test_a_task_that_is_cancelled_while_redis_answers_gives_back_what_was_taken(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = RedisCounts(server.url, name="cancel", patience=10)
    undo, undone = shared._undo, threading.Event()

    def watched(*arguments: Any) -> None:
        undo(*arguments)
        undone.set()

    monkeypatch.setattr(shared, "_undo", watched)
    limiter = Limiter([Limit(concurrent=1, requests_per_minute=1)], shared)
    task = asyncio.ensure_future(limiter.aacquire(Caller()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(undone.wait, 20)
    assert limiter.check(Caller()).allowed
    shared.close()


def test_every_key_of_a_call_lies_in_one_hash_slot_and_runs_out(server: Server) -> None:
    shared = RedisCounts(server.url, name="app", patience=10)
    limiter = Limiter([Limit(scope="user", requests_per_minute=5, tokens_per_day=9, concurrent=2)], shared)
    limiter.acquire(Caller(user="a}{b"))
    with redis.Redis.from_url(server.url) as client:
        keys = list(client.scan_iter())
        assert len(keys) == 3
        assert all(key.startswith(b"lucky:{app}:") for key in keys)
        assert all(client.pttl(key) > 0 for key in keys)
    shared.close()
