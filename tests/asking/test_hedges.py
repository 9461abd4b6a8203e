"""A race that has learned how long its first member takes asks one more only where that one is slow, and seldom."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models import LLMRegistry, drive
from langchain_lucky_models.asking.hedges import MOST_EXTRA, UNKNOWN_WAIT, WINDOW, Hedge, Hedges, Traffic, usual_wait
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.strategies import Attempt, Rules, Wave, race
from tests import homes
from tests.asking.virtual import VirtualLoop
from tests.clocks import Stopwatch
from tests.faults.calls import EVERY_WAY, Asked
from tests.loopback import Answer, Provider

Latency = Callable[[], float]


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture
def line(registry: LLMRegistry) -> tuple[Candidate, ...]:
    """Two who may be asked."""
    return homes.user_of(registry).models(homes.OPENAI, homes.GROQ).line().candidates


# -- what is decided


def test_a_wait_is_the_95th_percentile_of_what_was_seen() -> None:
    """Case 34: nineteen of twenty answered by then; with fewer than twenty times, two seconds."""
    assert usual_wait([place / 1000 for place in range(200)]) == 0.189
    assert usual_wait([0.1] * 19) == UNKNOWN_WAIT
    assert usual_wait([*[0.1] * 19, 9.0]) == 0.1


def test_only_the_last_two_hundred_times_count(line: tuple[Candidate, ...]) -> None:
    hedges = Hedges(clock=lambda: 0.0)
    for seconds in (*[9.0] * 200, *[0.2] * 200):
        hedges.took(line[0], "stream", seconds)
    assert hedges.begin(line[0], "stream") == 0.2
    assert hedges.begin(line[0], "whole") == UNKNOWN_WAIT
    assert hedges.begin(line[1], "stream") == UNKNOWN_WAIT


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=400))
def test_extra_requests_stay_within_their_share_of_every_window(moves: list[tuple[bool, float]]) -> None:
    """Case 34: whatever comes when, of the calls of ten minutes at most 5 % cost an extra request."""
    traffic, now = Traffic(), 0.0
    calls: list[float] = []
    extra: list[float] = []
    for hedges, pause in moves:
        now += pause
        if not hedges:
            traffic = traffic.called(now)
            calls.append(now)
        elif traffic.allows(now):
            traffic = traffic.hedged(now)
            extra.append(now)
            recent = [at for at in calls if at > now - WINDOW]
            assert len([at for at in extra if at > now - WINDOW]) <= MOST_EXTRA * len(recent)
    assert len(traffic.slots) <= 61


def test_a_share_that_is_used_up_comes_back_with_time() -> None:
    traffic = Traffic()
    for _ in range(20):
        traffic = traffic.called(0.0)
    assert not traffic.hedged(0.0).allows(WINDOW - 20)
    later = traffic.hedged(0.0)
    for _ in range(20):
        later = later.called(WINDOW + 10)
    assert later.allows(WINDOW + 10)


def test_a_call_asks_one_more_at_most_and_only_who_is_well(line: tuple[Candidate, ...]) -> None:
    """Case 34: none to somebody who rests or is being probed, and never a second."""
    hedges = Hedges(clock=lambda: 0.0)
    for _ in range(200):
        hedges.begin(line[0], "whole")
    ill = Hedge(hedges, line, "whole", is_well=lambda _candidate: False)
    assert not ill.allows(line[1])
    well = Hedge(hedges, line, "whole", is_well=lambda _candidate: True)
    assert [well.allows(line[1]), well.allows(line[1])] == [True, False]


# -- ten thousand calls in virtual time


@dataclass(eq=False)
class Errand:
    """One that answers after a drawn time."""

    candidate: Candidate
    seconds: float

    def run(self) -> Attempt[Candidate, float]:
        raise NotImplementedError

    async def arun(self) -> Attempt[Candidate, float]:
        await asyncio.sleep(self.seconds)
        return Attempt(self.candidate, self.seconds, seconds=self.seconds)

    def abort(self) -> None:
        """The task that waits is cancelled."""


@dataclass
class Tally:
    """What came of many calls."""

    took: list[float]
    requests: list[int]

    def percentile(self, share: float) -> float:
        return sorted(self.took)[int(len(self.took) * share)]

    @property
    def extra(self) -> float:
        return sum(self.requests) / len(self.requests) - 1


def many_calls(
    line: tuple[Candidate, ...], latency: Latency, monkeypatch: pytest.MonkeyPatch, *, calls: int, hedged: bool = True
) -> Tally:
    """Call after call, one a tenth of a second after the other, in virtual time."""
    tally = Tally([], [])

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(drive, "time", SimpleNamespace(monotonic=loop.time))
        hedges = Hedges(clock=loop.time)
        for _ in range(calls):
            began, sent = loop.time(), [0]

            def begin(candidate: Candidate, _wave: Wave[Candidate, float], sent: list[int] = sent) -> Errand:
                errand = Errand(candidate, latency())
                ask = errand.arun

                async def counted() -> Attempt[Candidate, float]:
                    sent[0] += 1
                    return await ask()

                errand.arun = counted  # type: ignore[method-assign]
                return errand

            hedge = Hedge(hedges, line, "whole", is_well=lambda _candidate: True)
            rules: Rules[Candidate, float] = (
                Rules(stagger=hedge.wait, hedges=hedge.allows) if hedged else Rules(stagger=1e6)
            )
            await drive.adrive(hedge.learning(race(line, rules)), begin)
            tally.took.append(loop.time() - began)
            tally.requests.append(sent[0])
            await asyncio.sleep(0.1)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(all_of_them())
    monkeypatch.undo()
    return tally


def with_a_tail(draw: random.Random) -> Latency:
    """Three of a hundred answers take forty times as long as the others."""
    return lambda: draw.lognormvariate(-1.0, 0.25) * (40 if draw.random() < 0.03 else 1)


def test_a_learned_hedge_cuts_the_tail_for_one_extra_request_in_twenty(
    line: tuple[Candidate, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 34: over 10,000 calls between 4 and 5 % extra requests; p99 from beyond 15 s to below 2 s."""
    alone = many_calls(line, with_a_tail(random.Random(34)), monkeypatch, calls=2_000, hedged=False)
    hedged = many_calls(line, with_a_tail(random.Random(34)), monkeypatch, calls=10_000)
    assert alone.extra == 0
    assert alone.percentile(0.99) > 15
    assert 0.04 <= hedged.extra <= 0.05
    assert hedged.percentile(0.99) < 2
    assert max(hedged.requests) == 2


