"""Streams are tried as streams, and compared by what they come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableParallel

from langchain_lucky_models import LuckyChatModel, UserModels
from langchain_lucky_models.rollout.paths import Streamed
from tests.homes import MINI, OPENAI, user_of
from tests.loopback import Provider
from tests.rollout.homes import NAME, shadowed

Make = Callable[[LuckyChatModel], Runnable[Any, Any]]


def letters(texts: Iterator[Any]) -> Iterator[str]:
    for text in texts:
        yield from str(text.content)


async def aletters(texts: AsyncIterator[Any]) -> AsyncIterator[str]:
    async for text in texts:
        for letter in str(text.content):
            yield letter


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


CHAINS: dict[str, Make] = {
    "messages": lambda model: model,
    "texts": lambda model: model | StrOutputParser(),
    "letters": lambda model: model | RunnableGenerator(letters, aletters),
    "growing values": lambda model: model | RunnableLambda(lambda _: AIMessage('{"a": [1, 2]}')) | JsonOutputParser(),
    "parts of a mapping": lambda model: RunnableParallel(one=model | StrOutputParser(), two=lambda _: "two"),
}
MODES = [None, "values", "updates", "messages", ["updates", "messages"]]


def streamed(user: UserModels, make: Make) -> Any:
    both = (make(user.model(ref)) for ref in (OPENAI, MINI))
    return dict(zip(("old", "new"), both, strict=True))


@pytest.mark.parametrize("kind", CHAINS)
async def test_every_kind_of_stream_is_compared(kind: str, provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        chain = rollout.runnable(**streamed(user_of(registry), CHAINS[kind]), user_id="ada")
        whole = list(chain.stream("hi"))
        assert [chunk async for chunk in chain.astream("hi")]
        assert await rollout.await_shadows(30)
        rows = rollout.report().rows
    assert [row.verdict for row in rows] == ["same", "same"]
    assert len(whole) > 1 or kind == "growing values"
    assert b'"stream":true' in provider.asked("gpt-4o-mini")[0].body.replace(b" ", b"")


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_every_stream_of_an_agent_is_compared_by_its_last_message(mode: Any, provider: Provider) -> None:
    """Ids, times and metadata are never the same."""
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        agents = streamed(user_of(registry), lambda model: create_agent(model, [add]))
        chain = rollout.runnable(**agents, user_id="ada")
        asked = {"messages": [("human", "What is 1 + 1?")]}
        assert list(chain.stream(asked, stream_mode=mode))
        assert [chunk async for chunk in chain.astream(asked, stream_mode=mode)]
        assert await rollout.await_shadows(30)
        rows = rollout.report().rows
    assert [row.verdict for row in rows] == ["same", "same"]
    assert {row.new_text for row in rows} == {"Hello from the loopback model."}


def test_of_messages_in_one_stream_the_last_counts() -> None:
    """As a graph streams them, with subgraphs and without, in one mode and in several."""
    chunks = [
        AIMessageChunk(content=text, id=name) for text, name in (("Let me ", "1"), ("It is ", "2"), ("Bonn.", "2"))
    ]
    for wrapped in (
        [(chunk, {"step": 1}) for chunk in chunks],
        [("messages", (chunk, {"step": 1})) for chunk in chunks],
        [(("sub",), "messages", (chunk, {"step": 1})) for chunk in chunks],
    ):
        whole: Any = Streamed(wrapped).whole()
        assert [message.text for message in whole["messages"]] == ["It is Bonn."]


def test_a_stream_of_nothing_says_nothing() -> None:
    assert Streamed([]).whole() == ""
