"""OpenAI's chat completions, the dialect that most providers speak."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.loopback.talk import Answer, Dialect, Frame, Json, Part, Question, Tool, ToolCall, flatten, last_user_text

CREATED = 1_790_000_000
DONE = Frame("end", b"data: [DONE]\n\n")


def read(body: Json) -> Question:
    """Take a request apart."""
    messages = body.get("messages") or []
    form = body.get("response_format") or {}
    return Question(
        model=str(body.get("model", "")),
        text=last_user_text(messages),
        last_role=str(messages[-1].get("role", "user")) if messages else "user",
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or ()),
        choice=choose(body.get("tool_choice")),
        schema=(form.get("json_schema") or {}).get("schema"),
        json_mode=form.get("type") == "json_object",
        streams=bool(body.get("stream")),
        wants_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        words=sum(len(flatten(message.get("content"))) for message in messages),
    )


def _tool(function: Mapping[str, Any]) -> Tool:
    return Tool(function["name"], function.get("parameters") or {})


def choose(choice: object) -> str:
    """The tool choice: `auto`, `none`, `any`, or a name."""
    if isinstance(choice, dict):
        return str((choice.get("function") or choice).get("name", "any"))
    if choice is None:
        return "auto"
    return "any" if choice == "required" else str(choice)


def usage_of(question: Question, answer: Answer) -> Json:
    """The counted tokens in OpenAI's form."""
    used = answer.count(question)
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": used.audio_input},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": used.audio_output},
    }


def called(call: ToolCall) -> Json:
    """One call, whole."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def message_of(answer: Answer) -> Json:
    """The assistant's message of a whole answer."""
    message: Json = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.calls:
        message["tool_calls"] = [called(call) for call in answer.calls]
    return message


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece."""
    choice = {"index": 0, "message": message_of(answer), "logprobs": None, "finish_reason": answer.reason}
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.served or question.model,
        "choices": [choice],
        "usage": usage_of(question, answer),
        "system_fingerprint": "fp_loopback",
        **answer.extra,
    }


def sse(part: Part, body: Mapping[str, Any]) -> Frame:
    """One `data:` event."""
    return Frame(part, b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")


def chunk(question: Question, answer: Answer, delta: Json, finish: str | None = None) -> Json:
    """One chunk with one choice."""
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": answer.served or question.model,
        "system_fingerprint": "fp_loopback",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }


def deltas(answer: Answer) -> Iterator[Json]:
    """What the content chunks say: words, then each call's name and its arguments in two pieces."""
    for piece in answer.pieces:
        yield {"content": piece}
    for index, call in enumerate(answer.calls):
        yield {"tool_calls": [{"index": index, **called(ToolCall(call.name, "", call.id))}]}
        middle = len(call.arguments) // 2
        for piece in (call.arguments[:middle], call.arguments[middle:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer as chunks: role, content, finish, usage where it was asked for, `[DONE]`."""
    yield sse("open", chunk(question, answer, {"role": "assistant", "content": ""}))
    for delta in deltas(answer):
        yield sse("content", chunk(question, answer, delta))
    yield sse("finish", chunk(question, answer, {}, answer.reason))
    if question.wants_usage:
        last = chunk(question, answer, {}) | {"choices": [], "usage": usage_of(question, answer)}
        yield sse("usage", last | dict(answer.extra))
    yield DONE


def error(_status: int, code: str, message: str) -> Json:
    """An error body."""
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def stream_error(code: str, message: str) -> Frame:
    """An error inside a stream that began with 200."""
    return sse("content", error(500, code, message))


def hollow(body: Json, how: str) -> Json:
    """The body without its answer."""
    choices = body["choices"]
    silent = [choice | {"message": {"role": "assistant", "content": None}} for choice in choices]
    return body | {"choices": {"empty": [], "null": None, "silent": silent}[how]}


OPENAI = Dialect(
    name="openai",
    read=read,
    whole=whole,
    stream=stream,
    error=error,
    stream_error=stream_error,
    hollow=hollow,
    headers={"x-request-id": "req_loopback_openai", "openai-processing-ms": "1"},
)
