"""The transports that partner packages' clients run on: from their request to their response."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from langchain_lucky_models.wire.answers import Head, read_head
from langchain_lucky_models.wire.dialling import Dialler, closed_on_failure
from langchain_lucky_models.wire.flavours import Flavour
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.orders import Order, OrderDesk
from langchain_lucky_models.wire.places import Place
from langchain_lucky_models.wire.pools import Link, Pools
from langchain_lucky_models.wire.scope import CallScope
from langchain_lucky_models.wire.seals import Seal, aseal_of, seal_of


class Transport:
    """What both kinds share: how a request is written for the core, and how its answer is handed up."""

    def __init__(self, flavour: Flavour, desk: OrderDesk, dialler: Dialler, pools: Pools) -> None:
        self._flavour = flavour
        self._desk = desk
        self._dialler = dialler
        self._pools = pools

    @property
    def _limits(self) -> WireLimits:
        return self._desk.limits

    def _written(self, order: Order, request: Any) -> Any:
        """The core's request. Where a proxy carries it in the open, its target is the whole URL."""
        core, url, place, headers = self._flavour.core, request.url, order.place, order.headers
        target = url.raw_path
        if place.proxy and place.scheme == "http":
            target = place.origin.encode() + target
            headers = headers + place.proxy.login
        written = core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target)
        return core.Request(request.method, written, headers=headers, content=request.stream)

    def _tunnel(self, place: Place) -> Any:
        """The request that opens a way through a proxy."""
        core = self._flavour.core
        target = f"{place.host}:{place.port}".encode()
        url = core.URL(scheme=place.scheme, host=place.host, port=place.port, target=target)
        return core.Request(b"CONNECT", url, headers=[(b"Host", target), *(place.proxy.login if place.proxy else ())])

    def _origin(self, place: Place) -> Any:
        return self._flavour.core.Origin(place.scheme.encode(), place.host.encode(), place.port)

    def _head(self, answer: Any, order: Order, seal: Seal, link: Link) -> Head:
        link.line.answered()
        return read_head(answer, order, seal, self._limits)

    def _given_up(self, error: BaseException, link: Link) -> BaseException:
        """Leave a connection whose request failed."""
        scope = link.line.scope
        link.line.close()
        link.line.unbind()
        return self._flavour.translated(error, scope, connecting=False)


class SyncTransport(Transport):
    """The transport for threads."""

    def handle_request(self, request: Any) -> Any:
        """Send a request of the flavour, and return its response once the head is there."""
        scope = self._desk.scope_for(request)
        idle = self._pools.for_threads()
        try:
            order = self._desk.take(self._flavour.name, request, scope)
            seal = seal_of(order.credential, order.ticket, scope)
            link = idle.take(order.place) or self._connected(order.place, scope)
        except Exception as error:  # noqa: BLE001 - translated, nothing is lost
            raise self._flavour.translated(error, scope, connecting=True) from None
        try:
            link.line.bind(scope, seal)
            answer = link.http.handle_request(self._written(order, request))
            head = self._head(answer, order, seal, link)
        except BaseException as error:  # noqa: BLE001 - as above, a cancellation too leaves the connection
            raise self._given_up(error, link) from None
        body = self._flavour.body(self._flavour, answer, head, seal, link, idle)
        return self._flavour.http.Response(head.status, headers=head.headers, stream=body)

    def _connected(self, place: Place, scope: CallScope) -> Link:
        line = self._dialler.dial(place, scope)
        speak = self._flavour.core.HTTP11Connection
        if place.proxy and place.scheme == "https":
            line.bind(scope, None)
            with closed_on_failure(line):
                _let_through(speak(self._origin(place), line).handle_request(self._tunnel(place)).status)
            self._dialler.secure(line, place, scope)
        return Link(place, line, speak(self._origin(place), line, self._limits.idle_seconds))

    def close(self) -> None:
        """Connections belong to the wire, which outlives its transports."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to leave."""


class AsyncTransport(Transport):
    """The transport for event loops; one serves them all."""

    async def handle_async_request(self, request: Any) -> Any:
        """Same as `SyncTransport.handle_request`."""
        scope = self._desk.scope_for(request)
        idle = await self._pools.for_loop()
        try:
            order = self._desk.take(self._flavour.name, request, scope)
            seal = await aseal_of(order.credential, order.ticket, scope)
            link = idle.take(order.place) or await self._connected(order.place, scope)
        except Exception as error:  # noqa: BLE001 - translated, nothing is lost
            raise self._flavour.translated(error, scope, connecting=True) from None
        try:
            link.line.bind(scope, seal)
            answer = await link.http.handle_async_request(self._written(order, request))
            head = self._head(answer, order, seal, link)
        except BaseException as error:  # noqa: BLE001 - as above, a cancellation too leaves the connection
            raise self._given_up(error, link) from None
        body = self._flavour.async_body(self._flavour, answer, head, seal, link, idle)
        return self._flavour.http.Response(head.status, headers=head.headers, stream=body)

    async def _connected(self, place: Place, scope: CallScope) -> Link:
        line = await self._dialler.adial(place, scope)
        speak = self._flavour.core.AsyncHTTP11Connection
        if place.proxy and place.scheme == "https":
            line.bind(scope, None)
            with closed_on_failure(line):
                _let_through((await speak(self._origin(place), line).handle_async_request(self._tunnel(place))).status)
            await self._dialler.asecure(line, place, scope)
        return Link(place, line, speak(self._origin(place), line, self._limits.idle_seconds))

    async def aclose(self) -> None:
        """Connections belong to the wire, which outlives its transports."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Nothing to leave."""


def _let_through(status: int) -> None:
    if status // 100 != 2:  # noqa: PLR2004 - the class of statuses that mean success
        raise OSError(f"the proxy answered {status} when it was asked for a way through")
