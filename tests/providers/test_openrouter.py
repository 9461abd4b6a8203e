"""Routers: reasoning, their own cost, and who may answer."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI

from langchain_lucky_models.providers import family_of
from tests.loopback import Answer
from tests.providers.conftest import Workshop

OPENROUTER = family_of("openrouter")
QUESTION = [HumanMessage("Why is the sky blue?")]
THOUGHT = "Rayleigh, I think."
THINKING = Answer(text="Because of Rayleigh.", reasoning=THOUGHT, cost=0.0042)


async def four_answers(workshop: Workshop) -> list[AIMessage]:
    workshop.server.reply(THINKING)
    member = workshop.member("openrouter")
    streamed: Any = reduce(add, member.stream(QUESTION))
    astreamed: Any = reduce(add, [chunk async for chunk in member.astream(QUESTION)])
    return [member.invoke(QUESTION), await member.ainvoke(QUESTION), streamed, astreamed]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_reasoning_and_cost_are_kept_however_the_model_is_asked(workshop: Workshop) -> None:
    """ChatOpenAI drops the reasoning everywhere, and the cost in streams."""
    answers = await four_answers(workshop)
    answers.append(workshop.member("openrouter").stream_events(QUESTION, version="v3").output)
    for answer in answers:
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
        assert answer.content_blocks[0]["reasoning"] == THOUGHT  # type: ignore[typeddict-item]
        assert answer.response_metadata["model_provider"] == "openrouter"
        assert OPENROUTER.reported_cost(answer) == Decimal("0.0042")
        assert answer.response_metadata["cost_details"]["upstream_inference_prompt_cost"] == 0.0021
        assert answer.usage_metadata == answers[0].usage_metadata


def test_the_cost_is_in_the_last_chunk_alone(workshop: Workshop) -> None:
    chunks = list(workshop.member("openrouter")._stream([*QUESTION]))
    assert [OPENROUTER.reported_cost(chunk) for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert OPENROUTER.reported_cost(chunks[-1]) == Decimal("0.000125")


def test_output_version_v1_keeps_reasoning_and_tool_calls_apart(workshop: Workshop) -> None:
    """In v1, blocks are merged by their place; a thought and a call must not fall into one."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    weather = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    member = workshop.member("openrouter", output_version="v1", reasoning={"effort": "low"})
    answer: Any = reduce(add, member.bind(tools=[weather]).stream([HumanMessage("Weather in 'Rome'?")]))
    assert {block["type"] for block in answer.content_blocks} == {"reasoning", "tool_call"}
    assert answer.tool_calls[0]["args"] == {"city": "Rome"}


def test_routing_keywords_travel_in_the_body(workshop: Workshop) -> None:
    routing: dict[str, Any] = {
        "provider": {"order": ["groq"], "allow_fallbacks": False},
        "models": ["openai/gpt-4o-mini"],
        "reasoning": {"effort": "high"},
        "plugins": [{"id": "web"}],
        "route": "fallback",
    }
    member = workshop.member("openrouter", extra_body={"min_p": 0.1}, **routing)
    member.invoke(QUESTION)
    request = workshop.server.requests[0]
    assert request.path == "/api/v1/chat/completions"
    assert routing.items() <= request.json.items()
    assert request.json["min_p"] == 0.1


def test_the_application_is_named_only_where_it_wants_to_be(workshop: Workshop) -> None:
    workshop.member("openrouter").invoke(QUESTION)
    workshop.member("openrouter", app_url="https://example.org", app_title="Example").invoke(QUESTION)
    silent, named = workshop.server.requests
    assert (silent.header("http-referer"), silent.header("x-title")) == (None, None)
    assert (named.header("http-referer"), named.header("x-title")) == ("https://example.org", "Example")


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_details_go_back_with_the_next_question(workshop: Workshop, *, stream: bool) -> None:
    """A model that thought before it called a tool wants its thoughts back together with the tool's answer."""
    workshop.server.reply(THINKING)
    member = workshop.member("openrouter")
    answer = reduce(add, member.stream(QUESTION)) if stream else member.invoke(QUESTION)
    member.invoke([*QUESTION, answer, HumanMessage("And at night?")])
    before, *_, after = workshop.server.requests[-1].json["messages"]
    assert "reasoning_details" not in before | after
    assert workshop.server.requests[-1].json["messages"][1]["reasoning_details"] == [
        {"type": "reasoning.text", "text": THOUGHT, "format": "unknown", "index": 0}
    ]


def test_traces_name_the_router(workshop: Workshop) -> None:
    member = workshop.member("openrouter")
    params = member._get_ls_params(model="other")
    assert (params["ls_provider"], params["ls_model_name"]) == ("openrouter", "other")
    assert member._llm_type == "openrouter-chat"


def test_an_error_inside_a_200_is_an_error(workshop: Workshop) -> None:
    workshop.server.script("error_in_200")
    with pytest.raises(ValueError, match="429"):
        workshop.member("openrouter").invoke(QUESTION)


def test_an_error_inside_a_stream_is_no_end(workshop: Workshop) -> None:
    workshop.server.script("error_event")
    member = workshop.member("openrouter")
    chunks: list[ChatGenerationChunk] = []
    with pytest.raises(openai.APIError):
        chunks.extend(member._stream([*QUESTION]))
    assert not any(OPENROUTER.ended(chunk) for chunk in chunks)


def test_what_is_asked_of_openai_itself_loses_both(workshop: Workshop) -> None:
    """The baseline that the families exist for: should the partner ever keep both, ours may go."""
    workshop.server.reply(THINKING)
    bare = ChatOpenAI(
        model="m-1", base_url=workshop.server.base_urls["openrouter"], api_key="sk-bare-0000", stream_usage=True
    )
    answer: Any = reduce(add, bare.stream(QUESTION))
    assert [block["type"] for block in answer.content_blocks] == ["text"]
    assert "cost" not in json.dumps(answer.response_metadata)


def test_tool_messages_pass_unchanged(workshop: Workshop) -> None:
    call = {"name": "look", "args": {}, "id": "call_9", "type": "tool_call"}
    history = [*QUESTION, AIMessage("", tool_calls=[call]), ToolMessage("blue", tool_call_id="call_9")]
    workshop.member("openrouter").invoke(history)
    sent = workshop.server.requests[0].json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[2]["tool_call_id"] == "call_9"
