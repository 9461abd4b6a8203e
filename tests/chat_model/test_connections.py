"""Handles outlive event loops, threads and keys; time is counted in seconds; nothing is fetched to count tokens."""

from __future__ import annotations

import asyncio
import contextvars
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel, UserModels, errors
from tests import homes
from tests.chat_model.conftest import Asking
from tests.clocks import Stopwatch
from tests.loopback import Provider

HELLO = "Hello from the loopback model."


async def both(handle: LuckyChatModel) -> list[str]:
    """An answer and a stream, as text."""
    answer = await handle.ainvoke("hi")
    streamed = [chunk.text async for chunk in handle.astream("hi")]
    return [answer.text, "".join(streamed)]


@pytest.mark.parametrize("name", homes.EVERY)
def test_a_handle_outlives_six_event_loops(user: UserModels, name: str) -> None:
    """T1: with bare partners every second `asyncio.run` fails: "Event loop is closed". Here none of 6 does."""
    handle = user.model(name)
    with ThreadPoolExecutor(1) as other:  # the tests' own loop lives in this thread
        for _ in range(6):
            assert other.submit(asyncio.run, both(handle)).result() == [HELLO, HELLO]


def test_four_threads_with_loops_of_their_own_share_a_handle(user: UserModels) -> None:
    """T1: 29 of 80 such calls fail with bare partners; 0 of 80 here."""
    handle = user.models(homes.OPENAI, homes.GROQ, strategy="race")

    async def twenty() -> list[str]:
        return [(await handle.ainvoke("hi")).text for _ in range(20)]

    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(asyncio.run, twenty()) for _ in range(4)]
        assert [text for result in results for text in result.result()] == [HELLO] * 80


@pytest.mark.parametrize("name", homes.EVERY)
async def test_a_timeout_is_seconds_everywhere(provider: Provider, user: UserModels, ask: Asking, name: str) -> None:
    """T15: one partner counts in milliseconds, another retries for 150 s; 0.3 is 0.3 s, from each, in every way."""
    provider.script("hang_before_headers")
    handle = user.model(name, timeout=0.3)
    handle.members()  # a partner's import is no part of a call
    began = time.monotonic()
    with Stopwatch() as watch, pytest.raises(errors.DeadlineExceededError):
        await ask(handle)
    assert time.monotonic() - began >= 0.28
    assert watch.seconds < 1.5


async def test_a_timeout_may_be_given_to_the_call(provider: Provider, user: UserModels, ask: Asking) -> None:
    """T15: our own keywords work where a call is bound, too."""
    provider.script("hang_after_headers")
    handle = user.model(homes.OPENAI)
    handle.members()
    with Stopwatch() as watch, pytest.raises(errors.DeadlineExceededError):
        await ask(handle.bind(timeout=0.3))
    assert watch.seconds < 1.5


@pytest.mark.parametrize("name", homes.EVERY)
def test_tokens_are_counted_without_a_network(user: UserModels, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """T16: one partner wants `transformers`, another downloads its table; where neither is at hand, roughly."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    handle = user.model(name)
    assert 1 <= handle.get_num_tokens("hello there, how are you?") <= 20


def test_an_asynchronous_key_serves_synchronous_calls(provider: Provider, registry: LLMRegistry) -> None:
    """T17: a partner with a coroutine function for a key cannot be asked in sync."""

    async def key() -> str:
        return "sk-of-ada-0123456789"

    user = homes.user_of(registry, mode="byok", api_keys={"openai": key}, models=[homes.OPENAI])
    assert user.model(homes.OPENAI).invoke("hi").text == HELLO
    assert provider.keys_seen() == {"sk-of-ada-0123456789"}


async def test_a_key_function_sees_the_callers_context(provider: Provider, registry: LLMRegistry) -> None:
    """T17: a partner asks it in another thread, where the context is lost and the default key is sent."""
    who = contextvars.ContextVar("who", default="nobody")
    user = homes.user_of(
        registry, mode="byok", api_keys={"openai": lambda: f"sk-of-{who.get()}-0123456789"}, models=[homes.OPENAI]
    )
    handle = user.model(homes.OPENAI)
    who.set("ada")
    await handle.ainvoke("hi")
    who.set("bob")
    handle.invoke("hi")
    assert [request.key for request in provider.requests] == ["sk-of-ada-0123456789", "sk-of-bob-0123456789"]


async def test_a_rotated_key_is_in_the_very_next_request(
    provider: Provider, registry: LLMRegistry, ask: Asking
) -> None:
    """T17: nothing remembers yesterday's key."""
    current = {"key": "sk-yesterday-0123456789"}
    user = homes.user_of(registry, mode="byok", api_keys={"openai": lambda: current["key"]}, models=[homes.OPENAI])
    handle = user.model(homes.OPENAI)
    await ask(handle)
    current["key"] = "sk-today-0123456789"
    await ask(handle)
    assert [request.key for request in provider.requests] == ["sk-yesterday-0123456789", "sk-today-0123456789"]


def test_many_addresses_share_the_same_clients(provider: Provider, registry: LLMRegistry) -> None:
    """T18, T19: above 128 addresses ChatOpenAI builds 39 ms and 1.7 MB of client each; 200 users here share one."""
    clients = set()
    for place in range(200):
        user = homes.user_of(registry, f"user-{place}", models=[homes.OPENAI])
        (member,) = user.model(homes.OPENAI, user=f"u{place}").members()
        clients.add(member.partner.root_client._client)  # type: ignore[attr-defined]
    assert len(clients) == 1
    assert isinstance(clients.pop(), httpx2.Client)


def test_making_handles_builds_no_member(user: UserModels) -> None:
    """T18: a thousand handles that nobody asks cost a thousand small objects."""
    handles = [user.model(homes.OPENAI, temperature=place / 1000) for place in range(1000)]
    pool = user.tenant.house.pool
    assert len(pool._members) == 0
    handles[7].invoke("hi")
    assert len(pool._members) == 1
