"""A connection's socket: the request's keys go on here, its timers count here, and here it can be cut."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress

from langchain_lucky_models import errors
from langchain_lucky_models.wire.limits import KIB, WireLimits
from langchain_lucky_models.wire.resolving import Destination
from langchain_lucky_models.wire.scope import CallScope
from langchain_lucky_models.wire.seals import Seal

HEAD_PIECE = 16 * KIB


class Line:
    """What both kinds of lines share: to whom they belong, what leaves, what arrives."""

    def __init__(self, target: Destination, scope: CallScope, limits: WireLimits) -> None:
        self.sock = socket.socket(target.family, socket.SOCK_STREAM)
        self.target = target
        self.scope = scope
        self._limits = limits
        self._process = os.getpid()
        self._grip: socket.socket | None = None
        self._seal: Seal | None = None
        self._head: bytes | None = None
        self._head_left: int | None = limits.head_bytes
        self._unsent = False
        scope.hold(self)

    def bind(self, scope: CallScope, seal: Seal | None) -> None:
        """The next request on this line belongs to the scope, and carries the seal's keys."""
        self.scope = scope
        self._seal = seal
        self._head = None
        self._head_left = self._limits.head_bytes
        self._unsent = True
        scope.hold(self)

    def answered(self) -> None:
        """The head of the answer is complete."""
        self._head_left = None

    def unbind(self) -> None:
        """The request is over; the line belongs to nobody until the next one."""
        self.scope.drop(self)
        self._seal = self._head = None

    def cut(self, scope: CallScope) -> None:
        """Shut the socket from any thread, unless it serves another scope by now."""
        if self.scope is scope:
            with suppress(OSError):
                # An SSLSocket's own shutdown forgets its TLS state under the hands of the thread that reads.
                socket.socket.shutdown(self._grip or self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket, if it is this process's own."""
        if not self.inherited:
            self.sock.close()

    @property
    def inherited(self) -> bool:
        """Whether a parent process owns the socket: then it is left alone."""
        return os.getpid() != self._process

    def _leaving(self, data: bytes) -> bytes:
        """What is sent now. The head waits for the first of the body, so that both leave in one piece."""
        if self._unsent:
            self._unsent = False
            self._head = data
            return b""
        if self._head is None:
            return data
        head, self._head = self._head, None
        self.scope.sent = True
        return (self._seal.sealed(head) if self._seal else head) + data

    def _room(self, max_bytes: int) -> int:
        """How much may arrive at once: little, while the answer's head is not complete.

        Raises:
            AnswerTooLargeError: The head has had all its room and is not complete.
        """
        if self._head_left is None:
            return max_bytes
        if self._head_left <= 0:
            raise errors.AnswerTooLargeError(
                f"The answer's headers outgrew {self._limits.head_bytes} bytes before they ended."
            )
        return HEAD_PIECE

    def _arrived(self, data: bytes) -> bytes:
        if self.scope.aborted:
            raise ConnectionAbortedError("the call was aborted")
        self.scope.received_bytes += len(data)
        if self._head_left is not None:
            self._head_left -= len(data)
        return data


class SyncLine(Line):
    """A line for threads. Every wait ends with the scope's timers, so nothing needs to watch it."""

    def connect(self, seconds: float) -> None:
        """Connect within so many seconds."""
        self.sock.settimeout(seconds)
        self.sock.connect(self.target.address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scope.time_left()

    def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Speak TLS from here on."""
        self.sock.settimeout(seconds)
        # The handshake takes the socket's number away from us, and still somebody may want to cut it.
        with self.sock.dup() as self._grip:
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        self._grip = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What arrives next; the scope's timers count, not the timeout."""
        del timeout
        self.sock.settimeout(self.scope.time_left())
        try:
            data = self.sock.recv(self._room(max_bytes))
        except TimeoutError:
            raise self.scope.expired() from None
        return self._arrived(data)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send it; a server that hung up may have answered all the same, so only reading tells."""
        del timeout
        if data := self._leaving(buffer):
            self._send(data)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                self.sock.settimeout(self.scope.time_left())
                view = view[self.sock.send(view) :]
        except TimeoutError:
            raise self.scope.expired() from None
        except OSError:
            self.scope.time_left()
        finally:
            del data, view  # the frame outlives the error, the key must not

    def get_extra_info(self, info: str) -> object:
        """Whether an idle line has anything to read, which means that the server has hung up."""
        if info != "is_readable":
            return None
        self.sock.settimeout(0)
        try:
            socket.socket.recv(self.sock, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
