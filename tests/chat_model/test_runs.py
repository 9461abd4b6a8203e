"""One call is one run: tokens, usage, traces and limiters count once, whatever the strategy asks underneath."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tracers.context import collect_runs
from langgraph.graph import START, StateGraph

from langchain_lucky_models import LuckyChatModel, UserModels
from tests import homes
from tests.chat_model.conftest import Asking
from tests.loopback import Answer, Provider, Usage

COUNTED = Usage(input=11, output=7)
STRATEGIES = ("first", "fallback", "race", "consensus")


class State(TypedDict):
    messages: Annotated[list[AnyMessage], operator.add]


class CountedLimiter(BaseRateLimiter):
    """Lets everybody through, and counts."""

    def __init__(self) -> None:
        self.passed = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.passed += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire(blocking=blocking)


def several(user: UserModels, strategy: str) -> LuckyChatModel:
    return user.models(homes.OPENAI, homes.OPENROUTER, homes.GROQ, strategy=strategy)


def graph_with(model: LuckyChatModel) -> Any:
    graph = StateGraph(State)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "model")
    return graph.compile()


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_call_is_one_run_whatever_the_strategy(user: UserModels, ask: Asking, strategy: str) -> None:
    """T2: a member that is invoked makes a second run and a second LangSmith root; ours is one run of one root."""
    with collect_runs() as runs:
        await ask(several(user, strategy))
    assert [run.run_type for run in runs.traced_runs] == ["llm"]
    assert runs.traced_runs[0].child_runs == []
    assert runs.traced_runs[0].error is None


async def test_a_call_inside_a_chain_is_the_chains_only_child(user: UserModels) -> None:
    """T2: inside a chain, invoked members double; the tree here is chain, model, nothing below."""
    model = several(user, "fallback")
    with collect_runs() as runs:
        RunnableLambda(model.invoke).invoke("hi")
        await RunnableLambda(model.invoke, afunc=model.ainvoke).ainvoke("hi")
    for root in runs.traced_runs:
        assert [(run.run_type, len(run.child_runs)) for run in root.child_runs] == [("llm", 0)]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_usage_is_counted_once(provider: Provider, user: UserModels, ask: Asking, strategy: str) -> None:
    """T2: 18 tokens are 18, not the 36 of a member that is invoked; the losers' are not the answer's."""
    provider.reply(Answer(usage=COUNTED))
    with get_usage_metadata_callback() as counted:
        answer = await ask(several(user, strategy))
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 18
    assert sum(usage["total_tokens"] for usage in counted.usage_metadata.values()) == 18


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_tokens_reach_a_graph_once(user: UserModels, strategy: str) -> None:
    """T2: `stream_mode="messages"` shows "Hello from …" and not "Hello Hello from from …"."""
    graph = graph_with(several(user, strategy))
    shown = [
        chunk.text
        for chunk, _ in graph.stream({"messages": [HumanMessage("hi")]}, stream_mode="messages")
        if isinstance(chunk, AIMessage)
    ]
    assert "".join(shown) == "Hello from the loopback model."


async def test_tokens_reach_a_handler_once(user: UserModels) -> None:
    """T2: a handler hears each token of a stream once, in sync and in async."""

    class Heard(BaseCallbackHandler):
        def __init__(self) -> None:
            self.tokens: list[str] = []

        def on_llm_new_token(self, token: str, **kwargs: Any) -> None:  # type: ignore[override]
            self.tokens.append(token)

    sync, along = Heard(), Heard()
    list(user.model(homes.OPENAI).stream("hi", {"callbacks": [sync]}))
    async for _ in user.model(homes.OPENAI).astream("hi", {"callbacks": [along]}):
        pass
    assert "".join(sync.tokens) == "".join(along.tokens) == "Hello from the loopback model."


@pytest.mark.parametrize("name", homes.EVERY)
async def test_invoke_may_stream_underneath(user: UserModels, ask: Asking, name: str) -> None:
    """T3: `ChatOpenAI(streaming=True)._generate` raises; a handle with `streaming=True` answers."""
    answer = await ask(user.model(name, streaming=True))
    assert answer.text == "Hello from the loopback model."
    assert answer.response_metadata["lucky"]["ref"] == name


@pytest.mark.parametrize("method", ["json_schema", "json_mode", "function_calling"])
async def test_groq_streams_where_it_can_and_answers_whole_where_it_cannot(user: UserModels, method: str) -> None:
    """T14: Groq refuses `response_format` in a stream with 400; the answer then comes as one chunk."""
    schema = {"title": "Pet", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    structured = user.model(homes.GROQ).with_structured_output(schema, method=method)
    question = "Answer in JSON with the key 'name'"
    assert list(structured.stream(question))[-1]["name"]
    assert [chunk async for chunk in structured.astream(question)][-1]["name"]


async def test_a_limiter_is_asked_once_an_attempt(provider: Provider, user: UserModels, ask: Asking) -> None:
    """A member's `_stream` alone skips the limiter, and a handle's own would miss the second attempt: here 2 for 2."""
    limiter = CountedLimiter()
    provider.script("status_503", model="gpt-4o", times=1)
    await ask(user.models("openai#gpt-4o", "openai#gpt-4.1", rate_limiter=limiter))
    assert limiter.passed == len(provider.requests) == 2


async def test_a_trace_names_the_first_member_and_the_answer_who_served(provider: Provider, user: UserModels) -> None:
    """T20: `ls_model_name` is fixed before anybody is asked, so who answered stands in the answer."""
    provider.script("status_503", model="gpt-4o")
    with collect_runs() as runs:
        answer = user.models(homes.OPENAI, homes.GROQ).invoke("hi")
    traced = runs.traced_runs[0].extra["metadata"]
    assert (traced["ls_provider"], traced["ls_model_name"]) == ("openai", "gpt-4o")
    assert answer.response_metadata["lucky"]["ref"] == homes.GROQ
    assert answer.response_metadata["model_name"] == "openai/gpt-oss-20b"
    assert answer.response_metadata["model_provider"] == "groq"
    assert [made["outcome"] for made in answer.response_metadata["lucky"]["attempts"]] == ["failed", "answered"]


@pytest.mark.parametrize("name", homes.EVERY)
def test_tracers_see_the_member_behind_a_handle(user: UserModels, name: str) -> None:
    """A class named LuckyChatModel would be provider "luckychatmodel"; ours is the member's, with what it was given."""
    handle = user.model(name, temperature=0.5, max_tokens=9)
    member = user.resolve(name, temperature=0.5, max_tokens=9)
    assert handle._get_ls_params(stop=["x"]) == member._get_ls_params(stop=["x"])
    assert handle._llm_type == member._llm_type
    assert handle._get_ls_params(model="gpt-4o-mini")["ls_model_name"] == "gpt-4o-mini"


def test_a_chosen_model_is_traced_as_itself(user: UserModels) -> None:
    """A run's configuration that names the model names it for the tracer too."""
    config: RunnableConfig = {"configurable": {"model": homes.GROQ}}
    with collect_runs() as runs:
        chunks = list(user.model(homes.OPENAI).stream("hi", config))
    assert runs.traced_runs[0].extra["metadata"]["ls_model_name"] == "openai/gpt-oss-20b"
    assert isinstance(chunks[0], AIMessageChunk)
