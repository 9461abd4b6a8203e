"""The wire under every partner client: one a registry."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Literal, overload

from langchain_lucky_models.keys import Credential
from langchain_lucky_models.wire.clients import ClientSet, load_clients
from langchain_lucky_models.wire.dialling import Dialler
from langchain_lucky_models.wire.flavours import FlavourName
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.orders import OrderDesk, environment_headers
from langchain_lucky_models.wire.places import EnvironmentProxies
from langchain_lucky_models.wire.pools import Pools
from langchain_lucky_models.wire.resolving import Resolver
from langchain_lucky_models.wire.tickets import Ticket, TicketBook
from langchain_lucky_models.wire.tls import TlsSource

if TYPE_CHECKING:
    import httpx
    import httpx2


class Wire:
    """Clients that keep keys, cookies, redirects, sizes and times in hand.

    Partner packages get its clients as theirs, and the text of a ticket as their key. It is safe in threads, in any
    number of event loops, and in forked children.

    Args:
        limits: What is accepted from a server.
        tls: The context for every server; the machine's and the usual authorities by default.
        resolve: How names become addresses; called like `socket.getaddrinfo`.
        clock: The time for requests that belong to no scope.

    Example:
        >>> wire = Wire()
        >>> ticket = wire.issue(Credential("openai", "house", origins=frozenset({"https://api.openai.com"})))
        >>> ticket
        Ticket(openai)
        >>> wire.close()
    """

    def __init__(
        self,
        *,
        limits: WireLimits = WireLimits(),  # noqa: B008 - frozen
        tls: ssl.SSLContext | None = None,
        resolve: Resolver = socket.getaddrinfo,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tickets = TicketBook()
        self._desk = OrderDesk(limits, self._tickets, EnvironmentProxies(), clock, environment_headers(os.environ))
        self._dialler = Dialler(limits, resolve, TlsSource(tls))
        self._pools = Pools(limits)
        self._sets: dict[FlavourName, ClientSet] = {}

    def issue(self, credential: Credential) -> Ticket:
        """A placeholder for the credential's key, good on this wire while it lives."""
        return self._tickets.issue(credential)

    @overload
    def client(self, flavour: Literal["httpx"]) -> httpx.Client: ...
    @overload
    def client(self, flavour: Literal["httpx2"]) -> httpx2.Client: ...
    def client(self, flavour: FlavourName) -> httpx.Client | httpx2.Client:
        """The client for a partner package's `http_client`; everybody shares it."""
        client: httpx.Client | httpx2.Client = self._set(flavour).client
        return client

    @overload
    def async_client(self, flavour: Literal["httpx"]) -> httpx.AsyncClient: ...
    @overload
    def async_client(self, flavour: Literal["httpx2"]) -> httpx2.AsyncClient: ...
    def async_client(self, flavour: FlavourName) -> httpx.AsyncClient | httpx2.AsyncClient:
        """Same as `client`, for `http_async_client`, in any event loop."""
        client: httpx.AsyncClient | httpx2.AsyncClient = self._set(flavour).async_client
        return client

    @overload
    def transport(self, flavour: Literal["httpx"]) -> httpx.BaseTransport: ...
    @overload
    def transport(self, flavour: Literal["httpx2"]) -> httpx2.BaseTransport: ...
    def transport(self, flavour: FlavourName) -> httpx.BaseTransport | httpx2.BaseTransport:
        """What a client that a partner package makes itself runs on."""
        transport: httpx.BaseTransport | httpx2.BaseTransport = self._set(flavour).transport
        return transport

    @overload
    def async_transport(self, flavour: Literal["httpx"]) -> httpx.AsyncBaseTransport: ...
    @overload
    def async_transport(self, flavour: Literal["httpx2"]) -> httpx2.AsyncBaseTransport: ...
    def async_transport(self, flavour: FlavourName) -> httpx.AsyncBaseTransport | httpx2.AsyncBaseTransport:
        """Same as `transport`, for event loops."""
        transport: httpx.AsyncBaseTransport | httpx2.AsyncBaseTransport = self._set(flavour).async_transport
        return transport

    def shun(self, origins: Container[str]) -> None:
        """Keep idle connections to all origins but these, which nobody is going to ask any more."""
        self._pools.shun(origins)

    def close(self) -> None:
        """Close every idle connection; those in use close at the end of their request."""
        self._pools.close()

    async def aclose(self) -> None:
        """Same as `close`, and leaves nothing in the running loop."""
        await self._pools.aclose()

    def _set(self, flavour: FlavourName) -> ClientSet:
        if flavour not in self._sets:
            self._sets.setdefault(flavour, load_clients(flavour, self._desk, self._dialler, self._pools))
        return self._sets[flavour]
