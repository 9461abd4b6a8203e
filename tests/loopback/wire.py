"""HTTP/1.1 by hand, because a fault server has to be able to break every rule of it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.loopback.talk import Json

MOST_HEAD = 1 << 20
REASONS = {200: "OK", 307: "Temporary Redirect", 401: "Unauthorized", 429: "Too Many Requests", 503: "Unavailable"}

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(eq=False, slots=True)
class Request:
    """A request as it arrived.

    Attributes:
        connection: Which connection it came over, counted from 1.
        at: When it had arrived, on the monotonic clock.
        done_at: When its answer had been sent whole.
        gone_at: When the client left before its answer was whole.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)
    done_at: float | None = None
    gone_at: float | None = None

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def key(self) -> str | None:
        """The API key it came with, whichever way."""
        bearer = (self.header("authorization") or "").removeprefix("Bearer ").strip()
        return self.header("x-api-key") or bearer or None

    @property
    def json(self) -> Json:
        """The body, parsed; empty where there is none."""
        return json.loads(self.body) if self.body else {}

    @property
    def model(self) -> str | None:
        """The model it asks for."""
        return self.json.get("model") if self.body.startswith(b"{") else None


class Line(asyncio.StreamReaderProtocol):
    """A connection that knows the moment its client leaves."""

    def __init__(
        self, serve: Callable[[Line], Awaitable[None]], loop: asyncio.AbstractEventLoop, standing: set[Line]
    ) -> None:
        super().__init__(asyncio.StreamReader(limit=MOST_HEAD, loop=loop), self._begin, loop=loop)
        self._serve = serve
        self._standing = standing
        self.gone = asyncio.Event()
        self.broken = False

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        try:
            await self._serve(self)
        except asyncio.CancelledError:
            # Only a server that closes cancels its conversations; what nobody has taken yet is not waited for.
            writer.transport.abort()
        finally:
            writer.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._standing.add(self)
        self.socket = transport
        super().connection_made(transport)

    def break_off(self) -> None:
        """End it now, whatever the client has not taken yet."""
        if isinstance(self.socket, asyncio.WriteTransport):
            self.socket.abort()

    def eof_received(self) -> bool | None:
        """The client has closed its side."""
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._standing.discard(self)
        self.gone.set()
        super().connection_lost(exc)

    async def send(self, data: bytes) -> None:
        """Write, and wait until the client takes it."""
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing, for ever: the client's leaving ends the exchange."""
        await asyncio.Event().wait()

    def close(self) -> None:
        """End the connection in order."""
        self.broken = True
        self.writer.close()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.broken = True
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def read_request(line: Line, connection: int) -> Request | None:
    """The next request on a connection, or None where the client has had enough."""
    try:
        head = await line.reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *rest = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ", 2)
    headers = tuple((key.lower(), value.strip()) for key, _, value in (row.partition(":") for row in rest))
    length = int(dict(headers).get("content-length", 0))
    return Request(method, path, headers, await line.reader.readexactly(length), connection)


def pair_up(headers: Headers) -> list[tuple[str, str]]:
    """Headers as pairs; a pair may come twice, a key of a mapping may not."""
    return [*headers.items()] if isinstance(headers, Mapping) else [*headers]


def head(status: int, headers: Headers = (), *, length: int | None = None) -> bytes:
    """A status line and headers; chunked where no length is given."""
    pairs = pair_up(headers)
    pairs.append(("transfer-encoding", "chunked") if length is None else ("content-length", str(length)))
    rows = "".join(f"{key}: {value}\r\n" for key, value in pairs)
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n{rows}\r\n".encode("latin-1")


def whole(status: int, body: bytes, headers: Headers = (), *, media: str = "application/json") -> bytes:
    """A complete response."""
    pairs = pair_up(headers)
    return head(status, [("content-type", media), *pairs], length=len(body)) + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LAST_CHUNK = b"0\r\n\r\n"
