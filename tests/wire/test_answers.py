"""What is taken from a server, and what is refused: heads, sizes, lines, depth, encodings."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models import errors
from langchain_lucky_models.wire import CallScope
from tests.wire.raw import EVENTS, KEY, Asker, RawServer, Talk, chunk, credential

Serve = Callable[..., RawServer]
MIB = 1024 * 1024


def whole(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refused(asker: Asker, server: RawServer, kind: type[errors.LuckyError]) -> errors.LuckyError:
    """Ask, and expect our own error, both raised and left with the scope."""
    scope = CallScope(deadline=time.monotonic() + 20)
    with scope.entered(), pytest.raises(kind) as caught:
        asker.post(server.url, asker.wire.issue(credential(server.url)))
    assert scope.failure is caught.value
    assert KEY not in str(caught.value)
    assert server.all_left(), "the connection was left open"
    return caught.value


def peak_memory() -> int:
    """The most memory this process has held since the last look, in bytes."""
    status = Path("/proc/self/status").read_text()
    kib = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kib) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


class TestHeads:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_refused_and_its_target_named_without_its_path(
        self, asker: Asker, serve: Serve, status: int
    ) -> None:
        """Case 129: the other origin hears 0 requests; the error names it, and not its path."""
        elsewhere = serve()
        target = f"Location: {elsewhere.url}/steal?prompt=1"
        server = serve(lambda talk: talk.send(whole(b"", target, status=f"{status} Moved")))
        error = refused(asker, server, errors.RedirectRefusedError)
        assert elsewhere.url in str(error)
        assert "steal" not in str(error)
        assert elsewhere.connections == 0

    def test_a_web_page_is_no_answer(self, asker: Asker, serve: Serve) -> None:
        server = serve(lambda talk: talk.send(whole(b"<html>Sign in</html>", kind="text/html; charset=utf-8")))
        refused(asker, server, errors.ProtocolError)

    def test_too_many_headers_are_refused(self, asker: Asker, serve: Serve) -> None:
        server = serve(lambda talk: talk.send(whole(b"{}", *[f"X-{number}: 1" for number in range(300)])))
        refused(asker, server, errors.AnswerTooLargeError)

    def test_headers_without_end_are_refused(self, asker: Asker, serve: Serve) -> None:
        def answer(talk: Talk) -> None:
            talk.send(b"HTTP/1.1 200 OK\r\n")
            for number in range(100_000):
                talk.send(b"X-%d: " % number + b"a" * 1000 + b"\r\n")

        refused(asker, serve(answer), errors.AnswerTooLargeError)

    def test_the_scope_knows_status_headers_and_request_id(self, asker: Asker, serve: Serve) -> None:
        server = serve(lambda talk: talk.send(whole(b"{}", "X-Request-ID: req-7", "Retry-After: 2")))
        scope = CallScope(deadline=time.monotonic() + 5)
        with scope.entered():
            asker.post(server.url, asker.wire.issue(credential(server.url)))
        assert (scope.sent, scope.status, scope.request_id) == (True, 200, "req-7")
        assert scope.headers["retry-after"] == "2"
        assert scope.opening == b"{}"
        assert scope.received_bytes > len(b"{}")


class TestErrors:
    def test_a_key_that_a_server_echoes_is_taken_out_wherever_it_stands(self, asker: Asker, serve: Serve) -> None:
        body = f'{{"error": "bad key {KEY}"}}'.encode()
        head = whole(body, f"X-Echo: {KEY}", status="401 Unauthorized")
        cut = len(head) - 12  # in the middle of the key

        def answer(talk: Talk) -> None:
            talk.send(head[:cut])
            time.sleep(0.05)
            talk.send(head[cut:])

        server = serve(answer)
        scope = CallScope(deadline=time.monotonic() + 5)
        with scope.entered():
            response = asker.post(server.url, asker.wire.issue(credential(server.url)))
        assert response.status_code == 401
        assert KEY not in response.text
        assert "bad key" in response.text
        assert KEY not in str(response.headers)
        assert KEY not in str(scope.headers)
        assert KEY not in scope.scrub(f"it was {KEY}")

    def test_an_errors_text_is_not_read_without_end(self, asker: Asker, serve: Serve) -> None:
        body = b"a" * (2 * MIB)
        server = serve(lambda talk: talk.send(whole(body, status="500 No")))
        refused(asker, server, errors.AnswerTooLargeError)


class TestSizes:
    def test_a_body_without_end_is_cut_at_the_limit(self, asker: Asker, serve: Serve) -> None:
        def answer(talk: Talk) -> None:
            talk.send(EVENTS)
            while True:
                talk.send(chunk(b"data: 1\n\n" * 10_000))

        refused(asker, serve(answer), errors.AnswerTooLargeError)

    def test_a_compressed_bomb_unfolds_no_further_than_the_limit(self, asker: Asker, serve: Serve) -> None:
        bomb = _BOMB[0] if _BOMB else gzip.compress(bytes(400 * MIB), compresslevel=1)
        _BOMB[:] = [bomb]
        server = serve(lambda talk: talk.send(whole(bomb, "Content-Encoding: gzip")))
        forget_peak()
        before = peak_memory()
        refused(asker, server, errors.AnswerTooLargeError)
        assert peak_memory() - before < 64 * MIB

    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_a_compressed_answer_that_nobody_asked_for_is_still_read(
        self, asker: Asker, serve: Serve, encoding: str
    ) -> None:
        body = (gzip if encoding == "gzip" else zlib).compress(b'{"a": 1}')
        server = serve(lambda talk: talk.send(whole(body, f"Content-Encoding: {encoding}")))
        assert asker.post(server.url, asker.wire.issue(credential(server.url))).json() == {"a": 1}
        assert b"identity" in server.received

    @pytest.mark.parametrize(("encoding", "body"), [("br", b"whatever"), ("gzip", b"not gzip")])
    def test_an_encoding_that_cannot_be_read_is_no_answer(
        self, asker: Asker, serve: Serve, encoding: str, body: bytes
    ) -> None:
        server = serve(lambda talk: talk.send(whole(body, f"Content-Encoding: {encoding}")))
        refused(asker, server, errors.ProtocolError)

    def test_a_line_of_a_hundred_megabytes_is_cut_at_the_limit(self, asker: Asker, serve: Serve) -> None:
        def answer(talk: Talk) -> None:
            talk.send(EVENTS + chunk(b"data: "))
            for _ in range(100):
                talk.send(chunk(b"a" * MIB))

        forget_peak()
        before = peak_memory()
        refused(asker, serve(answer), errors.AnswerTooLargeError)
        assert peak_memory() - before < 64 * MIB

    def test_json_two_hundred_thousand_levels_deep_is_refused(self, asker: Asker, serve: Serve) -> None:
        server = serve(lambda talk: talk.send(whole(b'{"choices": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")))
        refused(asker, server, errors.ProtocolError)

    def test_a_short_body_under_a_long_promise_is_an_error(self, asker: Asker, serve: Serve) -> None:
        def answer(talk: Talk) -> None:
            talk.send(whole(b"{}").replace(b"Length: 2", b"Length: 200"))
            talk.sock.close()

        server = serve(answer)
        with pytest.raises(asker.error("TransportError")):
            asker.post(server.url, asker.wire.issue(credential(server.url)))

    @pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", EVENTS, EVENTS + chunk(b"data: 1\n\n")])
    def test_a_reset_is_a_transport_error_wherever_it_comes(self, asker: Asker, serve: Serve, begun: bytes) -> None:
        def answer(talk: Talk) -> None:
            talk.send(begun)
            time.sleep(0.02)
            talk.reset()

        server = serve(answer)
        scope = CallScope(deadline=time.monotonic() + 5)
        with scope.entered(), pytest.raises(asker.error("TransportError")):
            asker.post(server.url, asker.wire.issue(credential(server.url)))
        assert scope.sent
        assert scope.failure is None


_BOMB: list[bytes] = []
