"""Servers of raw bytes for what no decent server does, and the four ways to ask over a wire."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.wire import Ticket, Wire
from langchain_lucky_models.wire.flavours import FlavourName

KEY = "sk-canary-0123456789abcdef"
Mode = Literal["sync", "async"]

HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass
class Talk:
    """One request on one connection, as the server sees it."""

    sock: socket.socket
    request: bytes
    gone_at: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def wait_until_gone(self, within: float = 60.0) -> None:
        """Say nothing until the client leaves."""
        self.sock.settimeout(within)
        with suppress(OSError):
            while self.sock.recv(65536):
                pass
            self.gone_at = time.monotonic()
        self.gone_at = self.gone_at or time.monotonic()

    def reset(self) -> None:
        """Leave without a goodbye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


def hello(talk: Talk) -> None:
    """Answer like a decent server."""
    talk.send(HELLO)


class RawServer:
    """A server whose every answer is a function on a socket. It remembers what it was sent."""

    def __init__(
        self,
        answer: Callable[[Talk], None] = hello,
        tls: ssl.SSLContext | None = None,
        at: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.answer = answer
        self.talks: list[Talk] = []
        self.connections = 0
        self._left = 0
        self._change = threading.Condition()
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(at, backlog=256)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{at[0]}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    @property
    def received(self) -> bytes:
        """Everything that arrived."""
        return b"".join(talk.request for talk in self.talks)

    def all_left(self, within: float = 60.0) -> bool:
        """Whether somebody came, and everybody who came has left in the end."""
        with self._change:
            return self._change.wait_for(lambda: 0 < self.connections == self._left, within)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                self.connections += 1
                self._sockets.append(sock)
                threading.Thread(target=self._converse, args=(sock,), daemon=True).start()

    def _converse(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._sockets.append(sock)
            while request := _read_request(sock):
                talk = Talk(sock, request)
                self.talks.append(talk)
                try:
                    self.answer(talk)
                finally:
                    talk.over.set()
        sock.close()
        with self._change:
            self._left += 1
            self._change.notify_all()


def _read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = sock.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def credential(*origins: str, key: Any = KEY, owner: str = "user:ada", **more: Any) -> Credential:
    """A credential for servers of a test."""
    secret = None if key is None else Secret(key, field="api_key")
    return Credential("openai", owner, secret, frozenset(origins), **more)


@dataclass
class Asker:
    """Asks over a wire with one flavour, from a thread or from a loop of its own."""

    wire: Wire
    flavour: FlavourName
    mode: Mode

    def post(self, url: str, ticket: Ticket | None, **more: Any) -> Any:
        """The response, read to its end."""
        headers = {"Authorization": f"Bearer {ticket.text}"} if ticket else {}
        settings = {"headers": {**headers, **more.pop("headers", {})}, "content": b'{"q": 1}', **more}
        if self.mode == "sync":
            return self.wire.client(self.flavour).post(url, **settings)
        return asyncio.run(self.wire.async_client(self.flavour).post(url, **settings))

    def stream(self, url: str, ticket: Ticket, each: Callable[[bytes], object] = len) -> int:
        """Read a stream piece by piece; how many pieces came."""
        headers = {"Authorization": f"Bearer {ticket.text}"}
        if self.mode == "sync":
            with self.wire.client(self.flavour).stream("POST", url, headers=headers, content=b"{}") as response:
                return len([each(piece) for piece in response.iter_bytes()])
        return asyncio.run(self._astream(url, headers, each))

    async def _astream(self, url: str, headers: dict[str, str], each: Callable[[bytes], object]) -> int:
        async with self.wire.async_client(self.flavour).stream("POST", url, headers=headers, content=b"{}") as response:
            return len([each(piece) async for piece in response.aiter_bytes()])

    def error(self, name: str) -> type[Exception]:
        """The flavour's error of that name."""
        module = __import__(self.flavour)
        kind: type[Exception] = getattr(module, name)
        return kind
