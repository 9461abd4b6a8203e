"""Limits at work: who passes, who waits, who is refused; in threads and in tasks, in memory and in Redis."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors import ConfigError, LimitReachedError
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.limits import Caller, Counts, Limit, Limiter, Load, MemoryCounts, Passage, limit_of
from langchain_lucky_models.limits.line import Place
from tests.accounts import SecondsClock, attempt
from tests.clocks import Stopwatch

ADA = Caller(user="ada", model="openai#gpt-4o", provider="openai", key="k1")
BOB = Caller(user="bob", model="openai#gpt-4o", provider="openai", key="k1")


def passes(limiter: Limiter, caller: Caller = ADA, load: Load = Load(), wait_up_to: float = 0.0) -> bool:  # noqa: B008 - frozen
    try:
        limiter.acquire(caller, load, wait_up_to=wait_up_to)
    except LimitReachedError:
        return False
    return True


def test_a_hundred_threads_on_ten_requests_a_minute_are_ten(counts: Counts) -> None:
    """Case 71: exactly 10."""
    limiter = Limiter([Limit(scope="user", requests_per_minute=10)], counts)
    start, passed = threading.Barrier(100), []

    def call() -> None:
        start.wait()
        passed.append(passes(limiter))

    threads = [threading.Thread(target=call) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 10


async def test_a_hundred_tasks_on_ten_requests_a_minute_are_ten(counts: Counts) -> None:
    """Case 71: exactly 10."""
    limiter = Limiter([Limit(scope="user", requests_per_minute=10)], counts)
    answers = await asyncio.gather(*(limiter.aacquire(ADA) for _ in range(100)), return_exceptions=True)
    assert sum(isinstance(answer, Passage) for answer in answers) == 10
    refused = [answer for answer in answers if isinstance(answer, LimitReachedError)]
    assert len(refused) == 90
    assert all(answer.retry_after is not None and 50 < answer.retry_after < 61 for answer in refused)
    assert "10 requests a minute for user ada" in str(refused[0])


def test_answers_of_two_thousand_tokens_keep_three_thousand_a_minute(counts: Counts) -> None:
    """Case 72: the charge is taken before the answer: one passes, and what is in flight is never beyond the limit."""
    limiter = Limiter([Limit(tokens_per_minute=3_000)], counts)
    passed = [passes(limiter, load=Load(2_000, 10)) for _ in range(100)]
    assert sum(passed) == 1


@pytest.mark.parametrize(("charged", "used"), [(2_000, 200), (200, 2_000)])
def test_an_estimate_that_is_wrong_tenfold_is_corrected_after_the_answer(
    counts: Counts, charged: int, used: int
) -> None:
    """Case 79: upwards and downwards."""
    limiter = Limiter([Limit(tokens_per_minute=3_000)], counts)
    passage = limiter.acquire(ADA, Load(charged, 10))
    limiter.settle(passage, used)
    assert limiter.check(ADA, Load(3_000 - used, 10)).allowed
    assert not limiter.check(ADA, Load(3_001 - used, 10)).allowed


def test_a_call_that_was_never_sent_gives_everything_back(counts: Counts) -> None:
    limiter = Limiter([Limit(requests_per_minute=1, tokens_per_minute=100, concurrent=1)], counts)
    limiter.give_back(limiter.acquire(ADA, Load(100, 100)))
    assert limiter.check(ADA, Load(100, 100)).allowed


async def test_tasks_check_and_give_back_by_the_same_rules(counts: Counts) -> None:
    limiter = Limiter([Limit(requests_per_minute=1, concurrent=1)], counts)
    passage = await limiter.aacquire(ADA)
    assert not (await limiter.acheck(ADA)).allowed
    await limiter.agive_back(passage)
    assert (await limiter.acheck(ADA)).allowed


def test_checking_consumes_nothing_and_names_the_limit(counts: Counts) -> None:
    limiter = Limiter([Limit(scope="user", requests_per_minute=1)], counts)
    assert all(limiter.check(ADA).allowed for _ in range(20))
    limiter.acquire(ADA)
    verdict = limiter.check(ADA)
    assert not verdict.allowed
    assert 50 < verdict.retry_after < 61
    assert verdict.limit is not None
    assert "1 requests a minute" in verdict.limit
    assert limiter.check(BOB).allowed


def test_a_call_larger_than_a_limit_is_refused_at_once_and_a_cautious_charge_is_not(counts: Counts) -> None:
    """Case 80: no eternal wait."""
    limiter = Limiter([Limit(tokens_per_minute=500)], counts)
    with Stopwatch() as watch, pytest.raises(LimitReachedError, match="never fits") as caught:
        limiter.acquire(ADA, Load(600, 600), wait_up_to=60)
    assert caught.value.retry_after is None
    assert watch.seconds < 1
    assert limiter.check(ADA, Load(600, 600)).retry_after == math.inf
    assert passes(limiter, load=Load(1_024, 100))


def test_a_wait_that_does_not_fit_is_refused_at_once(counts: Counts) -> None:
    limiter = Limiter([Limit(requests_per_minute=1)], counts)
    limiter.acquire(ADA)
    with Stopwatch() as watch:
        assert not passes(limiter, wait_up_to=5.0)
    assert watch.seconds < 1


class TestWaiting:
    """A period too short for real use keeps these quick: the rules do not know how long a minute is."""

    @pytest.fixture(autouse=True)
    def short_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from langchain_lucky_models.limits import limit

        short = {**limit._COUNTED, "requests_per_minute": ("requests", 0.2), "tokens_per_minute": ("tokens", 0.2)}
        monkeypatch.setattr(limit, "_COUNTED", short)

    async def test_tasks_pass_in_the_order_they_came(self, counts: Counts) -> None:
        """Case 80: first come, first served."""
        limiter = Limiter([Limit(requests_per_minute=2)], counts)
        order: list[int] = []

        async def call(number: int) -> None:
            await limiter.aacquire(ADA, wait_up_to=10)
            order.append(number)

        tasks, seen = [], set[Place]()
        for number in range(8):
            tasks.append(asyncio.ensure_future(call(number)))
            # The next one comes when this one has passed, or stands in the line.
            while not (tasks[-1].done() or set(limiter._gate.line._places) - seen):  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.001)
            seen.update(limiter._gate.line._places)
        await asyncio.gather(*tasks)
        assert order == list(range(8))

    async def test_a_large_call_is_not_overtaken_by_small_ones(self, counts: Counts) -> None:
        """Case 80: nobody starves."""
        limiter = Limiter([Limit(tokens_per_minute=100)], counts)
        order: list[str] = []

        async def call(name: str, tokens: int) -> None:
            await limiter.aacquire(ADA, Load(tokens, tokens), wait_up_to=10)
            order.append(name)

        await call("first", 60)
        large = asyncio.ensure_future(call("large", 100))
        # It passes without a line where a busy machine has let the short minute go by.
        while not (large.done() or limiter._gate.line._places):  # noqa: ASYNC110 - no event tells that it stands there
            await asyncio.sleep(0.001)
        small = [asyncio.ensure_future(call(f"small {n}", 10)) for n in range(3)]
        await asyncio.gather(large, *small)
        assert order[:2] == ["first", "large"]

    async def test_a_cancelled_wait_frees_its_place(self, counts: Counts) -> None:
        """Case 80: for the next in line."""
        limiter = Limiter([Limit(requests_per_minute=1)], counts)
        await limiter.aacquire(ADA)
        ahead = asyncio.ensure_future(limiter.aacquire(ADA, wait_up_to=10))
        await asyncio.sleep(0.01)
        behind = asyncio.ensure_future(limiter.aacquire(ADA, wait_up_to=10))
        await asyncio.sleep(0.01)
        ahead.cancel()
        assert isinstance(await behind, Passage)
        assert limiter._gate.line.crowd(["registry=all/requests_per_minute"]) == 0

    def test_threads_wait_for_room(self, counts: Counts) -> None:
        limiter = Limiter([Limit(requests_per_minute=2)], counts)
        started = time.monotonic()
        with Stopwatch() as watch:
            assert [passes(limiter, wait_up_to=10) for _ in range(4)] == [True] * 4
        assert time.monotonic() - started > 0.19
        assert watch.seconds < 2

    async def test_a_place_that_is_left_is_taken_by_the_next_in_line(self, counts: Counts) -> None:
        limiter = Limiter([Limit(concurrent=1)], counts)
        first = await limiter.aacquire(ADA)
        waiting = asyncio.ensure_future(limiter.aacquire(BOB, wait_up_to=10))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        with Stopwatch() as watch:
            await limiter.asettle(first)
            assert isinstance(await waiting, Passage)
        assert watch.seconds < 0.5

    def test_those_who_wait_for_other_limits_are_not_in_the_way(self, counts: Counts) -> None:
        limiter = Limiter([Limit(scope="user", requests_per_minute=1)], counts)
        limiter.acquire(ADA)
        waiting = threading.Thread(target=limiter.acquire, args=(ADA,), kwargs={"wait_up_to": 10})
        waiting.start()
        assert passes(limiter, BOB)
        waiting.join()


async def test_no_more_than_the_limit_are_under_way_at_once(counts: Counts) -> None:
    limiter = Limiter([Limit(scope="key", concurrent=3)], counts)
    under_way = most = 0
    met = asyncio.Event()

    async def call() -> None:
        nonlocal under_way, most
        passage = await limiter.aacquire(ADA, wait_up_to=60)
        under_way += 1
        most = max(most, under_way)
        if most == 3:
            met.set()
        await met.wait()  # nobody leaves before three have met, however slowly they come
        await asyncio.sleep(0.003)
        under_way -= 1
        await limiter.asettle(passage)

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3


def test_a_line_that_is_full_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_lucky_models.limits import gate

    monkeypatch.setattr(gate, "LONGEST_LINE", 2)
    limiter = Limiter([Limit(concurrent=1)])
    passage = limiter.acquire(ADA)
    threads = [threading.Thread(target=passes, args=(limiter,), kwargs={"wait_up_to": 60}) for _ in range(3)]
    for thread in threads:
        thread.start()
    while limiter._gate.line.crowd(["registry=all/concurrent"]) < 3:
        time.sleep(0.001)
    with pytest.raises(LimitReachedError, match="line is full"):
        limiter.acquire(ADA, wait_up_to=60)
    limiter.settle(passage)
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.005)
        with limiter._counts._lock:  # type: ignore[attr-defined]
            limiter._counts._state.places.clear()  # type: ignore[attr-defined]
        limiter._gate.line.stir(["registry=all/concurrent"])


def test_what_a_provider_says_lowers_our_view_until_it_resets_and_never_raises_it() -> None:
    clock = SecondsClock()
    limiter = Limiter([Limit(scope="key", requests_per_minute=100)], MemoryCounts(clock), clock=clock)
    said = {"X-RateLimit-Remaining-Requests": "2", "X-RateLimit-Reset-Requests": "30s"}
    limiter.heed(ADA, said, now=0.0)
    limiter.heed(ADA, {**said, "X-RateLimit-Remaining-Requests": "50"}, now=0.0)
    assert [passes(limiter) for _ in range(3)] == [True, True, False]
    verdict = limiter.check(ADA)
    assert (verdict.allowed, verdict.retry_after) == (False, 30.0)
    assert passes(limiter, Caller(model="openai#gpt-4o", key="k2"))
    clock.now += 31
    assert sum(passes(limiter) for _ in range(200)) == 98 - 1 + 1


def test_a_wall_clock_that_jumps_an_hour_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 78: one hour either way."""
    limiter = Limiter([Limit(requests_per_minute=10)])
    real = time.time
    passed = 0
    for hours in (0, 1, -1, 5_000):
        monkeypatch.setattr(time, "time", lambda hours=hours: real() + hours * 3_600)
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: int((real() + hours * 3_600) * 1e9))
        passed += sum(passes(limiter) for _ in range(10))
    assert passed == 10


