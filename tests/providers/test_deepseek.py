"""DeepSeek: the thoughts before a call go back with it."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from tests.loopback import Exchange
from tests.loopback.dialects import openai_chat
from tests.loopback.wire import LAST_CHUNK
from tests.providers.conftest import Workshop

QUESTION = [HumanMessage("What colour is the sky?")]
LOOK = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RESULT = ToolMessage("blue", tool_call_id="call_1")


async def think_and_call(exchange: Exchange) -> None:
    chunk, asked, answer = openai_chat.chunk, exchange.question, exchange.answer
    await exchange.begin()
    for delta in (
        {"role": "assistant", "reasoning_content": "I must "},
        {"reasoning_content": "look."},
        {"tool_calls": [LOOK]},
    ):
        await exchange.send_frames([openai_chat.sse("content", chunk(asked, answer, delta))])
    await exchange.send_frames([openai_chat.sse("finish", chunk(asked, answer, {}, "tool_calls")), openai_chat.DONE])
    await exchange.line.send(LAST_CHUNK)


@pytest.mark.parametrize("output_version", [None, "v1"])
def test_the_thoughts_before_a_call_go_back_with_it(output_version: str | None, workshop: Workshop) -> None:
    """Left out, DeepSeek refuses the whole conversation; as content, nobody understands them."""
    workshop.server.script(think_and_call, times=1)
    member = workshop.member("deepseek", output_version=output_version)
    called: Any = reduce(add, member.stream(QUESTION))
    assert called.tool_calls[0]["name"] == "look"
    member.invoke([*QUESTION, called, RESULT])
    sent = workshop.server.requests[-1].json["messages"][1]
    assert sent["reasoning_content"] == "I must look."
    assert not sent["content"]


def test_a_call_that_another_model_made_goes_back_with_empty_thoughts(workshop: Workshop) -> None:
    called = AIMessage("", tool_calls=[tool_call(name="look", args={}, id="call_1")])
    workshop.member("deepseek").invoke([*QUESTION, called, RESULT])
    assert workshop.server.requests[-1].json["messages"][1]["reasoning_content"] == ""


def test_thinking_is_switched_in_the_body(workshop: Workshop) -> None:
    workshop.member("deepseek", thinking={"type": "disabled"}).invoke(QUESTION)
    assert workshop.server.requests[0].json["thinking"] == {"type": "disabled"}


def test_a_plain_answer_goes_back_without_its_thoughts(workshop: Workshop) -> None:
    said = AIMessage("Blue.", additional_kwargs={"reasoning_content": "I know this."})
    workshop.member("deepseek").invoke([*QUESTION, said, HumanMessage("And at night?")])
    assert "reasoning_content" not in workshop.server.requests[-1].json["messages"][1]
