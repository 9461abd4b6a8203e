"""Names lead to addresses once, and what was checked is what is connected to."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable

import pytest

from langchain_lucky_models import errors
from langchain_lucky_models.wire import Wire, refusal, resolving
from langchain_lucky_models.wire.resolving import AddressRow, destinations, is_literal
from tests.wire.raw import HELLO, Asker, RawServer, credential

Serve = Callable[..., RawServer]


def row(address: str, port: int = 80) -> AddressRow:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    """Case 128: for a user's endpoint; the operator's own may mix them."""
    rows = [row("8.8.8.8"), row("10.0.0.1")]
    assert len(destinations("mixed.example.com", rows, public_only=False)) == 2
    with pytest.raises(errors.AddressRefusedError, match=r"mixed\.example\.com"):
        destinations("mixed.example.com", rows, public_only=True)


def test_a_name_without_addresses_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="no address"):
        destinations("nowhere.example.com", [], public_only=True)


@pytest.mark.parametrize(("host", "literal"), [("127.0.0.1", True), ("::1", True), ("127.1", False), ("a.b", False)])
def test_addresses_are_told_from_names(host: str, literal: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_literal(host) is literal


@pytest.mark.parametrize("public", [["8.8.8.8"], []], ids=["mixed", "private alone"])
def test_nobody_connects_for_a_name_that_leads_inside_too(asker: Asker, serve: Serve, public: list[str]) -> None:
    """Case 128: mixed records are refused whole, whichever stands first: 0 connections."""
    canary = serve()
    for addresses in ([*public, "127.0.0.1"], ["127.0.0.1", *public]):
        rows = [row(address, canary.port) for address in addresses]
        wire = Wire(resolve=lambda *_, rows=rows, **__: rows)
        url = f"http://mixed.example.com:{canary.port}"
        with pytest.raises(errors.AddressRefusedError):
            Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url, public_only=True)))
    assert canary.connections == 0


@pytest.mark.parametrize("tries", [50, pytest.param(2_500, marks=pytest.mark.slow)])
def test_a_name_that_changes_its_address_never_leads_inside(
    asker: Asker, serve: Serve, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    """Case 127: public at one look, local at the next: 0 of 10,000 tries reach the local port.

    Either the connection goes to the address that was checked, or it is refused. The four ways to ask make 200 tries,
    and 10,000 where there is time for it.
    """
    public, inside = "127.0.0.2", "127.0.0.1"  # the first passes for public, or there would be nobody to reach
    monkeypatch.setattr(resolving, "refusal", lambda address: None if address == public else refusal(address))
    canary = serve()
    outside = serve(
        lambda talk: talk.send(HELLO.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")), at=(public, canary.port)
    )
    answers = itertools.cycle([public, inside])
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[AddressRow]:
        asked.append(host)
        return [row(next(answers), port)]

    url = f"http://rebinding.example.com:{canary.port}"
    wire = Wire(resolve=resolve)
    ticket = wire.issue(credential(url, public_only=True))
    for _ in range(tries // 2):
        assert Asker(wire, asker.flavour, asker.mode).post(url, ticket).status_code == 200
        with pytest.raises(errors.AddressRefusedError):
            Asker(wire, asker.flavour, asker.mode).post(url, ticket)
    assert (len(asked), outside.connections, canary.connections) == (tries, tries // 2, 0)


def test_the_connection_goes_to_the_address_that_was_checked(asker: Asker, serve: Serve) -> None:
    """Case 127: a name is resolved once a connection, and the answer is where it goes."""
    server = serve()
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[AddressRow]:
        asked.append(host)
        return [row("127.0.0.1", port)]

    url = f"http://models.example.com:{server.port}"
    wire = Wire(resolve=resolve)
    Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url)))
    wire.close()
    assert asked == ["models.example.com"]
    assert f"Host: models.example.com:{server.port}".encode() in server.received


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433"])
def test_a_users_endpoint_may_not_be_local_unless_the_operator_allows_it(asker: Asker, serve: Serve, host: str) -> None:
    server = serve()
    url = f"http://{host}:{server.port}"
    with pytest.raises(errors.AddressRefusedError, match="allow_private"):
        asker.post(url, asker.wire.issue(credential(url, public_only=True)))
    assert server.connections == 0
    assert asker.post(url, asker.wire.issue(credential(url))).status_code == 200


def test_the_second_address_is_tried_where_the_first_is_dead(asker: Asker, serve: Serve) -> None:
    server = serve()

    def resolve(host: str, port: int, **_: object) -> list[AddressRow]:
        del host
        return [row("127.0.0.1", 1), row("127.0.0.1", port)]

    url = f"http://models.example.com:{server.port}"
    wire = Wire(resolve=resolve)
    assert Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url))).status_code == 200
    wire.close()


def test_an_unknown_name_is_a_connect_error(asker: Asker) -> None:
    def resolve(*_: object, **__: object) -> list[AddressRow]:
        raise socket.gaierror(-2, "Name or service not known")

    wire = Wire(resolve=resolve)
    url = "http://nowhere.example.com"
    with pytest.raises(asker.error("ConnectError"), match="not known"):
        Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url)))
