"""A crowded process is nobody else's illness: calls that had no turn here say nothing about who was to be asked."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from langchain_lucky_models import LLMRegistry, errors
from langchain_lucky_models.asking import errands
from langchain_lucky_models.wire.async_lines import AsyncLine
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.resolving import Destination
from langchain_lucky_models.wire.scope import CallScope
from tests import homes
from tests.loopback import Answer, Provider

WORDS = "one two three four five six seven eight nine ten"


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.mark.parametrize("streams", [100, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_a_crowd_of_streams_is_answered_word_for_word(
    provider: Provider, registry: LLMRegistry, streams: int
) -> None:
    """All at once on one loop, each of ten words over half a second: all whole, and the provider is well."""
    provider.reply(Answer(WORDS, pace=0.05))
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0, first_token_timeout=300)

    async def read() -> str:
        return "".join([chunk.text async for chunk in handle.astream("Hi")])

    assert await asyncio.gather(*(read() for _ in range(streams))) == [WORDS] * streams
    assert len(provider.requests) == streams
    assert registry.health()["openai"].status == "healthy"


async def busy(seconds: float) -> None:
    """Keep the loop from everybody else for so long in each of its turns."""
    while True:
        time.sleep(seconds)  # noqa: ASYNC251 - that is the point
        await asyncio.sleep(0)


async def test_calls_whose_time_is_over_before_their_turn_comes_make_nobody_ill(
    provider: Provider, registry: LLMRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten calls of a loop that stands still: all too late, nothing was sent, and the next one is answered."""
    monkeypatch.setattr(errands, "SHORTEST_PATIENCE", 0.0)  # these callers would be patient enough
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0, timeout=0.05)
    crowd = asyncio.ensure_future(busy(0.06))
    for _ in range(10):
        with pytest.raises(errors.DeadlineExceededError):
            await handle.ainvoke("Hi")
    crowd.cancel()
    assert provider.requests == []
    assert registry.health()["openai"].status == "healthy"
    assert (await handle.ainvoke("Hi", timeout=30)).text


async def test_calls_that_a_silent_server_keeps_waiting_make_it_ill(provider: Provider, registry: LLMRegistry) -> None:
    """Calls that were sent: five are enough."""
    provider.script("hang_before_headers")
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0, timeout=1.5)
    calls = await asyncio.gather(*(handle.ainvoke("Hi") for _ in range(5)), return_exceptions=True)
    assert {type(came) for came in calls} == {errors.DeadlineExceededError}
    with pytest.raises(errors.CircuitOpenError):
        await handle.ainvoke("Hi")


async def test_a_server_that_lets_nobody_in_is_ill(provider: Provider) -> None:
    """Nothing was sent, yet it is the server that was waited for: its backlog is full, its endpoint rests."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)  # noqa: FBT003 - the socket's own signature
            one.connect_ex(full.getsockname())
        box = {"mybox": {"kind": "vllm", "base_url": f"http://127.0.0.1:{full.getsockname()[1]}/v1"}}
        with homes.registry_on(provider, providers=box) as registry:
            handle = homes.user_of(registry, models=["mybox#m"]).model("mybox#m", max_retries=0, timeout=1.0)
            calls = await asyncio.gather(*(handle.ainvoke("Hi") for _ in range(5)), return_exceptions=True)
            assert {type(came) for came in calls} == {errors.DeadlineExceededError}
            assert registry.health()["mybox"].models["m"].status == "down"


@pytest.mark.parametrize("stands", [True, False])
async def test_a_connection_that_stands_was_made_in_time_whenever_the_loop_notices(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, *, stands: bool
) -> None:
    """A loop that never hears of a connection asks the socket; one that does not stand is the server's affair."""
    host, _, port = provider.url.removeprefix("http://").partition(":")
    scope = CallScope(deadline=time.monotonic() + 30)
    line = AsyncLine(Destination(socket.AF_INET, (host, int(port))), scope, WireLimits())

    async def unheard(sock: socket.socket, address: tuple[str, int]) -> None:
        if stands:
            sock.setblocking(True)  # noqa: FBT003 - the socket's own signature
            sock.connect(address)
            sock.setblocking(False)  # noqa: FBT003 - as above
        await asyncio.sleep(30)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", unheard)
    try:
        with nullcontext() if stands else pytest.raises(TimeoutError):
            await line.connect(0.05)
        assert scope.tried is not stands
    finally:
        line.close()
