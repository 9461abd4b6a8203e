"""Where requests go, and which of them take the house's proxy."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import trustme

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.wire import Wire
from langchain_lucky_models.wire.places import EnvironmentProxies, Place, Proxy
from tests.wire.raw import KEY, Asker, RawServer, Talk, credential

Serve = Callable[..., RawServer]


@pytest.mark.parametrize(
    ("place", "origin"),
    [
        (Place("httpx", "https", "api.openai.com", 443), "https://api.openai.com"),
        (Place("httpx", "http", "127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (Place("httpx", "https", "::1", 443), "https://[::1]"),
    ],
)
def test_a_place_is_named_as_credentials_name_it(place: Place, origin: str) -> None:
    assert place.origin == origin


def test_a_proxy_shows_no_login() -> None:
    assert "c2VjcmV0" not in repr(Proxy("proxy.example.com", 3128, "Basic c2VjcmV0"))


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> RawServer:
    """A proxy in the environment that answers in the name of every server."""
    proxy = serve()
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ada:secret@"))
    monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//ada:secret@"))
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    return proxy


@pytest.fixture
def fresh(asker: Asker, proxied: RawServer) -> Asker:
    """A wire that was laid after the environment was set."""
    return Asker(Wire(), asker.flavour, asker.mode)


def test_the_house_takes_the_proxy_of_its_environment(fresh: Asker, proxied: RawServer) -> None:
    url = "http://models.example.com"
    response = fresh.post(f"{url}/v1/chat", fresh.wire.issue(credential(url, owner="house")))
    fresh.wire.close()
    assert response.status_code == 200
    assert proxied.received.startswith(b"POST http://models.example.com/v1/chat HTTP/1.1")
    assert b"Proxy-Authorization: Basic" in proxied.received


@pytest.mark.parametrize("owner", ["house", "user:ada"])
def test_a_users_request_never_takes_it(fresh: Asker, proxied: RawServer, serve: Serve, owner: str) -> None:
    """Case 130: a user's endpoint is reached without the environment's proxies, which hear nothing."""
    server = serve()
    fresh.post(server.url, fresh.wire.issue(credential(server.url, owner="user:ada")))
    with pytest.raises(Exception, match="allow_private"):
        fresh.post(server.url, fresh.wire.issue(credential(server.url, owner=owner, public_only=True)))
    fresh.wire.close()
    assert proxied.connections == 0
    assert KEY.encode() in server.received


def test_no_proxy_is_heeded(asker: Asker, proxied: RawServer, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 130: the house heeds `NO_PROXY`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = serve()
    wire = Wire()
    Asker(wire, asker.flavour, asker.mode).post(server.url, wire.issue(credential(server.url, owner="house")))
    wire.close()
    assert proxied.connections == 0
    assert server.connections == 1


def test_the_house_speaks_tls_through_its_proxy(asker: Asker, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    server, proxy = serve(tls=theirs), serve(tunnel)
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    wire = Wire(tls=ours)
    fresh = Asker(wire, asker.flavour, asker.mode)
    assert fresh.post(server.url, wire.issue(credential(server.url, owner="house"))).status_code == 200
    wire.close()
    assert proxy.received.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1".encode())
    assert KEY.encode() not in proxy.received
    assert KEY.encode() in server.received


def tunnel(talk: Talk) -> None:
    """Let through whatever comes, to where the request says."""
    host, _, port = talk.request.split()[1].decode().partition(":")
    with socket.create_connection((host, int(port))) as far:
        talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pump, args=(far, talk.sock), daemon=True)
        back.start()
        pump(talk.sock, far)
        back.join(5)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_a_proxy_that_lets_nobody_through_is_a_connect_error(
    asker: Asker, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(lambda talk: talk.send(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    wire = Wire()
    url = "https://api.example.com"
    with pytest.raises(asker.error("ConnectError"), match="407"):
        Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url, owner="house")))
    assert KEY.encode() not in proxy.received


def test_a_proxy_that_is_no_http_proxy_is_a_setting_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example.com")
    monkeypatch.setenv("https_proxy", "socks5://proxy.example.com")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(ConfigError, match="proxy"):
        EnvironmentProxies().way_to("https", "api.openai.com")
