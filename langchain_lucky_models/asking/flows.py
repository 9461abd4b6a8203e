"""One member's stream: what has come, what may be shown, whether it is complete. Pure bookkeeping, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk

from langchain_lucky_models import errors
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.wire import CallScope

REFUSED = frozenset({"content_filter", "refusal", "safety"})
"""Finish reasons of a provider's content policy."""
CUT_SHORT = frozenset({"length", "max_tokens", "incomplete"})
"""Finish reasons after which an answer may rightly be empty: its tokens went into thinking."""


class Flow:
    """What one member has sent so far.

    Args:
        ref: The member.
        family: How its provider ends an answer.
        scope: Whose timers the content feeds.
        stall: Seconds between two pieces of content.
    """

    def __init__(self, ref: ModelRef, family: Family, scope: CallScope, stall: float | None) -> None:
        self.begun = False
        self.complete = False
        self.usage: UsageMetadata | None = None
        self.tail: list[ChatGenerationChunk] = []
        self._ref = ref
        self._family = family
        self._scope = scope
        self._stall = stall
        self._received: list[ChatGenerationChunk] = []

    def take(self, chunk: ChatGenerationChunk) -> bool:
        """Note a chunk.

        Returns:
            Whether it may be shown now. Chunks from the end on are kept in `tail`, so that the last of them can
            carry what is only known afterwards.
        """
        message: AIMessageChunk = chunk.message  # type: ignore[assignment]  # a cast would be a call for every chunk
        self._received.append(chunk)
        if message.usage_metadata:
            self.usage = add_usage(self.usage, message.usage_metadata)
        if shows_content(message):
            self.begun = True
            # Only content feeds the timer: comments and empty chunks do not come here.
            self._scope.expect("stall", self._stall)
        if not self.complete and (chunk.generation_info or len(message.response_metadata) > 1):
            self.complete = self._family.ended(chunk)
        if self.complete:
            self.tail.append(chunk)
        return not self.complete

    def check(self) -> None:
        """At the end of the stream: was it one?

        Raises:
            StreamTruncatedError: The provider never said that it was done.
            ProtocolError: It was done without having said anything.
            ContentRefusedError: Its content policy ended it before anything was said.
        """
        if not self.complete:
            broken = any(self._family.finish(chunk) for chunk in self._received[-2:])
            how = "the provider broke it off with an error" if broken else "it ended without the provider's word"
            raise errors.StreamTruncatedError(
                f"{self._ref}: the stream is not complete: {how}.", partial=self.partial()
            )
        if not self.begun:
            check_content(self._ref, self._family, self._received[-1], *self._received)

    def partial(self) -> AIMessage:
        """The message so far."""
        chunks = [cast("AIMessageChunk", chunk.message) for chunk in self._received]
        whole = sum(chunks[1:], chunks[0]) if chunks else AIMessageChunk(content="")
        return cast("AIMessage", message_chunk_to_message(whole))

    def leave(self) -> None:
        """Nobody reads on: close its connection, if it still stands."""
        self._scope.leave()

    @contextmanager
    def guarded(self, explain: Callable[[Exception], errors.CallError]) -> Iterator[None]:
        """Turn a break after the first content into a `StreamInterruptedError` that carries the text so far.

        What breaks after the provider has said that it is done, a bill that cannot be read perhaps, costs nobody the
        answer: only what it used is not known then.
        """
        try:
            yield
        except errors.StreamInterruptedError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: whatever broke it, the partial text is kept
            if self.complete:
                return
            found = explain(error)
            if isinstance(found, errors.UnfitAnswerError):
                raise found from None  # nothing broke: it says something else than was wished for
            raise errors.StreamInterruptedError(
                f"{self._ref}: the stream broke after content was shown: {found}",
                partial=self.partial(),
                facts=found.facts,
            ) from None


def shows_content(message: BaseMessage) -> bool:
    """Whether a message or chunk holds anything a user would see: text, thinking, a tool call."""
    content = message.content
    if isinstance(content, str):
        if content:
            return True
    elif any(not isinstance(block, dict) or block.get("type") != "text" or block.get("text") for block in content):
        return True
    calls = getattr(message, "tool_call_chunks", None) or getattr(message, "tool_calls", None)
    # OpenAI's package notes that there was no refusal.
    further = any(message.additional_kwargs.values())
    return bool(calls or getattr(message, "invalid_tool_calls", None) or further)


def check_content(ref: ModelRef, family: Family, last: ChatGeneration, *others: ChatGeneration) -> None:
    """Refuse a complete answer that says nothing.

    Raises:
        ContentRefusedError: The provider's content policy ended it.
        ProtocolError: It is just empty.
    """
    reason = next((finish for answer in (last, *others) if (finish := family.finish(answer))), None)
    if reason in REFUSED:
        raise errors.ContentRefusedError(f"{ref}: the provider's content policy refused the answer ({reason}).")
    if reason not in CUT_SHORT:
        raise errors.ProtocolError(f"{ref}: the answer is empty (finish reason: {reason}).")
