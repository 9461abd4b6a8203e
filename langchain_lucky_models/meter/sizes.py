"""How large a question is before anybody has counted it, and an answer that nobody has.

Two figures for a question. `most` is no less than any provider counts: a token stands for one byte at least, so that
what is held for a text is never too little; what is too much comes back with the answer. `likely` is about right, and
is what records say, marked as estimated, where a provider reports nothing. Pictures and sound are flat guesses in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from langchain_core.messages import AIMessage, BaseMessage

AROUND_MESSAGE = 8
"""Tokens that a provider's template puts around each message, at most."""
AROUND_QUESTION = 16
PICTURE = 3_000
"""Tokens of a picture; the dearest models count more for a large one, most of them a tenth."""
BYTES_A_TOKEN = 4
"""Of ordinary English; other languages have more bytes for each letter, and as many for each token."""
SOUND_BYTES_A_TOKEN = 400

OUTPUT_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")
"""The words by which callers bound an answer."""
_NESTED = ("extra_body", "model_kwargs", "options")
_PICTURES = frozenset({"image", "image_url", "input_image"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """A count before it is known.

    Attributes:
        most: Not fewer than anybody will count.
        likely: About as many as will be counted.
    """

    most: int = 0
    likely: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.most + other.most, self.likely + other.likely)


NO_TOKENS = Tokens()


def tokens_in(messages: Sequence[BaseMessage], keywords: Mapping[str, Any]) -> Tokens:
    """The size of a question.

    Args:
        messages: The prompt.
        keywords: What goes with it; tools and schemas are part of the prompt.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> tokens_in([HumanMessage("Hello, how are you?")], {})
        Tokens(most=43, likely=12)
    """
    total = Tokens(AROUND_QUESTION, 3)
    for message in messages:
        total += Tokens(AROUND_MESSAGE, 4) + _content(message.content)
        if isinstance(message, AIMessage) and message.tool_calls:
            total += _text(_json([(call["name"], call["args"]) for call in message.tool_calls]))
    further = {key: value for key, value in keywords.items() if isinstance(value, list | dict)}
    return total + _text(_json(further)) if further else total


def tokens_shown(message: AIMessage) -> int:
    """About how many tokens of an answer have come.

    Example:
        >>> tokens_shown(AIMessage("Hello, how are you?"))
        5
    """
    calls = _json([call["args"] for call in message.tool_calls]) if message.tool_calls else b""
    return (_content(message.content) + _text(calls)).likely


def bound_on_output(*given: Mapping[str, Any]) -> int | None:
    """The bound that a caller has set on the answer, by whatever name; the smallest, where there are several.

    Example:
        >>> bound_on_output({"max_tokens": 50}, {"extra_body": {"max_completion_tokens": 20}}), bound_on_output({})
        (20, None)
    """
    found = [value for keywords in given for value in _bounds(keywords)]
    return min(found, default=None)


def answers_wanted(*given: Mapping[str, Any]) -> int:
    """How many answers a request asks for: each may be as long as the bound."""
    found = [value for keywords in given if isinstance(value := keywords.get("n"), int)]
    return max([1, *found])


def _bounds(keywords: Mapping[str, Any]) -> Iterable[int]:
    for word in OUTPUT_BOUNDS:
        value = keywords.get(word)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            yield value
    for name in _NESTED:
        if isinstance(inner := keywords.get(name), Mapping):
            yield from _bounds(inner)


def _content(content: str | list[Any]) -> Tokens:
    if isinstance(content, str):
        return _text(content.encode("utf-8", "surrogatepass"))
    total = NO_TOKENS
    for block in content:
        total += _block(block)
    return total


def _block(block: object) -> Tokens:
    if not isinstance(block, Mapping):
        return _text(str(block).encode("utf-8", "surrogatepass"))
    kind = block.get("type")
    if kind in _PICTURES:
        return Tokens(PICTURE, PICTURE // 3)
    if kind in {"text", "reasoning", "thinking"} and isinstance(text := block.get("text") or block.get(str(kind)), str):
        return _text(text.encode("utf-8", "surrogatepass"))
    size = len(_json(block))
    # Sound and files travel as base64, which says little about their tokens, but bounds them.
    if kind in {"audio", "input_audio", "video", "file", "document"}:
        return Tokens(PICTURE + size // BYTES_A_TOKEN, size // SOUND_BYTES_A_TOKEN)
    return Tokens(size, size // BYTES_A_TOKEN)


def _text(encoded: bytes) -> Tokens:
    size = len(encoded)
    return Tokens(size, -(-size // BYTES_A_TOKEN))


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
