"""A server that cannot prove who it is gets nothing."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from langchain_lucky_models import errors
from langchain_lucky_models.wire import CallScope, Wire
from tests.clocks import Stopwatch
from tests.wire.raw import HELLO, KEY, Asker, RawServer, Talk, credential

Serve = Callable[..., RawServer]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_wire(authority: trustme.CA) -> Iterator[Wire]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    wire = Wire(tls=context)
    yield wire
    wire.close()


def server_side(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def test_a_server_with_a_good_certificate_is_spoken_to(
    asker: Asker, secure_wire: Wire, serve: Serve, authority: trustme.CA
) -> None:
    server = serve(tls=server_side(authority.issue_cert("127.0.0.1")))
    secure = Asker(secure_wire, asker.flavour, asker.mode)
    ticket = secure_wire.issue(credential(server.url))
    assert secure.post(server.url, ticket).status_code == 200
    assert secure.post(server.url, ticket).status_code == 200
    assert KEY.encode() in server.received
    assert server.connections == (1 if asker.mode == "sync" else 2)


def wrong_host(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("other.example.com")


def stranger(authority: trustme.CA) -> trustme.LeafCert:
    del authority
    return trustme.CA().issue_cert("127.0.0.1")


def expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize("certificate", [wrong_host, stranger, expired])
def test_a_bad_certificate_is_refused_before_a_byte_of_the_request(
    asker: Asker,
    secure_wire: Wire,
    serve: Serve,
    authority: trustme.CA,
    certificate: Callable[[trustme.CA], trustme.LeafCert],
) -> None:
    server = serve(tls=server_side(certificate(authority)))
    scope = CallScope(deadline=time.monotonic() + 60)
    with scope.entered(), pytest.raises(errors.TlsRefusedError):
        Asker(secure_wire, asker.flavour, asker.mode).post(server.url, secure_wire.issue(credential(server.url)))
    assert server.received == b""
    assert not scope.sent
    assert isinstance(scope.failure, errors.TlsRefusedError)


def test_the_default_trusts_no_stranger(asker: Asker, serve: Serve, authority: trustme.CA) -> None:
    server = serve(tls=server_side(authority.issue_cert("127.0.0.1")))
    with pytest.raises(errors.TlsRefusedError):
        asker.post(server.url, asker.wire.issue(credential(server.url)))
    assert server.received == b""


def test_a_server_that_speaks_plainly_where_tls_is_due_gets_nothing(asker: Asker, serve: Serve) -> None:
    server = serve()
    url = server.url.replace("http:", "https:")
    with pytest.raises((errors.TlsRefusedError, asker.error("TransportError"))):
        asker.post(url, asker.wire.issue(credential(url)), timeout=1)
    assert KEY.encode() not in server.received


def test_a_handshake_without_end_is_left_at_the_deadline(asker: Asker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        scope = CallScope(deadline=time.monotonic() + 0.2)
        with Stopwatch() as watch, scope.entered(), pytest.raises(asker.error("ConnectTimeout")):
            asker.post(url, asker.wire.issue(credential(url)))
        assert watch.seconds < 0.5
        assert scope.reason == "deadline"


def test_a_handshake_can_be_aborted(asker: Asker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        scope = CallScope(deadline=time.monotonic() + 60)
        timer = threading.Timer(0.1, scope.abort)
        timer.start()
        with Stopwatch() as watch, scope.entered(), pytest.raises(asker.error("ConnectError")):
            asker.post(url, asker.wire.issue(credential(url)))
        timer.join()
        assert watch.seconds < 0.3


def test_a_stream_over_tls_can_be_aborted(asker: Asker, secure_wire: Wire, serve: Serve, authority: trustme.CA) -> None:
    def answer(talk: Talk) -> None:
        talk.send(HELLO.replace(b"Length: 2", b"Length: 200"))
        talk.wait_until_gone()

    server = serve(answer, tls=server_side(authority.issue_cert("127.0.0.1")))
    scope = CallScope(deadline=time.monotonic() + 60)
    timer = threading.Timer(0.2, scope.abort)
    timer.start()
    with Stopwatch() as watch, scope.entered(), pytest.raises(asker.error("NetworkError")):
        Asker(secure_wire, asker.flavour, asker.mode).post(server.url, secure_wire.issue(credential(server.url)))
    timer.join()
    assert watch.seconds < 0.4
    assert server.all_left()
