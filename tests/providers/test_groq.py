"""Groq: who answered, two places for usage, and a structured stream that must not be one."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from langchain_groq import ChatGroq
from pydantic import BaseModel

from langchain_lucky_models.providers import MemberSpec, family_of
from tests.loopback import Answer, Exchange, Usage
from tests.loopback.dialects import openai_chat
from tests.loopback.wire import LAST_CHUNK
from tests.providers.conftest import Workshop

GROQ = family_of("groq")
QUESTION = [HumanMessage("hi")]


class Colour(BaseModel):
    """A colour."""

    name: str


async def count_at_the_end(exchange: Exchange) -> None:
    """Count as OpenAI does, in a chunk without choices; and in Groq's own place too where asked to."""
    counted = openai_chat.usage_of(exchange.question, Answer(usage=Usage(input=11, output=7)))
    both = exchange.request.model == "both"
    chunk = openai_chat.chunk
    finish = chunk(exchange.question, exchange.answer, {}, "stop") | ({"x_groq": {"usage": counted}} if both else {})
    last = chunk(exchange.question, exchange.answer, {}) | {"choices": [], "usage": counted}
    await exchange.begin()
    for body in (chunk(exchange.question, exchange.answer, {"role": "assistant", "content": "Hi"}), finish, last):
        await exchange.send_frames([openai_chat.sse("content", body)])
    await exchange.send_frames([openai_chat.DONE])
    await exchange.line.send(LAST_CHUNK)


@pytest.mark.parametrize("model", ["openai-place", "both"])
async def test_usage_is_found_in_openais_place_and_counted_once(model: str, workshop: Workshop) -> None:
    workshop.server.script(count_at_the_end)
    member = workshop.member("groq", model=model)
    for answer in (
        reduce(add, member.stream(QUESTION)),
        reduce(add, [chunk async for chunk in member.astream(QUESTION)]),
    ):
        assert answer.text == "Hi"
        assert answer.usage_metadata == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


def test_the_model_that_answered_is_named_not_the_one_asked_for(workshop: Workshop) -> None:
    workshop.server.reply(Answer(served="llama-9-turbo"))
    member = workshop.member("groq")
    streamed: Any = reduce(add, member.stream(QUESTION))
    assert member.invoke(QUESTION).response_metadata["model_name"] == "llama-9-turbo"
    assert streamed.response_metadata["model_name"] == "llama-9-turbo"


def test_a_model_named_at_call_time_is_the_one_asked(workshop: Workshop) -> None:
    member = workshop.member("groq")
    for answer in (member.invoke(QUESTION, model="other"), reduce(add, member.stream(QUESTION, model="other"))):
        assert answer.response_metadata["model_name"] == "other"
    assert len(workshop.server.asked("other")) == 2


def test_a_structured_answer_is_not_streamed(workshop: Workshop) -> None:
    """T14: Groq refuses to stream with a response format, so the member's own word must be asked for."""
    member = workshop.member("groq")
    form = {"type": "json_schema"}
    assert member._should_stream(async_api=False, stream=True) is True
    assert member._should_stream(async_api=False, stream=True, response_format=form) is False
    asked = member.with_structured_output(Colour, method="json_schema")
    assert list(asked.stream([HumanMessage("Name 'red'.")]))[-1] == Colour(name="red")
    assert workshop.server.requests[0].json.get("stream") in {None, False}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_reasoning_is_a_block_however_it_is_asked(workshop: Workshop) -> None:
    workshop.server.reply(Answer(reasoning="Hm."))
    member = workshop.member("groq", reasoning_format="parsed")
    for answer in (
        member.invoke(QUESTION),
        await member.ainvoke(QUESTION),
        reduce(add, member.stream(QUESTION)),
        member.stream_events(QUESTION, version="v3").output,
    ):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


@pytest.mark.parametrize("ending", ["", "/", "/openai/v1", "/openai/v1/"])
def test_the_printed_address_and_the_sdks_are_the_same(ending: str, workshop: Workshop) -> None:
    spec = MemberSpec("groq", "groq", "m-1", workshop.server.url + ending)
    GROQ.member(GROQ.template(spec, workshop.wire), workshop.ticket()).invoke(QUESTION)
    assert workshop.server.requests[0].path == "/openai/v1/chat/completions"


def test_the_member_is_the_partners_class_on_a_classic_client(workshop: Workshop) -> None:
    """T19: Groq's SDK wants classic httpx; OpenAI's runs better on httpx2, so the two never share a pool."""
    member: Any = workshop.member("groq")
    assert isinstance(member, ChatGroq)
    assert isinstance(member.client._client._client, httpx.Client)
    assert member._llm_type == "groq-chat"
    assert json.dumps(member._get_ls_params()) == json.dumps(
        {"ls_provider": "groq", "ls_model_name": "m-1", "ls_model_type": "chat", "ls_temperature": 0.7}
    )
