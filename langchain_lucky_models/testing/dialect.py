"""Answers in the form of OpenAI's chat completions, which every compatible server speaks."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from langchain_lucky_models.testing.behaviours import Asked, Fails, Says

Json = dict[str, Any]


def whole(asked: Asked, answer: Says) -> bytes:
    """The answer in one piece."""
    message = {"role": "assistant", "content": answer.text or None, **_tools(answer)}
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return _dump({**_frame(asked, "chat.completion"), "choices": [choice], "usage": _usage(asked, answer)})


def events(asked: Asked, answer: Says) -> list[bytes]:
    """The answer as the events of a stream: one that opens it, one for each word, and those that end it."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in words(answer.text)]
    deltas += [_tools(answer)] if answer.calls else []
    chunk = _frame(asked, "chat.completion.chunk")
    told = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    told.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(answer)}]})
    if (asked.body.get("stream_options") or {}).get("include_usage"):
        told.append({**chunk, "choices": [], "usage": _usage(asked, answer)})
    return [b"data: " + _dump(one) + b"\n\n" for one in told] + [b"data: [DONE]\n\n"]


def refusal(failure: Fails) -> bytes:
    """The body of a refusal."""
    return _dump({"error": {"message": failure.message, "type": "fake_error", "param": None, "code": failure.code}})


def words(text: str) -> list[str]:
    """A text in pieces that a stream may send.

    Example:
        >>> words("Hello  you.")
        ['Hello  ', 'you.']
    """
    return re.findall(r"\s*\S+\s*|\s+", text)


def _frame(asked: Asked, kind: str) -> Json:
    return {"id": "chatcmpl-fake", "object": kind, "created": int(time.time()), "model": asked.model}


def _tools(answer: Says) -> Json:
    if not answer.calls:
        return {}
    listed = [
        {"index": place, "id": f"call_{place}", "type": "function", "function": _function(*call)}
        for place, call in enumerate(answer.calls)
    ]
    return {"tool_calls": listed}


def _function(name: str, arguments: Mapping[str, object]) -> Json:
    return {"name": name, "arguments": json.dumps(arguments)}


def _finish(answer: Says) -> str:
    return "tool_calls" if answer.calls else "stop"


def _usage(asked: Asked, answer: Says) -> Json:
    counted = len(json.dumps(asked.body.get("messages")).split()), max(len(words(answer.text)), 1)
    questions, answers = answer.usage or counted
    return {"prompt_tokens": questions, "completion_tokens": answers, "total_tokens": questions + answers}


def _dump(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
