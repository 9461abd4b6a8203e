"""The server behind a fake provider: a thread for each connection, all of which end with it."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from langchain_lucky_models.testing import dialect
from langchain_lucky_models.testing.behaviours import Asked, BreaksOff, Done, Fails, Hangs, Says

Decide = Callable[[Asked], Done]

LOOK_EVERY = 0.02
"""Seconds between two looks whether whoever was kept waiting has left."""


class FakeServer(ThreadingHTTPServer):
    """Serves on a port of its own of 127.0.0.1.

    Args:
        decide: Notes a question, and says what is done with it.
    """

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, decide: Decide) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.decide = decide
        self.over = threading.Event()
        self.serving: dict[threading.Thread, socket.socket] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(LOOK_EVERY,), name="lucky-fake", daemon=True)

    def start(self) -> None:
        """Serve from now on, in a thread."""
        self._thread.start()

    def process_request(self, request: object, client_address: object) -> None:
        """Serve a connection in a thread, which is known from its first moment."""
        line = cast("socket.socket", request)
        thread = threading.Thread(target=self._serve, args=(line, client_address), name="lucky-fake", daemon=True)
        self.serving[thread] = line
        thread.start()

    def _serve(self, line: socket.socket, client_address: object) -> None:
        self.process_request_thread(line, client_address)
        del self.serving[threading.current_thread()]

    def stop(self) -> None:
        """Close every connection, and wait for every thread."""
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        for thread, line in list(self.serving.items()):
            _hang_up(line)
            thread.join()


class _Connection(BaseHTTPRequestHandler):
    """One connection, and the requests on it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _fake(self) -> FakeServer:
        return cast("FakeServer", self.server)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # whoever asked has left

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked is noted where tests can read it."""

    def do_GET(self) -> None:
        """The list of models, which checkups ask for."""
        self._send(200, b'{"object": "list", "data": []}')

    def do_POST(self) -> None:
        """A question."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self._refuse(Fails(404, f"the fake provider knows chat completions, not {self.path}"))
            return
        asked = Asked(str(body.get("model")), body, self.headers.get("Authorization", "").removeprefix("Bearer "))
        done = self._fake.decide(asked)
        match Says(done) if isinstance(done, str) else done:
            case Fails() as failure:
                self._refuse(failure)
            case Says() as answer:
                self._answer(asked, answer)
            case Hangs(after, text):
                if asked.streamed:
                    self._begin(asked, text, after)
                self._wait_until_left()
            case BreaksOff(after, text):
                self._break_off(asked, text, after)

    def _refuse(self, failure: Fails) -> None:
        after = failure.retry_after
        self._send(failure.status, dialect.refusal(failure), {} if after is None else {"Retry-After": str(after)})

    def _answer(self, asked: Asked, answer: Says) -> None:
        self._fake.over.wait(answer.delay)
        if not asked.streamed:
            self._send(200, dialect.whole(asked, answer))
            return
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for event in dialect.events(asked, answer):
            self._chunk(event)
            self._fake.over.wait(answer.pace)
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self, asked: Asked, text: str, words: int) -> None:
        """The first words of a stream."""
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for event in dialect.events(asked, Says(text))[: words + 1]:
            self._chunk(event)

    def _break_off(self, asked: Asked, text: str, words: int) -> None:
        if asked.streamed:
            self._begin(asked, text, words)
        else:
            body = dialect.whole(asked, Says(text))
            self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
            self.wfile.write(body[: len(body) // 2])
        self.close_connection = True
        _hang_up(self.connection)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _wait_until_left(self) -> None:
        self.close_connection = True
        while not self._fake.over.is_set():
            readable, _, _ = select.select([self.connection], [], [], LOOK_EVERY)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # somebody was faster
