"""A handle is a model to agents and graphs: tools, structured answers, middleware, models chosen at run time."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.errors import GraphInterrupt
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

from langchain_lucky_models import LuckyChatModel, UserModels, errors
from tests import homes
from tests.chat_model.conftest import Asking
from tests.loopback import Provider

QUESTION: Any = {"messages": [HumanMessage("What is the weather in 'Bonn'?")]}


class Weather(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


class State(TypedDict):
    messages: Annotated[list[AnyMessage], operator.add]


@tool
def look_up(city: str) -> str:
    """Look the weather of a city up."""
    return f"21 degrees in {city}"


def handles(user: UserModels) -> dict[str, LuckyChatModel]:
    """One of every kind."""
    one = {name: user.model(name) for name in homes.EVERY}
    names = (homes.GROQ, homes.OPENAI, homes.ANTHROPIC)
    return one | {strategy: user.models(*names, strategy=strategy) for strategy in ("fallback", "race", "consensus")}


KINDS = (*homes.EVERY, "fallback", "race", "consensus")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_agent_runs_a_whole_tool_loop(user: UserModels, kind: str) -> None:
    """Each member gets the tools in its own form; the answer to the tool's answer ends the loop."""
    agent = create_agent(handles(user)[kind], [look_up])
    for result in (agent.invoke(QUESTION), await agent.ainvoke(QUESTION)):
        kinds = [type(message) for message in result["messages"]]
        assert kinds == [HumanMessage, AIMessage, ToolMessage, AIMessage]
        assert result["messages"][2].content == "21 degrees in Bonn"
        assert result["messages"][3].text == "Hello from the loopback model."


def test_an_agent_goes_on_when_the_first_member_fails(provider: Provider, user: UserModels) -> None:
    """The tools are bound anew for the member that takes over."""
    provider.script("status_500", path="/openai/v1/chat/completions")
    result = create_agent(user.models(homes.GROQ, homes.ANTHROPIC), [look_up]).invoke(QUESTION)
    assert [message.response_metadata["lucky"]["ref"] for message in result["messages"] if message.type == "ai"] == [
        homes.ANTHROPIC,
        homes.ANTHROPIC,
    ]
    assert "input_schema" in provider.asked("claude-sonnet-5")[0].json["tools"][0]


@pytest.mark.parametrize("strategy", [ProviderStrategy(Weather), ToolStrategy(Weather), Weather], ids=str)
@pytest.mark.parametrize("kind", [homes.OPENAI, homes.OPENROUTER, "fallback"])
def test_an_agent_answers_in_a_schema(user: UserModels, kind: str, strategy: Any) -> None:
    """By the provider's own structured output, by a tool, and by whichever the profile says."""
    result = create_agent(handles(user)[kind], [], response_format=strategy).invoke(QUESTION)
    assert result["structured_response"] == Weather(city="Bonn", degrees=1)


def test_an_agent_sees_by_the_profile_what_the_provider_can(provider: Provider, user: UserModels) -> None:
    """With tools and a schema, gpt-4o is asked for a schema and not for another tool."""
    create_agent(user.model(homes.OPENAI), [look_up], response_format=Weather).invoke(QUESTION)
    first = provider.requests[0].json
    assert first["response_format"]["type"] == "json_schema"
    assert [one["function"]["name"] for one in first["tools"]] == ["look_up"]


def test_fallback_middleware_takes_handles(provider: Provider, user: UserModels) -> None:
    """LangChain's own middleware may go from handle to handle."""
    provider.script("status_500", model="gpt-4o")
    agent = create_agent(
        user.model(homes.OPENAI, max_retries=0),
        [look_up],
        middleware=[ModelFallbackMiddleware(user.model(homes.ANTHROPIC))],
    )
    assert agent.invoke(QUESTION)["messages"][-1].response_metadata["lucky"]["ref"] == homes.ANTHROPIC


def test_summaries_start_by_a_share_of_the_handles_context(user: UserModels) -> None:
    """SummarizationMiddleware reads `max_input_tokens` from the profile, and summarises with a handle."""
    middleware = SummarizationMiddleware(
        model=user.model(homes.MINI, profile={"max_input_tokens": 40}), trigger=("fraction", 0.5), keep=("messages", 1)
    )
    agent = create_agent(user.model(homes.OPENAI), [], middleware=[middleware])
    long: Any = [HumanMessage("word " * 40), AIMessage("word " * 40), HumanMessage("and now?")]
    said = agent.invoke({"messages": long})["messages"]
    assert "summary" in said[0].text.lower()
    assert len(said) < len(long) + 1


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_an_agents_events_show_each_token_once(user: UserModels) -> None:
    """`astream_events(version="v3")` of an agent on a handle of several."""
    agent = create_agent(user.models(homes.OPENAI, homes.ANTHROPIC), [look_up])
    run = await agent.astream_events(QUESTION, version="v3")
    said = [await message.text async for message in run.messages]
    assert said == ["", "Hello from the loopback model."]


def graph_of(model: LuckyChatModel) -> Any:
    """A graph whose one node asks the model with the run's configuration."""

    def ask(state: State) -> State:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    return graph.compile()


@pytest.mark.parametrize(
    ("name", "served"),
    [("tier:cheap", None), (homes.ANTHROPIC, homes.ANTHROPIC), ("gpt-4.1", "openai#gpt-4.1"), (None, homes.OPENAI)],
)
async def test_a_run_chooses_the_model(user: UserModels, name: str | None, served: str | None) -> None:
    """`config={"configurable": {"model": …}}` reaches a model inside a node, looked up in the user's list."""
    graph = graph_of(user.model(homes.OPENAI))
    config: RunnableConfig = {"configurable": {"model": name} if name else {}}
    wanted = served or user.tier("cheap").ref
    for result in (graph.invoke(QUESTION, config), await graph.ainvoke(QUESTION, config)):
        assert result["messages"][-1].response_metadata["lucky"]["ref"] == wanted


@pytest.mark.parametrize("name", ["openai#o3", "tier:nonsense", "user:bob:secret", "https://evil.example/v1#x"])
async def test_a_run_never_leaves_the_list(provider: Provider, user: UserModels, name: str) -> None:
    """Whatever a run's configuration says, nobody outside the list is asked."""
    model = user.model(homes.OPENAI)
    config: RunnableConfig = {"configurable": {"model": name}}
    with pytest.raises(errors.LuckyError):
        graph_of(model).invoke(QUESTION, config)
    with pytest.raises(errors.LuckyError):
        await model.ainvoke("hi", config)
    with pytest.raises(errors.LuckyError):
        list(model.stream("hi", config))
    with pytest.raises(errors.LuckyError):
        model.with_structured_output(Weather).invoke("hi", config)
    assert provider.requests == []


class InterruptingLimiter(BaseRateLimiter):
    """Asks a human first, as code inside a graph may."""

    def acquire(self, *, blocking: bool = True) -> bool:
        raise GraphInterrupt

    async def aacquire(self, *, blocking: bool = True) -> bool:
        raise GraphInterrupt


@pytest.mark.parametrize("strategy", ["fallback", "race", "consensus"])
async def test_an_interrupt_passes_through_untouched(
    provider: Provider, user: UserModels, ask: Asking, strategy: str
) -> None:
    """An interrupt is raised by whoever runs inside a graph; no strategy takes it for a failure to move on from."""
    model = user.models(homes.OPENAI, homes.GROQ, strategy=strategy, rate_limiter=InterruptingLimiter())
    with pytest.raises(GraphInterrupt):
        await ask(model)
    assert provider.requests == []
