"""The line for event loops: asyncio's own transports below, the scope's timers without a task of their own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from typing import cast

from langchain_lucky_models.wire.limits import KIB, WireLimits
from langchain_lucky_models.wire.lines import Line
from langchain_lucky_models.wire.resolving import Destination
from langchain_lucky_models.wire.scope import CallScope

MOST_WAITING = 256 * KIB
"""Bytes that may wait unread before the socket is left to fill."""


class AsyncLine(Line, asyncio.Protocol):
    """A line for one event loop."""

    def __init__(self, target: Destination, scope: CallScope, limits: WireLimits) -> None:
        super().__init__(target, scope, limits)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._reset = False
        self._full = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def connect(self, seconds: float) -> None:
        """Connect within so many seconds."""
        self.sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.scope.reaching = True
        try:
            async with asyncio.timeout(seconds):
                await self._loop.sock_connect(self.sock, self.target.address)
        except TimeoutError:
            if not self._stands():
                raise
        # What is waited for from here on is a turn of this loop, until something is sent.
        self.scope.reaching = False
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scope.time_left()

    async def start(self) -> None:
        """Speak plainly from here on."""
        await self._loop.create_connection(lambda: self, sock=self.sock)
        self.scope.time_left()  # a request whose time is over is not sent any more

    async def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Speak TLS from here on, inside of what is spoken already, if anything is."""
        self.scope.reaching = True
        async with asyncio.timeout(seconds):
            if self._transport is None:
                await self._loop.create_connection(lambda: self, sock=self.sock, ssl=context, server_hostname=host)
            else:
                self._transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        self.scope.time_left()

    def _stands(self) -> bool:
        """Whether the connection was made, although a crowded loop had no turn to notice it in time."""
        try:
            self.sock.getpeername()
        except OSError:
            return False
        return True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """What arrives next; the scope's timers count, not the timeout."""
        del timeout
        room = self._room(max_bytes)
        while not self._chunks and not self._ended:
            await self._news()
        return self._arrived(self._taken(room))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """Send it; a server that hung up may have answered all the same, so only reading tells."""
        del timeout
        if data := self._leaving(buffer):
            if self._transport is not None:
                self._transport.write(data)
            del data  # the frame outlives an error, the key must not
        while self._full and not self._ended:
            await self._news()

    def close(self) -> None:
        """Close the socket, if it is this process's own; from another thread it is left to the loop."""
        if self.inherited:
            return
        self._disarm()
        if self._transport is None or self._loop.is_closed():
            self.sock.close()
        elif _running_loop() is self._loop:
            self._transport.abort()
        else:
            self._loop.call_soon_threadsafe(self._transport.abort)

    async def aclose(self) -> None:
        """Same as `close`."""
        self.close()

    def unbind(self) -> None:
        """The request is over."""
        self._disarm()
        super().unbind()

    def get_extra_info(self, info: str) -> object:
        """Whether an idle line has anything to read, which means that the server has hung up."""
        return (bool(self._chunks) or self._ended) if info == "is_readable" else None

    # What the loop tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what writes; uvloop's is one in all but name."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came, and slow the server down if nobody takes it."""
        self._chunks.append(data)
        self._waiting += len(data)
        if self._waiting > MOST_WAITING and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come or go."""
        self._ended = True
        self._reset = self._reset or exc is not None
        self._wake()

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._full = True

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self._wake()

    # Waiting.

    def _taken(self, room: int) -> bytes:
        if not self._chunks:
            if self._reset:
                raise ConnectionResetError("the connection was reset")
            return b""
        data = self._chunks.popleft()
        if len(data) > room:
            self._chunks.appendleft(data[room:])
            data = data[:room]
        if self._waiting > MOST_WAITING >= self._waiting - len(data) and self._transport is not None:
            self._transport.resume_reading()
        self._waiting -= len(data)
        return data

    async def _news(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        try:
            self._arm()
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _arm(self) -> None:
        """One timer serves all reads of a request: it rings early, looks again, and is set anew."""
        due = self._loop.time() + self.scope.time_left()
        if self._timer is None or self._timer.when() > due:
            self._disarm()
            self._timer = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        try:
            self._arm()
        except OSError as error:
            self._waiter.set_exception(error)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
