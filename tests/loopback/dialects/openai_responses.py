"""OpenAI's Responses API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.loopback.dialects import openai_chat
from tests.loopback.talk import Answer, Dialect, Frame, Json, Part, Question, Tool, flatten, last_user_text


def read(body: Json) -> Question:
    """Take a request apart."""
    asked = body.get("input") or []
    items: list[Json] = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    form = (body.get("text") or {}).get("format") or {}
    last = items[-1] if items else {}
    return Question(
        model=str(body.get("model", "")),
        text=last_user_text(items),
        last_role="tool" if last.get("type") == "function_call_output" else str(last.get("role", "user")),
        tools=tuple(
            Tool(tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool.get("type") == "function"
        ),
        choice=_choice(body.get("tool_choice")),
        schema=form.get("schema"),
        json_mode=form.get("type") == "json_object",
        streams=bool(body.get("stream")),
        wants_usage=True,
        thinks=bool(body.get("reasoning")),
        words=sum(len(flatten(item.get("content"))) for item in items),
    )


def _choice(choice: object) -> str:
    return str(choice.get("name", "any")) if isinstance(choice, dict) else openai_chat.choose(choice)


def _items(answer: Answer) -> Iterator[Json]:
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        yield {"type": "reasoning", "id": "rs_loopback", "summary": summary, "status": "completed"}
    if answer.text or not answer.calls:
        content = [{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}]
        yield {
            "type": "message",
            "id": "msg_loopback",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    for call in answer.calls:
        yield {
            "type": "function_call",
            "id": f"fc_{call.id}",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "status": "completed",
        }


def _usage(question: Question, answer: Answer) -> Json:
    used = answer.count(question)
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }


def _response(question: Question, answer: Answer, status: str, output: list[Json]) -> Json:
    return {
        "id": "resp_loopback",
        "object": "response",
        "created_at": openai_chat.CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": answer.served or question.model,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "text": {"format": _form(question)},
        "usage": _usage(question, answer) if status == "completed" else None,
    }


def _form(question: Question) -> Json:
    """The wish for a form, repeated: clients parse a stream only where the answer names its schema."""
    if question.schema is None:
        return {"type": "json_object" if question.json_mode else "text"}
    return {"type": "json_schema", "name": "answer", "schema": question.schema, "strict": True}


def whole(question: Question, answer: Answer) -> Json:
    """The answer in one piece."""
    return _response(question, answer, "completed", list(_items(answer))) | dict(answer.extra)


def _event(part: Part, kind: str, /, **body: Any) -> Frame:
    text = json.dumps({"type": kind, **body}, ensure_ascii=False)
    return Frame(part, f"event: {kind}\ndata: {text}\n\n".encode())


def stream(question: Question, answer: Answer) -> Iterator[Frame]:
    """The answer as events, from `response.created` to `response.completed`."""
    begun = _response(question, answer, "in_progress", [])
    yield _event("open", "response.created", response=begun, sequence_number=0)
    yield _event("open", "response.in_progress", response=begun, sequence_number=1)
    for index, item in enumerate(_items(answer)):
        yield from _FILL[item["type"]](index, item)
    finished = _response(question, answer, "completed", list(_items(answer)))
    yield _event("finish", "response.completed", response=finished, sequence_number=99)


def _fill_message(index: int, item: Json) -> Iterator[Frame]:
    place = {"output_index": index, "item_id": item["id"], "content_index": 0, "sequence_number": 2}
    part = item["content"][0]
    empty = item | {"content": [], "status": "in_progress"}
    yield _event("open", "response.output_item.added", output_index=index, item=empty, sequence_number=2)
    yield _event("open", "response.content_part.added", part=part | {"text": ""}, **place)
    for piece in Answer(text=part["text"]).pieces:
        yield _event("content", "response.output_text.delta", delta=piece, logprobs=[], **place)
    yield _event("content", "response.output_text.done", text=part["text"], logprobs=[], **place)
    yield _event("content", "response.content_part.done", part=part, **place)
    yield _event("content", "response.output_item.done", output_index=index, item=item, sequence_number=3)


def _fill_call(index: int, item: Json) -> Iterator[Frame]:
    place = {"output_index": index, "item_id": item["id"], "sequence_number": 2}
    empty = item | {"arguments": "", "status": "in_progress"}
    yield _event("content", "response.output_item.added", output_index=index, item=empty, sequence_number=2)
    middle = len(item["arguments"]) // 2
    for piece in (item["arguments"][:middle], item["arguments"][middle:]):
        yield _event("content", "response.function_call_arguments.delta", delta=piece, **place)
    yield _event("content", "response.function_call_arguments.done", arguments=item["arguments"], **place)
    yield _event("content", "response.output_item.done", output_index=index, item=item, sequence_number=3)


def _fill_reasoning(index: int, item: Json) -> Iterator[Frame]:
    place = {"output_index": index, "item_id": item["id"], "summary_index": 0, "sequence_number": 2}
    text = item["summary"][0]
    empty = item | {"summary": [], "status": "in_progress"}
    yield _event("open", "response.output_item.added", output_index=index, item=empty, sequence_number=2)
    yield _event("open", "response.reasoning_summary_part.added", part=text | {"text": ""}, **place)
    yield _event("content", "response.reasoning_summary_text.delta", delta=text["text"], **place)
    yield _event("content", "response.reasoning_summary_part.done", part=text, **place)
    yield _event("content", "response.output_item.done", output_index=index, item=item, sequence_number=3)


_FILL = {"message": _fill_message, "function_call": _fill_call, "reasoning": _fill_reasoning}


def stream_error(code: str, message: str) -> Frame:
    """An `error` event inside a stream."""
    return _event("content", "error", code=code, message=message, param=None, sequence_number=5)


def hollow(body: Json, how: str) -> Json:
    """The body without its answer."""
    return body | {"output": {"empty": [], "null": None, "silent": []}[how]}


RESPONSES = Dialect(
    name="openai_responses",
    read=read,
    whole=whole,
    stream=stream,
    error=openai_chat.error,
    stream_error=stream_error,
    hollow=hollow,
    headers={"x-request-id": "req_loopback_openai"},
)
