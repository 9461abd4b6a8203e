"""What a fake provider is asked, and what it may do then. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HELLO = "Hello from the fake provider."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that came.

    Attributes:
        model: Whom it is for, by the provider's own id.
        body: All of it, as it was sent.
        key: The API key that it came with.
    """

    model: str
    body: Mapping[str, Any] = field(repr=False)
    key: str = field(default="", repr=False)

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted as a stream."""
        return bool(self.body.get("stream"))

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The conversation."""
        found: Sequence[Mapping[str, Any]] = self.body.get("messages", ())
        return found

    @property
    def text(self) -> str:
        """The last message, without its pictures and files.

        Example:
            >>> Asked("m", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}).text
            'Hi'
        """
        content = self.messages[-1].get("content") if self.messages else None
        parts = [{"text": content}] if isinstance(content, str) else content or ()
        return "".join(part.get("text", "") for part in parts)


@dataclass(frozen=True, slots=True)
class Says:
    """A good answer.

    Attributes:
        text: Its words; a stream has a chunk for each.
        calls: The tools it calls, each with its arguments.
        usage: Tokens of the question and of the answer; by default their words are counted.
        delay: Seconds before it begins.
        pace: Seconds between two chunks of a stream.
    """

    text: str = HELLO
    calls: Sequence[tuple[str, Mapping[str, object]]] = ()
    usage: tuple[int, int] | None = None
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True)
class Fails:
    """A refusal.

    Attributes:
        status: Of HTTP: 401, 429, 503, …
        message: What the provider says.
        code: Its own word for it, such as `context_length_exceeded` or `insufficient_quota`.
        retry_after: Seconds, or whatever else the header of that name is to say.
    """

    status: int
    message: str = "the fake provider fails as it was told"
    code: str | None = None
    retry_after: float | str | None = None


@dataclass(frozen=True, slots=True)
class Hangs:
    """Silence, until whoever asks has had enough.

    Attributes:
        after: Words of a stream that come before it.
        text: The answer that they begin.
    """

    after: int = 0
    text: str = HELLO


@dataclass(frozen=True, slots=True)
class BreaksOff:
    """An answer whose connection breaks in the middle.

    Attributes:
        after: Words of a stream that come before that; a whole answer breaks off half way.
        text: The answer that they begin.
    """

    after: int = 2
    text: str = HELLO


Done = Says | Fails | Hangs | BreaksOff | str
"""What may be done with a question; a text stands for what `Says` it."""
Behaviour = Done | Callable[[Asked], Done]
"""That, or a function of the question."""
