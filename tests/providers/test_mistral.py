"""Mistral: it counts without being asked, and refuses to be asked."""

from __future__ import annotations

from functools import reduce
from operator import add

from langchain_core.messages import HumanMessage

from tests.loopback import Exchange
from tests.loopback.dialects import openai_chat
from tests.loopback.wire import LAST_CHUNK
from tests.providers.conftest import Workshop

QUESTION = [HumanMessage("hi")]


async def count_unasked(exchange: Exchange) -> None:
    chunk, asked, answer = openai_chat.chunk, exchange.question, exchange.answer
    counted = {"usage": openai_chat.usage_of(asked, answer)}
    await exchange.begin()
    await exchange.send_frames([openai_chat.sse("open", chunk(asked, answer, {"role": "assistant", "content": "Hi"}))])
    await exchange.send_frames(
        [openai_chat.sse("finish", chunk(asked, answer, {}, "stop") | counted), openai_chat.DONE]
    )
    await exchange.line.send(LAST_CHUNK)


def test_usage_is_not_asked_for_and_counted_all_the_same(workshop: Workshop) -> None:
    workshop.server.script(count_unasked)
    answer = reduce(add, workshop.member("mistral").stream(QUESTION))
    assert "stream_options" not in workshop.server.requests[0].json
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def test_a_seed_goes_by_its_own_name(workshop: Workshop) -> None:
    workshop.member("mistral", seed=7, extra_body={"safe_prompt": True}).invoke(QUESTION)
    body = workshop.server.requests[0].json
    assert body["random_seed"] == 7
    assert body["safe_prompt"] is True
    assert "seed" not in body
