"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.loopback.talk import Answer, Dialect, Frame, Json, Part, Question, Tool, flatten, split_words

STOP_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def read(body: Json) -> Question:
    """Take a request apart."""
    messages = body.get("messages") or []
    last = messages[-1] if messages else {}
    said = [flatten(message.get("content")) for message in messages] + [flatten(body.get("system"))]
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Question(
        model=str(body.get("model", "")),
        text=next((flatten(message["content"]) for message in reversed(messages) if message["role"] == "user"), ""),
        last_role="tool" if _is_tool_result(last) else str(last.get("role", "user")),
        tools=tuple(Tool(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or ()),
        choice=_choice(body.get("tool_choice") or {}),
        schema=form.get("schema"),
        streams=bool(body.get("stream")),
        wants_usage=True,
        thinks=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        words=sum(map(len, said)),
    )


def _is_tool_result(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)


def _choice(choice: Json) -> str:
    return str(choice["name"]) if choice.get("type") == "tool" else str(choice.get("type", "auto"))


def _usage(question: Question, answer: Answer) -> Json:
    used = answer.count(question)
    # Anthropic's input leaves out what was read from or written to its cache.
    return {
        "input_tokens": used.input - used.cached - used.written,
        "output_tokens": used.output,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.written,
        "cache_creation": {"ephemeral_5m_input_tokens": used.written, "ephemeral_1h_input_tokens": 0},
    }


def _blocks(answer: Answer) -> Iterator[tuple[Json, list[Json]]]:
    """Each block as it stands when it begins, and the deltas that fill it."""
    if answer.reasoning:
        filled: list[Json] = [{"type": "thinking_delta", "thinking": answer.reasoning}]
        filled += [{"type": "signature_delta", "signature": "c2lnbmVk"}]
        yield {"type": "thinking", "thinking": "", "signature": ""}, filled
    if answer.text or not answer.calls:
        yield (
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": piece} for piece in split_words(answer.text)],
        )
    for call in answer.calls:
        start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        middle = len(call.arguments) // 2
        pieces = ("", call.arguments[:middle], call.arguments[middle:])
        yield start, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _content(answer: Answer) -> Iterator[Json]:
    if answer.reasoning:
        yield {"type": "thinking", "thinking": answer.reasoning, "signature": "c2lnbmVk"}
    if answer.text or not answer.calls:
        yield {"type": "text", "text": answer.text}
    for call in answer.calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}


def _message(question: Question, answer: Answer, content: list[Json]) -> Json:
    return {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": answer.served or question.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(question, answer),
    }


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece."""
    stop = STOP_REASONS.get(answer.reason, answer.reason)
    return _message(question, answer, list(_content(answer))) | {"stop_reason": stop, **answer.extra}


def _event(part: Part, kind: str, body: Json) -> Frame:
    text = json.dumps({"type": kind, **body}, ensure_ascii=False)
    return Frame(part, f"event: {kind}\ndata: {text}\n\n".encode())


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer as events, from `message_start` to `message_stop`."""
    start = _message(question, answer, [])
    start["usage"] = start["usage"] | {"output_tokens": 1}
    yield _event("open", "message_start", {"message": start})
    yield _event("comment", "ping", {})
    for index, (block, filled) in enumerate(_blocks(answer)):
        yield _event(
            "open" if index == 0 else "content", "content_block_start", {"index": index, "content_block": block}
        )
        for delta in filled:
            yield _event("content", "content_block_delta", {"index": index, "delta": delta})
        yield _event("content", "content_block_stop", {"index": index})
    stop = {"stop_reason": STOP_REASONS.get(answer.reason, answer.reason), "stop_sequence": None}
    yield _event("finish", "message_delta", {"delta": stop, "usage": _usage(question, answer)})
    yield _event("finish", "message_stop", {})


def error(status: int, code: str, message: str) -> Json:
    """An error body."""
    return {
        "type": "error",
        "error": {"type": ERROR_TYPES.get(status, code), "message": message},
        "request_id": "req_loopback_anthropic",
    }


def stream_error(_code: str, message: str) -> Frame:
    """An `error` event inside a stream."""
    return _event("content", "error", {"error": {"type": "overloaded_error", "message": message}})


def hollow(body: Json, how: str) -> Json:
    """The body without its answer."""
    return body | {"content": {"empty": [], "null": None, "silent": []}[how]}


ANTHROPIC = Dialect(
    name="anthropic",
    read=read,
    whole=whole,
    stream=stream,
    error=error,
    stream_error=stream_error,
    hollow=hollow,
    headers={"request-id": "req_loopback_anthropic", "anthropic-organization-id": "org_loopback"},
)
