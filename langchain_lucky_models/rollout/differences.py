"""How two answers to the same question differ: in words, in structure, in the tools they call. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from langchain_lucky_models.asking.votes import words_of

MOST_WORDS = 300
"""Words of each answer that are compared one by one; comparing takes time in their square."""
MOST_CHARACTERS = 20_000
"""Characters of an answer that are looked at, and kept."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What of an answer is compared.

    Attributes:
        text: What it says.
        value: Its structure, where it has one, as JSON with sorted keys.
        tools: The tools it calls, with their arguments.
    """

    text: str
    value: str | None = None
    tools: tuple[str, ...] = ()

    @property
    def shape(self) -> str:
        """What kind of answer it is: `text`, `value` or `tools`."""
        return "tools" if self.tools else "text" if self.value is None else "value"


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one answer is from another.

    Attributes:
        same: Whether they say the same: the same tools called, the same value, or the same words.
        similarity: Of their words in order, from 0 to 1.
        same_shape: Whether both are texts, values, or calls of tools.
        same_tools: Whether they call the same tools with the same arguments.
    """

    same: bool
    similarity: float
    same_shape: bool
    same_tools: bool


def looks_of(answer: object) -> Looks:
    """What of an answer is compared; of a graph's state, its last message.

    Example:
        >>> looks_of({"city": "Bonn", "age": 2000})
        Looks(text='{"age": 2000, "city": "Bonn"}', value='{"age": 2000, "city": "Bonn"}', tools=())
    """
    said = _last_message(answer)
    if said is not None:
        answer = said
    if isinstance(answer, BaseMessage):
        calls = answer.tool_calls if isinstance(answer, AIMessage) else []
        return Looks(_cut(answer.text), None, tuple(sorted(f"{call['name']} {_json(call['args'])}" for call in calls)))
    if isinstance(answer, str):
        return Looks(_cut(answer))
    value = _json(answer)
    return Looks(_cut(value), value)


def difference_of(one: Looks, other: Looks) -> Difference:
    """How far one answer is from another. Case, spaces and the punctuation around a text do not matter.

    Example:
        >>> difference_of(Looks("It is Bonn."), Looks("it is  bonn"))
        Difference(same=True, similarity=1.0, same_shape=True, same_tools=True)
        >>> difference_of(Looks("It is Bonn."), Looks("It is Berlin.")).similarity
        0.667
    """
    words, others = _words(one.text), _words(other.text)
    same_shape = one.shape == other.shape
    same_tools = one.tools == other.tools
    same_content = words == others if one.shape == "text" else one.value == other.value
    matched = difflib.SequenceMatcher(None, words[:MOST_WORDS], others[:MOST_WORDS], autojunk=False).ratio()
    similarity = 1.0 if words == others else round(min(matched, 0.999), 3)
    return Difference(same_shape and same_tools and same_content, similarity, same_shape, same_tools)


def _last_message(state: object) -> BaseMessage | None:
    """The last message of a graph's state, or of what one of its nodes adds to that: `{"model": {"messages": […]}}`."""
    if isinstance(state, tuple) and state:
        return _last_message(state[-1])
    if not isinstance(state, Mapping):
        return None
    said = state.get("messages")
    if isinstance(said, Sequence) and said and isinstance(said[-1], BaseMessage):
        return said[-1]
    return _last_message(next(iter(state.values()))) if len(state) == 1 else None


def _words(text: str) -> list[str]:
    return words_of(text).split()


def _cut(text: str) -> str:
    return text[:MOST_CHARACTERS]


def _json(value: Any) -> str:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else to_jsonable_python(value, fallback=str)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
