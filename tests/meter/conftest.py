"""Registries that keep books on one loopback server, in every kind of place; and what stands in their books."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel
from tests import homes
from tests.accounts import BACKENDS, place_for
from tests.loopback import Provider

Ask = Callable[[LuckyChatModel, str], Awaitable[str]]
Opening = Callable[..., LLMRegistry]
Row = dict[str, Any]


@pytest.fixture
def opened(provider: Provider) -> Iterator[Opening]:
    """Open registries on the one server; all are closed at the end."""
    registries: list[LLMRegistry] = []

    def opening(**settings: Any) -> LLMRegistry:
        registries.append(homes.registry_on(provider, **settings))
        return registries[-1]

    yield opening
    for registry in registries:
        registry.close()


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A fresh place for a ledger, of each kind."""
    return place_for(request.param, tmp_path)


def rows_of(registry: LLMRegistry) -> list[Row]:
    """Every record, oldest first."""
    return [orjson.loads(line) for line in registry._house.accounts.ledger.export()]


def held_by(registry: LLMRegistry) -> int:
    """What is still held, in picodollars, over all counters."""
    held = registry._house.accounts.ledger.read(
        lambda session: session.rows("SELECT COALESCE(SUM(held), 0) FROM lucky_slots")
    )
    return int(held[0][0])


def spent_by(registry: LLMRegistry) -> int:
    """What is spent, in picodollars, over all counters."""
    spent = registry._house.accounts.ledger.read(
        lambda session: session.rows("SELECT COALESCE(SUM(spent), 0) FROM lucky_slots")
    )
    return int(spent[0][0])


async def invoke(model: LuckyChatModel, text: str = "hi") -> str:
    """A whole answer, in this thread."""
    return str(model.invoke(text).text)


async def ainvoke(model: LuckyChatModel, text: str = "hi") -> str:
    """A whole answer, in a task."""
    return str((await model.ainvoke(text)).text)


async def stream(model: LuckyChatModel, text: str = "hi") -> str:
    """A stream read to its end, in this thread."""
    return "".join(chunk.text for chunk in model.stream(text))


async def astream(model: LuckyChatModel, text: str = "hi") -> str:
    """A stream read to its end, in a task."""
    return "".join([chunk.text async for chunk in model.astream(text)])


WAYS = (invoke, ainvoke, stream, astream)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Every way to ask."""
    way: Ask = request.param
    return way


@pytest.fixture(params=(invoke, astream), ids=lambda way: way.__name__)
def either(request: pytest.FixtureRequest) -> Ask:
    """One way that waits in a thread, and one that waits in a task."""
    way: Ask = request.param
    return way


async def leave_early(model: LuckyChatModel, *, sync: bool) -> None:
    """Read the first content of a stream, and go."""
    if sync:
        with closing(model.stream("hi")) as chunks:  # type: ignore[type-var]
            next(chunk for chunk in chunks if chunk.text)
        return
    async with aclosing(_read(model)) as chunks:
        async for chunk in chunks:
            if chunk:
                return


async def _read(model: LuckyChatModel) -> AsyncGenerator[str]:
    async with aclosing(model.astream("hi")) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            yield str(chunk.text)


def wait_until_asked(server: Provider, times: int = 1, within: float = 30.0) -> None:
    """Wait until a provider has so many requests."""
    wait_until(lambda: len(server.requests) >= times, within)


def wait_until(condition: Callable[[], bool], within: float = 30.0) -> None:
    """Wait until something is true; whoever asks checks whether it is."""
    until = time.monotonic() + within
    while not condition() and time.monotonic() < until:
        time.sleep(0.002)
