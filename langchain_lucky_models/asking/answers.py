"""What an attempt brings: a whole answer, or a stream that has begun."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_lucky_models import errors
from langchain_lucky_models.asking.flows import Flow
from langchain_lucky_models.asking.members import Member
from langchain_lucky_models.asking.meter import Visit


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A whole answer, and who gave it.

    Attributes:
        member: Whose it is.
        result: As LangChain has it.
        value: What it says in the structure that was wished for, where it had to parse.
    """

    member: Member
    result: ChatResult
    value: object = None

    @property
    def message(self) -> AIMessage:
        """The answer itself."""
        return cast("AIMessage", self.result.generations[0].message)

    @property
    def usage(self) -> UsageMetadata | None:
        """What the provider says it used."""
        return self.message.usage_metadata

    def close(self) -> None:
        """Nothing is left open."""

    async def aclose(self) -> None:
        """Same as `close`."""


class Opener(Protocol):
    """The attempt that opened a stream, and stays responsible for it until its end."""

    @property
    def visit(self) -> Visit | None:
        """What has to be settled at the end."""

    def abort(self) -> None:
        """End it at once."""

    def explain(self, error: Exception) -> errors.CallError:
        """What an exception means."""


class Opened:
    """A stream that has begun to answer: what came before its first content, and where the rest comes from."""

    def __init__(self, member: Member, flow: Flow, opener: Opener) -> None:
        self.member = member
        self.flow = flow
        self.chunks: Iterator[ChatGenerationChunk] = iter(())
        self.achunks: AsyncIterator[ChatGenerationChunk] | None = None
        self._opener = opener
        self._ready: list[ChatGenerationChunk] = []

    @property
    def usage(self) -> UsageMetadata | None:
        """What the provider said it used, so far."""
        return self.flow.usage

    @property
    def message(self) -> AIMessage:
        """The message so far."""
        return self.flow.partial()

    def begins_with(self, chunk: ChatGenerationChunk) -> bool:
        """Note a chunk that came before the stream was shown; true once there is content."""
        if self.flow.take(chunk):
            self._ready.append(chunk)
        return self.flow.begun

    def follow(self) -> Iterator[ChatGenerationChunk]:
        """The chunks to show, up to the end that the provider announced."""
        yield from self._ready
        with self._settled():
            for chunk in self.chunks:
                if self.flow.take(chunk):
                    yield chunk
            self.flow.check()

    async def afollow(self) -> AsyncIterator[ChatGenerationChunk]:
        """Same as `follow`."""
        for chunk in self._ready:
            yield chunk
        with self._settled():
            if self.achunks is not None:
                async for chunk in self.achunks:
                    if self.flow.take(chunk):
                        yield chunk
            self.flow.check()

    @contextmanager
    def _settled(self) -> Iterator[None]:
        visit = self._opener.visit
        assert visit is not None, "only who was admitted has begun to answer"  # noqa: S101
        try:
            with self.flow.guarded(self._opener.explain):
                yield
        except (errors.StreamInterruptedError, errors.UnfitAnswerError) as broken:
            visit.settle(broken)
            raise
        visit.settle()

    def close(self) -> None:
        """Close the connection, if it still stands."""
        self._opener.abort()
        if isinstance(self.chunks, Generator):
            self.chunks.close()
        self.flow.leave()

    async def aclose(self) -> None:
        """Same as `close`."""
        self._opener.abort()
        if isinstance(self.achunks, AsyncGenerator):
            await self.achunks.aclose()
        self.flow.leave()


def as_chunks(result: ChatResult) -> list[ChatGenerationChunk]:
    """A whole answer as a stream of one chunk."""
    generation = result.generations[0]
    message = cast("AIMessage", generation.message)
    chunk = AIMessageChunk(**message.model_dump(exclude={"type"}))
    return [ChatGenerationChunk(message=chunk, generation_info=generation.generation_info)]


async def as_achunks(result: ChatResult) -> AsyncIterator[ChatGenerationChunk]:
    """Same as `as_chunks`, for whoever reads in an event loop."""
    for chunk in as_chunks(result):
        yield chunk
