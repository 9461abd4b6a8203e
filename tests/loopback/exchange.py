"""One request being answered: what a behaviour may use to answer it, and the behaviour that answers it well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate

from tests.loopback import wire
from tests.loopback.talk import Answer, Dialect, Frame, Json, Question
from tests.loopback.wire import Line, Request


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, what it means, what the answer would be, and the connection to say it on."""

    line: Line
    request: Request
    dialect: Dialect
    question: Question
    answer: Answer
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> list[Frame]:
        """The answer as the events of a stream."""
        return list(self.dialect.stream(self.question, self.answer))

    @property
    def body(self) -> bytes:
        """The answer in one piece."""
        return dump(self.dialect.whole(self.question, self.answer))

    async def begin(self, *, length: int | None = None, media: str | None = None) -> None:
        """Send the headers of a good answer."""
        media = media or (self.dialect.media if self.question.streams else "application/json")
        pairs = {"content-type": media, "date": formatdate(usegmt=True), **self.headers}
        await self.line.send(wire.head(200, pairs, length=length))

    async def whole(self, status: int, body: bytes, headers: wire.Headers = (), *, media: str = "") -> None:
        """Send a complete response."""
        more = wire.pair_up(headers)
        named = {key.lower() for key, _ in more}
        own = [("date", formatdate(usegmt=True)), *self.headers.items()]
        pairs = [*((key, value) for key, value in own if key not in named), *more]
        await self.line.send(wire.whole(status, body, pairs, media=media or "application/json"))

    async def send_frames(self, frames: Iterable[Frame], *, pace: float = 0.0) -> None:
        """Send events, each in a chunk of its own."""
        for frame in frames:
            await self.line.send(wire.chunk(frame.data))
            if pace:
                await asyncio.sleep(pace)


Fault = Callable[[Exchange], Awaitable[None]]
"""A behaviour: it answers an exchange, or does something worse."""


def dump(body: Json) -> bytes:
    """A JSON body as bytes."""
    return json.dumps(body, ensure_ascii=False).encode()


async def answer_whole(exchange: Exchange) -> None:
    """Answer as a healthy provider does."""
    await asyncio.sleep(exchange.answer.delay)
    if not exchange.question.streams:
        await exchange.whole(200, exchange.body)
        return
    await exchange.begin()
    await exchange.send_frames(exchange.frames, pace=exchange.answer.pace)
    await exchange.line.send(wire.LAST_CHUNK)
