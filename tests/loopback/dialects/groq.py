"""Groq: OpenAI's form, with usage under `x_groq` in streams and rate limits in the headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.loopback.dialects import openai_chat
from tests.loopback.talk import Answer, Dialect, Frame, Json, Question

RATE_LIMITS = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-reset-tokens": "7.66s",
}


def read(body: Json) -> Question:
    """Groq sends usage without being asked, and reasoning where `reasoning_format` is `parsed`."""
    thinks = body.get("reasoning_format") == "parsed"
    return replace(openai_chat.read(body), wants_usage=True, thinks=thinks)


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece, with the id of the request in it."""
    body = openai_chat.whole(question, answer) | {"x_groq": {"id": "req_loopback_groq"}}
    if answer.reasoning:
        body["choices"][0]["message"]["reasoning"] = answer.reasoning
    return body


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer as chunks; the chunk that finishes also counts."""
    first = openai_chat.chunk(question, answer, {"role": "assistant", "content": ""})
    yield openai_chat.sse("open", first | {"x_groq": {"id": "req_loopback_groq"}})
    if answer.reasoning:
        yield openai_chat.sse("content", openai_chat.chunk(question, answer, {"reasoning": answer.reasoning}))
    for delta in _deltas(answer):
        yield openai_chat.sse("content", openai_chat.chunk(question, answer, delta))
    counted = {"id": "req_loopback_groq", "usage": openai_chat.usage_of(question, answer)}
    yield openai_chat.sse("finish", openai_chat.chunk(question, answer, {}, answer.reason) | {"x_groq": counted})
    yield openai_chat.DONE


def _deltas(answer: Answer) -> Iterator[Json]:
    """What the content chunks say; Groq sends each tool call whole."""
    yield from ({"content": piece} for piece in answer.pieces)
    for index, call in enumerate(answer.calls):
        yield {"tool_calls": [{"index": index, **openai_chat.called(call)}]}


GROQ = Dialect(
    name="groq",
    read=read,
    whole=whole,
    stream=stream,
    error=openai_chat.error,
    stream_error=openai_chat.stream_error,
    hollow=openai_chat.hollow,
    headers=RATE_LIMITS | {"x-request-id": "req_loopback_groq"},
)
