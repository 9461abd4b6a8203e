"""OpenRouter: OpenAI's form with reasoning, cost, keep-alive comments, and errors inside a 200."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.loopback.dialects import openai_chat
from tests.loopback.talk import Answer, Dialect, Frame, Json, Question

COMMENT = Frame("comment", b": OPENROUTER PROCESSING\n\n")
COST = 0.000125


def read(body: Json) -> Question:
    """OpenRouter counts in every stream and thinks where `reasoning` is asked for."""
    return replace(openai_chat.read(body), wants_usage=True, thinks=bool(body.get("reasoning")))


def usage_of(question: Question, answer: Answer) -> Json:
    """The counted tokens, with what they cost."""
    cost = COST if answer.cost is None else answer.cost
    details = {"upstream_inference_cost": None, "upstream_inference_prompt_cost": cost / 2}
    return openai_chat.usage_of(question, answer) | {"cost": cost, "is_byok": False, "cost_details": details}


def _reasoning(answer: Answer) -> Json:
    detail = {"type": "reasoning.text", "text": answer.reasoning, "format": "unknown", "index": 0}
    return {"reasoning": answer.reasoning, "reasoning_details": [detail]} if answer.reasoning else {}


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece."""
    body = openai_chat.whole(question, answer) | {"id": "gen-loopback", "provider": "Loopback"}
    body["usage"] = usage_of(question, answer)
    body["choices"][0]["message"] |= _reasoning(answer)
    return body | dict(answer.extra)


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer as chunks, after a comment that is no progress; the last chunk counts."""
    yield COMMENT
    yield openai_chat.sse("open", openai_chat.chunk(question, answer, {"role": "assistant", "content": ""}))
    if reasoning := _reasoning(answer):
        yield openai_chat.sse("content", openai_chat.chunk(question, answer, {"content": "", **reasoning}))
    for delta in openai_chat.deltas(answer):
        yield openai_chat.sse("content", openai_chat.chunk(question, answer, delta))
    yield openai_chat.sse("finish", openai_chat.chunk(question, answer, {"content": ""}, answer.reason))
    last = openai_chat.chunk(question, answer, {}) | {"choices": [], "usage": usage_of(question, answer)}
    yield openai_chat.sse("usage", last)
    yield openai_chat.DONE


def error(status: int, code: str, message: str) -> Json:
    """An error body: the code is the status, as a number."""
    return {"error": {"code": status, "message": message, "metadata": {"error_type": code}}, "user_id": "user_loopback"}


def stream_error(code: str, message: str) -> Frame:
    """An error event with a choice that finishes with `error`."""
    body = error(502, code, message) | {
        "id": "gen-loopback",
        "object": "chat.completion.chunk",
        "created": openai_chat.CREATED,
        "model": "loopback",
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }
    return openai_chat.sse("content", body)


OPENROUTER = Dialect(
    name="openrouter",
    read=read,
    whole=whole,
    stream=stream,
    error=error,
    stream_error=stream_error,
    hollow=openai_chat.hollow,
    headers={"x-generation-id": "gen-loopback", "cf-ray": "8f00loopback-FRA"},
)
