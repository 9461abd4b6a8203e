"""Requests of the openai package that go out unwalked: the same bytes, the same refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import openai
import pytest
from openai._utils import PropertyInfo
from openai.resources.chat import AsyncCompletions, Completions
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

from langchain_lucky_models.providers.plain_requests import AsyncPlainCompletions, PlainCompletions
from tests.loopback import Provider

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
PLAIN: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "tuned": {**PLAIN, "temperature": 0, "stop": ["x"], "n": 1, "seed": 7, "logit_bias": {"5": -1}, "user": None},
    "streamed": {**PLAIN, "stream": True, "stream_options": {"include_usage": True}},
    "not streamed": {**PLAIN, "stream": False},
    "tools": {**PLAIN, "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False},
    "structured": {**PLAIN, "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
    "picture": {**PLAIN, "messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, PICTURE]}]},
    "beside": {
        **PLAIN,
        "extra_body": {"models": ["m-2"], "model": "m-3"},
        "extra_headers": {"x-of": "ada"},
        "extra_query": {"api-version": "7"},
        "timeout": 20.0,
    },
}


class Weather(BaseModel):
    """A class, which only `parse` takes."""


@pytest.fixture
def clients(provider: Provider) -> Iterator[tuple[openai.OpenAI, openai.AsyncOpenAI]]:
    """Bare clients of the package."""
    url, key = f"{provider.url}/v1", "sk-of-nobody"
    with openai.OpenAI(base_url=url, api_key=key) as client:
        yield client, openai.AsyncOpenAI(base_url=url, api_key=key)


@pytest.mark.parametrize("words", REQUESTS.values(), ids=REQUESTS)
async def test_send_what_the_package_sends(
    provider: Provider, clients: tuple[openai.OpenAI, openai.AsyncOpenAI], words: dict[str, Any]
) -> None:
    client, async_client = clients
    for completions in (Completions(client), PlainCompletions(client)):
        answer = completions.create(**words)
        assert [*answer] if words.get("stream") else answer.choices
    async with async_client:
        for acompletions in (AsyncCompletions(async_client), AsyncPlainCompletions(async_client)):
            answer = await acompletions.create(**words)
            assert [piece async for piece in answer] if words.get("stream") else answer.choices
    first, *others = provider.requests
    for request in others:
        assert (request.json, request.path) == (first.json, first.path)
        assert ("x-of" in dict(request.headers)) == ("extra_headers" in words)
    assert len(others) == 3


@pytest.mark.parametrize(
    "words",
    [{**PLAIN, "colour": "red"}, {"model": "m-1"}, {**PLAIN, "response_format": Weather}],
    ids=["unknown word", "no question", "a class"],
)
def test_refuse_what_the_package_refuses(
    provider: Provider, clients: tuple[openai.OpenAI, openai.AsyncOpenAI], words: dict[str, Any]
) -> None:
    client, _ = clients
    said = []
    for completions in (Completions(client), PlainCompletions(client)):
        with pytest.raises(TypeError) as refusal:
            completions.create(**words)
        said.append(str(refusal.value))
    assert said[0] == said[1]
    assert provider.requests == []


def test_the_package_would_rename_nothing() -> None:
    """What is not walked needs no walk: no field of the form, however deep, has another name for the server."""
    seen: set[object] = set()
    assert [*_renamed(CompletionCreateParamsStreaming, seen), *_renamed(CompletionCreateParamsNonStreaming, seen)] == []
    assert len(seen) > 20


def _renamed(kind: Any, seen: set[object]) -> Iterator[PropertyInfo]:
    if get_origin(kind) is Annotated:
        yield from (note for note in kind.__metadata__ if isinstance(note, PropertyInfo))
        yield from _renamed(kind.__origin__, seen)
    elif is_typeddict(kind):
        if kind not in seen:
            seen.add(kind)
            for hint in get_type_hints(kind, include_extras=True).values():
                yield from _renamed(hint, seen)
    else:
        for part in get_args(kind):
            if not isinstance(part, str | int):
                yield from _renamed(part, seen)
