"""What a stream says more than once, or too early, is kept back and said once, at its end.

Chunks are merged by adding them up: a running total that comes with every chunk would be counted each time, a finish
reason that comes twice would read "stopstop", and two costs cannot be added at all.
"""

from __future__ import annotations

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

from langchain_lucky_models.providers.answers import countable

LAST_WORDS = ("cost", "cost_details")
DETAILS = "reasoning_details"
SPOKEN = ("text", "summary", "data")
"""The parts of a reasoning detail that come in pieces; of the others, the newest holds."""
CALLS_BEGIN = 1_000
"""LangChain merges blocks of equal place; counted from here, a tool's call never falls into the text before it."""
REPEATED = frozenset({"logprobs"})
"""What belongs to its chunk and is rightly said with each."""


class StreamTail:
    """One stream's last words."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._usage: UsageMetadata | None = None
        self._words: dict[str, object] = {}
        self._details: dict[object, dict[str, object]] = {}

    def hold_back(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """The chunk without what is said at the end, and without what was said before."""
        info = chunk.generation_info
        if info:
            chunk.generation_info = {name: value for name, value in info.items() if name not in self._said} or None
            self._said.update(name for name, value in info.items() if value is not None and name not in REPEATED)
        message = chunk.message
        if isinstance(message, AIMessageChunk):
            self._take(message)
        return chunk

    def last(self) -> ChatGenerationChunk | None:
        """One empty chunk with everything that was held back, if anything was."""
        if not (self._usage or self._words or self._details):
            return None
        details = {DETAILS: list(self._details.values())} if self._details else {}
        return ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=self._usage,
                response_metadata=self._words,
                additional_kwargs=details,
            )
        )

    def _take(self, message: AIMessageChunk) -> None:
        for call in message.tool_call_chunks:
            if call["index"] is not None:
                call["index"] += CALLS_BEGIN
        if message.usage_metadata is not None:
            self._usage, message.usage_metadata = countable(message.usage_metadata), None
        for name in LAST_WORDS:
            if name in message.response_metadata:
                self._words[name] = message.response_metadata.pop(name)
        for detail in message.additional_kwargs.pop(DETAILS, ()):
            self._add(detail)

    def _add(self, detail: dict[str, object]) -> None:
        place = detail.get("index", len(self._details))
        whole = self._details.setdefault(place, {})
        for name, value in detail.items():
            before = whole.get(name)
            together = name in SPOKEN and isinstance(before, str) and isinstance(value, str)
            if together or value is not None:
                whole[name] = f"{before}{value}" if together else value
