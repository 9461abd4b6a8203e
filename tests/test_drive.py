"""Plans are carried out in threads and on the loop alike: one verdict, losers ended, nothing left running."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_lucky_models.drive import Pauses, adrive, drive
from langchain_lucky_models.strategies import STRATEGIES, Attempt, Plan, Rules, Verdict, Wave, fallback, race
from tests.clocks import Stopwatch

Behaviour = Literal["answers", "fails", "hangs", "rests"]
Try = Attempt[str, str]
SECONDS = 0.02


@dataclass(eq=False)
class Errand:
    """One that behaves as its candidate's name says: `hangs-2`, `answers-1`. It ends when it is aborted."""

    candidate: str
    wave: Wave[str, str]
    aborted: threading.Event = field(default_factory=threading.Event)
    ends: int = 0
    started_at: float = 0.0
    aborted_at: float = 0.0

    def run(self) -> Try:
        self.started_at = time.monotonic()
        if self.behaviour == "hangs":
            assert self.aborted.wait(60)
        return self.outcome()

    async def arun(self) -> Try:
        self.started_at = time.monotonic()
        try:
            while self.behaviour == "hangs" and not self.aborted.is_set():  # noqa: ASYNC110 - a thread sets it
                await asyncio.sleep(SECONDS / 10)
        except asyncio.CancelledError:
            self.ends += 1
            raise
        return self.outcome()

    @property
    def behaviour(self) -> str:
        return self.candidate.partition("-")[0]

    def outcome(self) -> Try:
        self.ends += 1
        if self.behaviour == "fails":
            return Attempt(self.candidate, error=ValueError("no"), outcome="failed")
        if self.behaviour == "rests":
            return Attempt(self.candidate, error=ValueError("rests"), outcome="skipped")
        if self.aborted.is_set():
            return Attempt(self.candidate, outcome="cancelled")
        return Attempt(self.candidate, answer=self.candidate)

    def abort(self) -> None:
        self.aborted_at = self.aborted_at or time.monotonic()
        self.aborted.set()


class Field:
    """Makes errands, and keeps every one."""

    def __init__(self) -> None:
        self.errands: list[Errand] = []

    def begin(self, candidate: str, wave: Wave[str, str]) -> Errand:
        self.errands.append(Errand(candidate, wave))
        return self.errands[-1]

    @property
    def started(self) -> list[Errand]:
        return [errand for errand in self.errands if errand.started_at]


Carry = Callable[[Plan[str, str], Field, Pauses], Awaitable[Verdict[str, str]]]


async def in_threads(plan: Plan[str, str], ground: Field, pauses: Pauses) -> Verdict[str, str]:
    return await asyncio.to_thread(drive, plan, ground.begin, pauses)


async def on_the_loop(plan: Plan[str, str], ground: Field, pauses: Pauses) -> Verdict[str, str]:
    return await adrive(plan, ground.begin, pauses)


@pytest.fixture(params=[in_threads, on_the_loop])
def carry(request: pytest.FixtureRequest) -> Carry:
    """Both drivers."""
    chosen: Carry = request.param
    return chosen


def attempts_running() -> int:
    return sum(thread.name == "lucky-attempt" for thread in threading.enumerate())


async def settle() -> None:
    """Wait until cancelled attempts have noticed."""
    until = time.monotonic() + 60
    while attempts_running() and time.monotonic() < until:  # noqa: ASYNC110 - threads end without telling
        await asyncio.sleep(0.001)


async def test_the_winner_returns_though_a_loser_would_hang_for_ever(carry: Carry) -> None:
    """Cases 30 and 31: the loser is aborted, and ends within 100 ms of the winner's answer."""
    ground, began = Field(), time.monotonic()
    with Stopwatch() as watch:
        verdict = await carry(race(["hangs-1", "answers-2"], Rules()), ground, Pauses())
    assert verdict.winner is not None
    assert verdict.winner.candidate == "answers-2"
    assert watch.seconds < 0.3
    await settle()
    loser = ground.errands[0]
    assert loser.aborted_at - began < 0.1 + watch.late
    assert loser.ends == 1
    assert [(attempt.candidate, attempt.outcome) for attempt in verdict.attempts][1] == ("hangs-1", "cancelled")


async def test_a_hundred_races_leave_no_thread_and_no_task(carry: Carry) -> None:
    """Case 30: threads and tasks are as many as before."""
    tasks, threads = len(asyncio.all_tasks()), attempts_running()
    for _ in range(100):
        await carry(race(["hangs-1", "answers-2", "hangs-3"], Rules()), Field(), Pauses())
    await settle()
    assert (len(asyncio.all_tasks()), attempts_running()) == (tasks, threads)


async def test_a_hedge_starts_after_its_delay_and_not_before(carry: Carry) -> None:
    """Case 34: the second is asked once the first has been silent for `stagger`."""
    ground = Field()
    with Stopwatch() as watch:
        verdict = await carry(race(["hangs-1", "answers-2"], Rules(stagger=SECONDS)), ground, Pauses())
    assert verdict.winner is not None
    delay = ground.errands[1].started_at - ground.errands[0].started_at
    assert SECONDS * 0.9 <= delay < SECONDS + 0.2 + watch.late