def test_requests_of_a_day_survive_a_restart_through_the_ledger(tmp_path: Path) -> None:
    """Case 82: a new process goes on counting."""
    limits = [Limit(scope="user", requests_per_day=10, tokens_per_day=2_000)]
    with Ledger(tmp_path / "ledger.db") as ledger:
        limiter = Limiter(limits, history=ledger.history)
        for number in range(4):
            passage = limiter.acquire(ADA, Load(150, 100))
            ledger.record(attempt(str(number), cost=Decimal(0))).result()
            limiter.settle(passage, 150)
    with Ledger(tmp_path / "ledger.db") as ledger:
        restarted = Limiter(limits, history=ledger.history)
        assert sum(passes(restarted) for _ in range(20)) == 6
        assert not restarted.check(ADA, Load(1_401, 1_401)).allowed
        assert restarted.check(Caller(user="bob"), Load(1_401, 1_401)).allowed


async def test_a_task_recalls_the_day_without_blocking_its_loop(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        await ledger.record(attempt("a"))
        limiter = Limiter([Limit(requests_per_day=2)], history=ledger.history)
        assert isinstance(await limiter.aacquire(ADA), Passage)
        with pytest.raises(LimitReachedError):
            await limiter.aacquire(ADA)


def test_a_forked_child_counts_on_by_itself_and_does_not_hang() -> None:
    script = """
import os
from langchain_lucky_models.limits import Caller, Limit, Limiter
limiter = Limiter([Limit(requests_per_minute=5)])
limiter.acquire(Caller())
limiter._counts._lock.acquire()      # as another thread might at the fork
limiter._gate.line._lock.acquire()
pid = os.fork()
if pid == 0:
    for _ in range(4):
        limiter.acquire(Caller())
    os._exit(7 if limiter.check(Caller()).allowed else 0)
print(os.waitpid(pid, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "0\n", done.stderr
    assert os.getpid() > 0


def test_registries_do_not_throttle_each_other() -> None:
    first, second = (Limiter([Limit(requests_per_minute=1)]) for _ in range(2))
    assert passes(first)
    assert passes(second)


def test_a_limit_for_one_user_takes_the_place_of_the_one_for_every_user() -> None:
    limiter = Limiter(
        [Limit(scope="user", requests_per_minute=1), Limit(scope="user", user="ada", requests_per_minute=3)]
    )
    assert sum(passes(limiter) for _ in range(5)) == 3
    assert sum(passes(limiter, BOB) for _ in range(5)) == 1


def test_published_limits_of_a_model_become_a_limit_for_each_key() -> None:
    entry = ModelEntry.model_validate(
        {"provider": "groq", "id": "m", "rate_limits": {"requests_per_minute": 30, "tokens_per_day": 500_000}}
    )
    limit = limit_of(entry)
    assert limit is not None
    assert [bound.label for bound in limit.bounds(Caller(model="groq#m", key="k"))] == [
        "30 requests a minute for key k",
        "500000 tokens a day for key k",
    ]
    assert limit_of(ModelEntry(provider="groq", id="m")) is None


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"scope": "team", "concurrent": 1},
        {"requests_per_minute": 0},
        {"concurrent": 1.5},
        {"rpm": 5},
        {"concurrent": True},
    ],
)
def test_a_limit_that_limits_nothing_or_says_nonsense_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Limit.read(setting)
