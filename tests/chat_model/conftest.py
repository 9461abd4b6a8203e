"""A registry on one loopback server, and its user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langchain_lucky_models import LLMRegistry, UserModels
from tests import homes
from tests.loopback import Provider

Asking = Callable[[Runnable[str, AIMessage]], Awaitable[AIMessage]]


@pytest.fixture
async def registry(provider: Provider) -> AsyncIterator[LLMRegistry]:
    """A registry whose every provider is the one server; closed in the tests' loop, so that nothing is left there."""
    async with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture
def user(registry: LLMRegistry) -> UserModels:
    """A user for whom the house pays."""
    return homes.user_of(registry)


async def _invoke(model: Runnable[str, AIMessage]) -> AIMessage:
    return model.invoke("hi")


async def _ainvoke(model: Runnable[str, AIMessage]) -> AIMessage:
    return await model.ainvoke("hi")


async def _stream(model: Runnable[str, AIMessage]) -> AIMessage:
    return _joined(list(model.stream("hi")))


async def _astream(model: Runnable[str, AIMessage]) -> AIMessage:
    return _joined([chunk async for chunk in model.astream("hi")])


def _joined(chunks: list[AIMessage]) -> AIMessage:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk  # type: ignore[assignment]
    return whole


@pytest.fixture(params=[_invoke, _ainvoke, _stream, _astream], ids=lambda way: way.__name__.strip("_"))
def ask(request: pytest.FixtureRequest) -> Asking:
    """Every way to ask; all give one whole message."""
    way: Asking = request.param
    return way