async def test_an_answer_in_time_needs_no_hedge(carry: Carry) -> None:
    """Case 34: no extra request where the first answers before its delay is over."""
    ground = Field()
    await carry(race(["answers-1", "answers-2"], Rules(stagger=60.0)), ground, Pauses())
    assert [errand.candidate for errand in ground.started] == ["answers-1"]


@pytest.mark.parametrize("begin", ["fails-1", "rests-1"])
async def test_a_failure_starts_the_next_at_once(carry: Carry, begin: str) -> None:
    """Case 34: neither a failure nor a rest keeps the hedge waiting."""
    ground = Field()
    with Stopwatch() as watch:
        verdict = await carry(race([begin, "answers-2"], Rules(stagger=60.0)), ground, Pauses())
    assert verdict.winner is not None
    assert watch.seconds < 1


async def test_pauses_are_taken_from_whoever_passes_them_in(carry: Carry) -> None:
    """A retry waits as long as its plan says, by the clock that was given."""
    slept: list[float] = []

    async def asleep(seconds: float) -> None:
        slept.append(seconds)

    rules: Rules[str, str] = Rules(pause=lambda _e, _c, made: float(made), most_attempts=3)
    ground = Field()
    await carry(fallback(["fails-1"], rules), ground, Pauses(slept.append, asleep))
    assert slept == [1.0, 2.0]
    assert [errand.wave.again for errand in ground.errands] == [False, True, True]


PLACE: ContextVar[str] = ContextVar("place", default="nowhere")


async def test_attempts_run_in_the_callers_context(carry: Carry) -> None:
    """Tracing and usage counting find their context in every attempt of a race."""
    seen: list[str] = []

    class Looking(Field):
        def begin(self, candidate: str, wave: Wave[str, str]) -> Errand:
            errand = super().begin(candidate, wave)
            answer = errand.outcome

            def looking() -> Try:
                seen.append(PLACE.get())
                return answer()

            errand.outcome = looking  # type: ignore[method-assign]
            return errand

    token = PLACE.set("here")
    try:
        await carry(race(["fails-1", "fails-2"], Rules()), Looking(), Pauses())
    finally:
        PLACE.reset(token)
    assert seen == ["here", "here"]


class Interrupted(BaseException):
    """What must pass through whoever it meets."""


@pytest.mark.parametrize("strategy", ["fallback", "race", "consensus"])
async def test_what_is_no_failure_passes_and_ends_the_others(carry: Carry, strategy: str) -> None:
    """`KeyboardInterrupt` and its like end the call as they are, and nobody goes on asking."""

    class Breaking(Field):
        def begin(self, candidate: str, wave: Wave[str, str]) -> Errand:
            errand = super().begin(candidate, wave)
            if candidate == "answers-1":
                errand.outcome = broken  # type: ignore[method-assign]
            return errand

    def broken() -> Try:
        raise Interrupted

    ground = Breaking()
    with pytest.raises(Interrupted):
        await carry(STRATEGIES[strategy](["answers-1", "hangs-2", "hangs-3"], Rules()), ground, Pauses())
    await settle()
    assert all(errand.aborted.is_set() for errand in ground.started[1:])
    assert attempts_running() == 0


async def test_a_cancelled_call_cancels_its_attempts() -> None:
    """Case 36: cancelled at any moment, a call ends with `CancelledError`, and every attempt with it."""
    for moment in range(40):
        ground = Field()
        call = asyncio.create_task(adrive(race(["hangs-1", "hangs-2"], Rules(stagger=0.002)), ground.begin))
        await asyncio.sleep(moment / 8000)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [errand.ends for errand in ground.started] == [1] * len(ground.started)


BEHAVIOURS: st.SearchStrategy[list[Behaviour]] = st.lists(
    st.sampled_from(["answers", "fails", "hangs", "rests"]), min_size=1, max_size=5
)


@settings(max_examples=150, deadline=None)
@given(BEHAVIOURS, st.sampled_from(sorted(STRATEGIES)))
async def test_any_pattern_ends_in_one_verdict_and_every_attempt_once(behaviours: list[Behaviour], name: str) -> None:
    """Whatever members do, each started attempt ends once and stands once in the verdict, the same both ways."""
    if not _comes_to_an_end(behaviours, name):
        return
    candidates = [f"{behaviour}-{place}" for place, behaviour in enumerate(behaviours)]
    won: list[bool] = []
    for carry in (in_threads, on_the_loop):
        ground = Field()
        verdict = await carry(STRATEGIES[name](candidates, Rules()), ground, Pauses())
        await settle()
        assert [errand.ends for errand in ground.started] == [1] * len(ground.started)
        told = Counter(attempt.candidate for attempt in verdict.attempts)
        assert told == Counter(errand.candidate for errand in ground.started)
        won.append(verdict.winner is not None)
    assert won[0] == won[1]
    assert attempts_running() == 0


def _comes_to_an_end(behaviours: list[Behaviour], name: str) -> bool:
    """Whether somebody decides; without a deadline a plan that waits for whoever hangs waits for ever."""
    if name in ("first", "fallback"):
        reached = behaviours[:1] if name == "first" else behaviours
        ends = next((one for one in reached if one in ("answers", "hangs")), "fails")
        return ends != "hangs"
    if name == "race":
        return "answers" in behaviours or "hangs" not in behaviours
    return "hangs" not in behaviours