def test_a_provider_that_slows_down_as_a_whole_is_not_sent_twice_as_much(
    line: tuple[Candidate, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 34: every answer takes ten times as long from one moment on: still 5 % at most."""
    draw, made = random.Random(35), [0]

    def slowing() -> float:
        made[0] += 1
        return draw.lognormvariate(-1.0, 0.25) * (10 if made[0] > 1_000 else 1)

    tally = many_calls(line, slowing, monkeypatch, calls=1_500)
    assert 0.02 < tally.extra <= 0.05


# -- at real servers


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen


def acquaint(registry: LLMRegistry, line: tuple[Candidate, ...]) -> None:
    """As after a hundred calls whose first member answered within 50 ms."""
    hedges = homes.user_of(registry).tenant.house.backstage.hedges
    for _ in range(100):
        for kind in ("whole", "stream"):
            hedges.begin(line[0], kind)
            hedges.took(line[0], kind, 0.05)


async def test_a_first_member_slower_than_usual_gets_company(
    provider: Provider, registry: LLMRegistry, line: tuple[Candidate, ...], asked: Asked
) -> None:
    """The second is asked 50 ms after the first, answers, and the first is left."""
    acquaint(registry, line)
    provider.script("hang_before_headers", model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger="p95")
    began = time.monotonic()
    assert await asked(handle)
    (slow,), (quick,) = provider.asked("gpt-4o"), provider.asked("openai/gpt-oss-20b")
    assert quick.at - began >= 0.05
    assert await asyncio.to_thread(provider.wait_until_gone, slow) is not None


async def test_without_any_calls_to_share_the_cost_a_silent_member_costs_its_share_of_time(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """The first call may cost nothing extra: the second member is asked once the first has used half of the time."""
    provider.script("hang_before_headers", model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger="p95", timeout=2.0)
    began = time.monotonic()
    assert await asked(handle)
    assert time.monotonic() - began >= 0.99
    assert [request.model for request in provider.requests] == ["gpt-4o", "openai/gpt-oss-20b"]


async def test_a_failure_is_followed_at_once_and_is_no_extra_request(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    provider.script("status_503", model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger="p95")
    with Stopwatch() as watch:
        assert await asked(handle)
    assert watch.seconds < UNKNOWN_WAIT


async def test_calls_of_a_hedged_handle_teach_it(provider: Provider, registry: LLMRegistry, asked: Asked) -> None:
    """After twenty calls the wait is no longer the unknown one; each of them cost one request."""
    provider.reply(Answer("Well."))
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger="p95")
    for _ in range(20):
        assert await asked(handle) == "Well."
    hedges, first = homes.user_of(registry).tenant.house.backstage.hedges, handle.line().candidates[0]
    assert min(hedges.begin(first, "whole"), hedges.begin(first, "stream")) < UNKNOWN_WAIT
    assert len(provider.requests) == 20


async def test_a_hedge_that_may_not_be_made_leaves_the_first_alone(provider: Provider, asked: Asked) -> None:
    """Case 34: where a refusal of ours stops the second, it is not sent, and the first answers in its own time."""
    keys: dict[str, Any] = {**homes.KEYS, "groq": lambda: ""}
    with homes.registry_on(provider, fallback_keys=keys) as registry:
        handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger="p95")
        acquaint(registry, handle.line().candidates)
        provider.reply(Answer("Slow but sure.", delay=0.3))
        assert await asked(handle) == "Slow but sure."
    assert [request.model for request in provider.requests] == ["gpt-4o"]


@pytest.mark.parametrize("stagger", ["p50", "", -1.0, True])
def test_a_stagger_that_means_nothing_is_refused(registry: LLMRegistry, stagger: object) -> None:
    with pytest.raises(ConfigError, match=r"stagger must be a positive number, or 'p95', not"):
        homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", stagger=stagger)
