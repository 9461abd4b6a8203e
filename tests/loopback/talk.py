"""What is asked and what is answered, in words that every dialect shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Part = Literal["open", "content", "finish", "usage", "end", "comment"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the caller offers."""

    name: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a model, whatever dialect it came in.

    Attributes:
        model: The model as it was asked for.
        text: The last words of the user.
        last_role: Who spoke last: `user`, `tool`, `assistant`, `system`.
        choice: `auto`, `none`, `any`, or the name of a tool.
        schema: The JSON schema the answer has to follow, where one was given.
        json_mode: Whether the answer has to be a JSON object of any form.
        words: How much was said in all, in characters.
    """

    model: str
    text: str
    last_role: str = "user"
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    schema: Json | None = None
    json_mode: bool = False
    streams: bool = False
    wants_usage: bool = False
    thinks: bool = False
    words: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; the arguments are text, so that a test may send broken ones."""

    name: str
    arguments: str
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was counted. `cached`, `written` and `audio_input` are part of `input`, the others of `output`."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    audio_input: int = 0
    audio_output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says.

    Attributes:
        served: The model name in the answer; the one asked for where it is None.
        usage: What was counted; derived from the lengths where it is None.
        delay: Seconds before the first byte.
        pace: Seconds between two parts of a stream.
        extra: Keys laid over the body, or over the chunk that carries the usage, of OpenAI-like answers.
    """

    text: str = "Hello from the loopback model."
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    finish: str | None = None
    served: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    delay: float = 0.0
    pace: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pieces(self) -> list[str]:
        """The text as a stream brings it: word by word."""
        return split_words(self.text)

    @property
    def reason(self) -> str:
        """Why the answer ends, in OpenAI's words."""
        return self.finish or ("tool_calls" if self.calls else "stop")

    def count(self, question: Question) -> Usage:
        """What this answer to that question is said to have used."""
        said = len(self.text) + sum(len(call.arguments) for call in self.calls)
        return self.usage or Usage(input=max(1, question.words // 4), output=max(1, said // 4))


def split_words(text: str) -> list[str]:
    """Cut a text into words that keep the blanks behind them."""
    return re.findall(r"\S+\s*|^\s+", text)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream and the part it plays, so that faults can be told in any dialect."""

    part: Part
    data: bytes


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's way to write questions and answers.

    Attributes:
        media: The content type of a stream.
        headers: What every answer carries besides.
        error: Status, code and message as this provider's error body.
        stream_error: Code and message as the event that breaks a stream which began with 200.
        hollow: A body made empty: `empty` (an empty list), `null` (no list), `silent` (a message without content).
    """

    name: str
    read: Callable[[Json], Question]
    whole: Callable[[Question, Answer], Json]
    stream: Callable[[Question, Answer], Iterable[Frame]]
    error: Callable[[int, str, str], Json]
    stream_error: Callable[[str, str], Frame]
    hollow: Callable[[Json, str], Json]
    media: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


def flatten(content: object) -> str:
    """The text of a message's content, whether it is a string or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(_block_text(block) for block in content)


def _block_text(block: object) -> str:
    if not isinstance(block, dict):
        return str(block)
    return str(block.get("text") or flatten(block.get("content")) or "")


def last_user_text(messages: list[Json]) -> str:
    """What the user said last."""
    said = (message.get("content") for message in reversed(messages) if message.get("role") == "user")
    return flatten(next(said, ""))
