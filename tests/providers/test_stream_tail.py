"""The tail of a stream: everything once, at the end."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from langchain_lucky_models.providers.stream_tail import StreamTail


def chunk(text: str = "", info: dict[str, Any] | None = None, **message: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text, **message), generation_info=info)


def usage(total: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=total - 1, output_tokens=1, total_tokens=total)


def through(*chunks: ChatGenerationChunk) -> list[ChatGenerationChunk]:
    tail = StreamTail()
    passed = [tail.hold_back(one) for one in chunks]
    last = tail.last()
    return [*passed, last] if last else passed


def merged(*chunks: ChatGenerationChunk) -> ChatGenerationChunk:
    return reduce(add, through(*chunks))


def test_a_running_total_counts_once() -> None:
    whole = merged(chunk("a", usage_metadata=usage(5)), chunk("b", usage_metadata=usage(9)))
    assert whole.message.usage_metadata == usage(9)  # type: ignore[attr-defined]
    assert whole.text == "ab"


def test_usage_comes_last() -> None:
    *before, last = through(chunk("a", usage_metadata=usage(5)), chunk("b"))
    assert [one.message.usage_metadata for one in before] == [None, None]  # type: ignore[attr-defined]
    assert last.message.usage_metadata == usage(5)  # type: ignore[attr-defined]


def test_a_cost_that_comes_with_every_chunk_is_the_last_one() -> None:
    whole = merged(chunk("a", response_metadata={"cost": 0.1}), chunk("b", response_metadata={"cost": 0.3}))
    assert whole.message.response_metadata == {"cost": 0.3}


def test_a_finish_that_comes_twice_is_said_once() -> None:
    info = {"finish_reason": "stop", "model_name": "m-1"}
    whole = merged(chunk("a", info), chunk("", dict(info)))
    assert whole.generation_info == info


def test_log_probabilities_stay_with_their_chunks() -> None:
    whole = merged(chunk("a", {"logprobs": {"content": [1]}}), chunk("b", {"logprobs": {"content": [2]}}))
    assert whole.generation_info == {"logprobs": {"content": [1, 2]}}


def test_reasoning_details_are_put_together_by_their_place() -> None:
    first = {"type": "reasoning.text", "text": "Let me ", "format": "unknown", "index": 0}
    second = {"type": "reasoning.text", "text": "think.", "format": "unknown", "index": 0, "signature": "s"}
    third = {"type": "reasoning.encrypted", "data": "x", "index": 1}
    whole = merged(*(chunk(additional_kwargs={"reasoning_details": [one]}) for one in (first, second, third)))
    assert whole.message.additional_kwargs["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Let me think.", "format": "unknown", "index": 0, "signature": "s"},
        third,
    ]


def test_a_stream_that_said_nothing_special_gets_no_further_chunk() -> None:
    assert len(through(chunk("a"), chunk("b"))) == 2
