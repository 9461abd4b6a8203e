"""Paths that can only be awaited: they are tried in the loop they belong to, after the user's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableParallel
from langchain_core.tools import StructuredTool
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from langchain_lucky_models.rollout.paths import only_awaited
from tests.loopback import Provider
from tests.rollout.homes import NAME, shadowed


class State(TypedDict):
    text: str


def shouted(text: str) -> str:
    return text.upper()


async def ashouted(text: str) -> str:
    return text.upper()


async def pieces(texts: AsyncIterator[str]) -> AsyncIterator[str]:
    async for text in texts:
        yield text.upper()


def node(state: State) -> State:
    return {"text": state["text"].upper()}


async def anode(state: State) -> State:
    return node(state)


def graph_of(*nodes: Any) -> Runnable[Any, Any]:
    graph = StateGraph(State)
    names = [START, *(f"node {number}" for number in range(len(nodes))), END]
    for name, each in zip(names[1:], nodes, strict=False):
        graph.add_node(name, each)
    for one, other in pairwise(names):
        graph.add_edge(one, other)
    return graph.compile()


TOOL, LATER_TOOL = (
    StructuredTool.from_function(func=func, coroutine=coroutine, name="shout", description="Shouts.")
    for func, coroutine in ((shouted, ashouted), (None, ashouted))
)
HERE: dict[str, Callable[[], object]] = {
    "an async function": lambda: ashouted,
    "an async lambda": lambda: RunnableLambda(ashouted),
    "a step of a chain": lambda: RunnableLambda(shouted) | RunnableLambda(ashouted) | shouted,
    "a branch": lambda: RunnableParallel(one=shouted, other=RunnableLambda(shouted) | ashouted),
    "a generator": lambda: RunnableGenerator(pieces),
    "with retries": lambda: RunnableLambda(ashouted).with_retry(),
    "a fallback": lambda: RunnableLambda(shouted).with_fallbacks([RunnableLambda(ashouted)]),
    "a tool": lambda: LATER_TOOL,
    "a node of a graph": lambda: graph_of(node, anode),
    "a graph in a graph": lambda: graph_of(node, graph_of(anode)),
}
ANYWHERE: dict[str, Callable[[], object]] = {
    "a function": lambda: shouted,
    "a chain": lambda: RunnableLambda(shouted) | RunnableLambda(shouted, ashouted),
    "a model": lambda: FakeListChatModel(responses=["hi"]) | RunnableLambda(str),
    "a tool": lambda: TOOL,
    "a graph": lambda: graph_of(node, graph_of(node)),
}


@pytest.mark.parametrize("kind", HERE)
def test_what_can_only_be_awaited_is_known_beforehand(kind: str) -> None:
    assert only_awaited(HERE[kind]())


@pytest.mark.parametrize("kind", ANYWHERE)
def test_what_can_be_called_is_not_awaited(kind: str) -> None:
    assert not only_awaited(ANYWHERE[kind]())


async def test_chains_and_graphs_with_async_parts_are_compared(provider: Provider) -> None:
    """As tools that come from a server are: they have no other form."""
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        await rollout.runnable(old=shouted, new=RunnableLambda(shouted) | ashouted, user_id="ada").ainvoke("hi")
        graphs = rollout.runnable(old=graph_of(node), new=graph_of(anode), user_id="ada")
        await graphs.ainvoke({"text": "hi"})
        assert [chunk async for chunk in graphs.astream({"text": "hi"})]
        await rollout.acall("ada", graph_of(node), graph_of(anode), {"text": "hi"})
        assert await rollout.await_shadows(30)
        verdicts = [row.verdict for row in rollout.report().rows]
    assert [verdicts[0], verdicts[1], verdicts[3]] == ["same"] * 3
    assert len(verdicts) == 4


def test_asked_without_a_loop_they_fail_as_they_would_have_failed(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call("ada", shouted, ashouted, "hi") == "HI"
        assert rollout.runnable(old=shouted, new=RunnableLambda(ashouted), user_id="ada").invoke("hi") == "HI"
        assert rollout.wait(30)
        rows = rollout.report().rows
    assert [(row.verdict, row.new_error) for row in rows] == [("new failed", "TypeError")] * 2


async def test_whoever_waits_for_the_answer_has_it_before_the_new_path_takes_a_turn(provider: Provider) -> None:
    order: list[str] = []

    async def new(text: str) -> str:
        order.append("new")
        return text

    async def deep(levels: int) -> str:
        """A web framework's way back to its socket: tasks that wait for tasks."""
        if levels:
            return await asyncio.create_task(deep(levels - 1))
        return str(await rollout.acall("ada", shouted, new, "hi"))

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        order.append(await deep(10))
        assert await rollout.await_shadows(30)
    assert order == ["HI", "new"]


async def test_an_interrupt_of_a_graph_is_no_failure_to_compare(provider: Provider) -> None:
    def asks(text: str) -> str:
        return str(interrupt(text))

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        chain = rollout.runnable(old=asks, new=shouted, user_id="ada")
        graph = graph_of(lambda state: {"text": chain.invoke(state["text"])})
        told = graph.invoke({"text": "hi"})
        assert "__interrupt__" in told
        assert rollout.report().counts == {"old": 1}


async def test_a_path_that_cannot_be_looked_into_costs_its_comparison_and_nothing_else(provider: Provider) -> None:
    class Closed(RunnableLambda[str, str]):
        """A path whose insides raise."""

        def __init__(self) -> None:
            super().__init__(shouted)
            self.inside = Inside()

    class Inside:
        def __getattr__(self, name: str) -> object:
            raise ValueError(name)

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert await rollout.acall("ada", shouted, Closed(), "hi") == "HI"
        assert await rollout.runnable(old=shouted, new=Closed(), user_id="ada").ainvoke("hi") == "HI"
        assert rollout.report().counts == {"old": 2, "dropped: the call cannot be made again": 2}
