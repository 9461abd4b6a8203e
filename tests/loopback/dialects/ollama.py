"""Ollama's own chat: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.loopback.talk import Answer, Dialect, Frame, Json, Part, Question, Tool, flatten, last_user_text

CREATED = "2026-11-21T08:00:00.000000Z"


def read(body: Json) -> Question:
    """Take a request apart; Ollama streams unless told not to, and knows no tool choice."""
    messages = body.get("messages") or []
    form = body.get("format")
    return Question(
        model=str(body.get("model", "")),
        text=last_user_text(messages),
        last_role=str(messages[-1].get("role", "user")) if messages else "user",
        tools=tuple(
            Tool(tool["function"]["name"], tool["function"].get("parameters") or {}) for tool in body.get("tools") or ()
        ),
        schema=form if isinstance(form, dict) else None,
        json_mode=form == "json",
        streams=body.get("stream", True) is not False,
        wants_usage=True,
        thinks=bool(body.get("think")),
        words=sum(len(flatten(message.get("content"))) for message in messages),
    )


def _line(question: Question, answer: Answer, message: Json, **rest: object) -> Json:
    return {
        "model": answer.served or question.model,
        "created_at": CREATED,
        "message": {"role": "assistant", "content": "", **message},
        "done": False,
        **rest,
    }


def _counts(question: Question, answer: Answer) -> Json:
    used = answer.count(question)
    return {
        "done": True,
        "done_reason": answer.finish or "stop",
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": used.input,
        "prompt_eval_duration": 1_000_000,
        "eval_count": used.output,
        "eval_duration": 3_000_000,
    }


def _calls(answer: Answer) -> Json:
    calls = [{"function": {"name": call.name, "arguments": json.loads(call.arguments)}} for call in answer.calls]
    return {"tool_calls": calls} if calls else {}


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece."""
    thinking = {"thinking": answer.reasoning} if answer.reasoning else {}
    message = {"content": answer.text, **thinking, **_calls(answer)}
    return _line(question, answer, message) | _counts(question, answer) | dict(answer.extra)


def _frame(part: Part, body: Json) -> Frame:
    return Frame(part, json.dumps(body, ensure_ascii=False).encode() + b"\n")


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer line by line; the last line is done and counts."""
    if answer.reasoning:
        yield _frame("content", _line(question, answer, {"thinking": answer.reasoning}))
    for piece in answer.pieces:
        yield _frame("content", _line(question, answer, {"content": piece}))
    if answer.calls:
        yield _frame("content", _line(question, answer, _calls(answer)))
    yield _frame("finish", _line(question, answer, {}) | _counts(question, answer))


def error(_status: int, _code: str, message: str) -> Json:
    """An error body."""
    return {"error": message}


def stream_error(_code: str, message: str) -> Frame:
    """An error line inside a stream."""
    return _frame("content", {"error": message})


def hollow(body: Json, how: str) -> Json:
    """The body without its answer."""
    empty = {"role": "assistant", "content": ""}
    return body | {"message": {"empty": {}, "null": None, "silent": empty}[how]}


OLLAMA = Dialect(
    name="ollama",
    read=read,
    whole=whole,
    stream=stream,
    error=error,
    stream_error=stream_error,
    hollow=hollow,
    media="application/x-ndjson",
)
