"""`max_concurrency`: so many calls at once to a provider, whoever makes them, in the order in which they came."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models import LLMRegistry, errors
from langchain_lucky_models.asking.seats import Room, Seat
from tests.clocks import Stopwatch
from tests.homes import GROQ, KEYS, OPENAI, registry_on, user_of
from tests.loopback import Answer, Provider
from tests.loopback.exchange import Exchange, answer_whole

SLOW = Answer(text="one two three four five six", pace=0.05)


class Crowd:
    """A behaviour that answers after a moment and counts who is with it.

    Args:
        seconds: The moment.
        wanted: So many must have met before the first is answered, however slowly they come.
    """

    def __init__(self, seconds: float, wanted: int = 1) -> None:
        self.seconds = seconds
        self.inside = 0
        self.most = 0
        self._wanted = wanted
        self._met = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside >= self._wanted:
            self._met.set()
        try:
            async with asyncio.timeout(60):
                await self._met.wait()
            await asyncio.sleep(self.seconds)
            await answer_whole(exchange)
        finally:
            self.inside -= 1


def narrow(server: Provider, seats: int, **more: object) -> LLMRegistry:
    """A registry that sends OpenAI so many calls at once."""
    providers = {name: {"base_url": server.base_urls[name]} for name in KEYS}
    return registry_on(server, providers={**providers, "openai": {**providers["openai"], "max_concurrency": seats}})


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    """A registry with one seat."""
    with narrow(provider, 1) as found:
        yield found


def all_of_it(stream: Iterator[object]) -> None:
    for _ in stream:
        pass


def a_part_of_it(stream: Iterator[object]) -> None:
    next(stream)
    stream.close()  # type: ignore[attr-defined]


def line_up(room: Room, many: int) -> list[Seat]:
    return [room.line_up(threading.Event()) for _ in range(many)]


def test_seats_are_handed_on_in_the_order_they_were_asked_for() -> None:
    room = Room(2)
    seats = line_up(room, 5)
    assert [seat.taken for seat in seats] == [True, True, False, False, False]
    seats[1].leave()
    assert [seat.taken for seat in seats] == [True, False, True, False, False]
    seats[0].leave()
    assert [seat.taken for seat in seats] == [False, False, True, True, False]


def test_whoever_stops_waiting_is_passed_over() -> None:
    room = Room(1)
    first, second, third = line_up(room, 3)
    second.leave()
    first.leave()
    assert (second.taken, third.taken) == (False, True)


def test_leaving_twice_frees_one_seat_only() -> None:
    room = Room(1)
    first, second, third = line_up(room, 3)
    first.leave()
    first.leave()
    assert (second.taken, third.taken) == (True, False)


@given(seats=st.integers(1, 4), moves=st.lists(st.integers(-1, 9), max_size=60))
def test_whatever_comes_and_goes_no_seat_stays_free_while_somebody_waits(seats: int, moves: list[int]) -> None:
    """A move of -1 joins the line; any other one lets somebody who sits or waits leave."""
    room = Room(seats)
    present: list[Seat] = []
    for move in moves:
        if move < 0 or not present:
            present.append(room.line_up(threading.Event()))
        else:
            present.pop(move % len(present)).leave()
        sitting = [seat for seat in present if seat.taken]
        assert len(sitting) == min(seats, len(present))
        assert sitting == present[: len(sitting)], "somebody overtook"


async def test_threads_and_tasks_together_never_exceed_the_limit(provider: Provider) -> None:
    """Twenty threads and twenty tasks at three seats: never more than three at the server, and all forty answered."""
    crowd = Crowd(0.01, wanted=3)
    provider.script(crowd)
    with narrow(provider, 3) as registry, ThreadPoolExecutor(20) as pool:
        model = user_of(registry).model(OPENAI)
        loop = asyncio.get_running_loop()
        threads = [loop.run_in_executor(pool, model.invoke, "hello") for _ in range(20)]
        answers = await asyncio.gather(*threads, *(model.ainvoke("hello") for _ in range(20)))
    assert (crowd.most, len(answers)) == (3, 40)


async def test_tasks_of_two_loops_share_the_seats(provider: Provider) -> None:
    crowd = Crowd(0.01)
    provider.script(crowd)
    with narrow(provider, 1) as registry:
        model = user_of(registry).model(OPENAI)

        async def several() -> None:
            await asyncio.gather(*(model.ainvoke("hello") for _ in range(5)))
            await registry.aclose()

        await asyncio.gather(asyncio.to_thread(lambda: asyncio.run(several())), several())
    assert (crowd.most, len(provider.requests)) == (1, 10)


def test_another_provider_is_not_held_up(provider: Provider, registry: LLMRegistry) -> None:
    provider.reply(SLOW, model="gpt-4o")
    user = user_of(registry)
    stream = user.model(OPENAI).stream("hello")
    next(stream)
    assert user.model(GROQ).invoke("hello").text
    a_part_of_it(stream)


def test_waiting_ends_with_the_calls_own_timeout(provider: Provider, registry: LLMRegistry) -> None:
    """A call that gets no seat in its 0.2 s says so, and the provider saw nothing of it."""
    provider.reply(SLOW)
    user = user_of(registry)
    stream = user.model(OPENAI).stream("hello")
    next(stream)
    began = time.monotonic()
    with (
        Stopwatch() as watch,
        pytest.raises(errors.LimitReachedError, match="max_concurrency lets 1 calls at once to openai"),
    ):
        user.model(OPENAI, timeout=0.2).invoke("hello")
    assert time.monotonic() - began > 0.15
    assert watch.seconds < 1.0
    assert len(provider.requests) == 1
    a_part_of_it(stream)


def test_a_wait_that_was_vain_moves_on_to_nobody(provider: Provider, registry: LLMRegistry) -> None:
    """It is our own limit: the next member of a fallback is not paid for it."""
    provider.reply(SLOW, model="gpt-4o")
    user = user_of(registry)
    stream = user.model(OPENAI).stream("hello")
    next(stream)
    with pytest.raises(errors.LimitReachedError):
        user.models(OPENAI, GROQ, timeout=0.2).invoke("hello")
    assert [request.model for request in provider.requests] == ["gpt-4o"]
    a_part_of_it(stream)


async def test_a_cancelled_waiter_frees_its_place(provider: Provider, registry: LLMRegistry) -> None:
    provider.reply(SLOW, times=1)
    model = user_of(registry).model(OPENAI)
    stream = model.astream("hello")
    await anext(stream)
    waiting = [asyncio.create_task(model.ainvoke("hello")) for _ in range(5)]
    await asyncio.sleep(0.02)
    for task in waiting[:4]:
        task.cancel()
    await asyncio.gather(*waiting[:4], return_exceptions=True)
    await stream.aclose()  # type: ignore[attr-defined]
    assert (await asyncio.wait_for(waiting[4], 30.0)).text
    assert len(provider.requests) == 2


@pytest.mark.parametrize("read", [all_of_it, a_part_of_it])
def test_a_stream_keeps_its_seat_until_it_ends_or_is_closed(
    provider: Provider, registry: LLMRegistry, read: Callable[[Iterator[object]], None]
) -> None:
    crowd = Crowd(0.0)
    provider.script(crowd)
    provider.reply(SLOW, times=1)
    model = user_of(registry).model(OPENAI)
    stream = model.stream("hello")
    next(stream)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(model.invoke, "hello")
        time.sleep(0.05)
        assert len(provider.requests) == 1
        read(stream)
        assert second.result(30.0).text


def test_a_stream_that_is_forgotten_leaves_its_seat(provider: Provider, registry: LLMRegistry) -> None:
    provider.reply(SLOW, times=1)
    model = user_of(registry).model(OPENAI, timeout=20)
    stream = model.stream("hello")
    next(stream)
    del stream
    gc.collect()
    assert model.invoke("hello").text


def test_a_failed_call_leaves_its_seat(provider: Provider, registry: LLMRegistry) -> None:
    provider.script("status_400", times=1)
    model = user_of(registry).model(OPENAI, timeout=20)
    with pytest.raises(errors.InvalidRequestError):
        model.invoke("hello")
    assert model.invoke("hello").text


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_racer_that_lost_in_the_line_leaves_it(provider: Provider, registry: LLMRegistry, mode: str) -> None:
    """OpenAI's only seat is taken, Groq wins: whoever comes next for OpenAI stands first."""
    provider.reply(SLOW, model="gpt-4o", times=1)
    user = user_of(registry)
    stream = user.model(OPENAI).stream("hello")
    next(stream)
    race = user.models(OPENAI, GROQ, strategy="race", timeout=5)
    answer = race.invoke("hello") if mode == "sync" else await race.ainvoke("hello")
    assert answer.response_metadata["lucky"]["ref"] == GROQ
    a_part_of_it(stream)
    assert user.model(OPENAI, timeout=20).invoke("hello").text
    assert [request.model for request in provider.requests].count("gpt-4o") == 2


def test_nobody_waits_in_line_for_a_member_that_rests(provider: Provider, registry: LLMRegistry) -> None:
    user = user_of(registry)
    provider.script("status_503", model="gpt-4o")
    for _ in range(5):
        with pytest.raises(errors.ProviderDownError):
            user.model(OPENAI, max_retries=0).invoke("hello")
    provider.reply(SLOW, model="gpt-4o-mini")
    stream = user.model("gpt-4o-mini").stream("hello")
    next(stream)
    with Stopwatch() as watch:
        assert user.models(OPENAI, GROQ).invoke("hello").response_metadata["lucky"]["ref"] == GROQ
    assert watch.seconds < 0.5
    a_part_of_it(stream)


def test_an_unlimited_provider_has_no_line(provider: Provider) -> None:
    crowd = Crowd(0.0, wanted=5)
    provider.script(crowd)
    with registry_on(provider) as registry, ThreadPoolExecutor(8) as pool:
        model = user_of(registry).model(OPENAI)
        list(pool.map(model.invoke, ["hello"] * 8))
    assert crowd.most > 4
