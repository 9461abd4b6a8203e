"""The clients and transports of one flavour, made once and shared."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar
from types import ModuleType
from typing import Any

from langchain_lucky_models.wire.bodies import AsyncBody, SyncBody
from langchain_lucky_models.wire.dialling import Dialler
from langchain_lucky_models.wire.flavours import CORES, Flavour, FlavourName
from langchain_lucky_models.wire.orders import OrderDesk
from langchain_lucky_models.wire.pools import Pools
from langchain_lucky_models.wire.transports import AsyncTransport, SyncTransport

MOST_URLS = 64
"""Addresses that a client keeps read; those of one provider's models are few."""


class NoCookies(CookieJar):
    """A jar that takes nothing in and gives nothing out: clients are shared by users who must not meet."""

    def add_cookie_header(self, request: object) -> None:
        """Add none."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Keep none."""

    def set_cookie(self, cookie: object) -> None:
        """Keep none."""


class Client:
    """What both kinds of clients share: a request is what it was told to be, with nothing of the client's own.

    Redirects, cookies, and logins from an address or a file are not only off: there is no way through them.
    """

    def __init__(self, http: ModuleType, transport: Any, **settings: Any) -> None:
        super().__init__(transport=transport, **settings)  # type: ignore[call-arg]  # the library's own comes next
        self._lane = transport
        self._patience = settings["timeout"]
        self._request_type, self._timeout_type = http.Request, http.Timeout
        self._url = lru_cache(MOST_URLS)(http.URL)

    def build_request(self, method: str, url: Any, *, timeout: Any = None, **parts: Any) -> Any:
        """The request, with its timeouts beside it for whoever asks outside of a scope."""
        given = isinstance(timeout, int | float | tuple | self._timeout_type)
        patience = self._timeout_type(timeout) if given else self._patience
        extensions = {**(parts.pop("extensions", None) or {}), "timeout": patience.as_dict()}
        return self._request_type(method, self._url(url), extensions=extensions, **parts)


class SyncClient(Client):
    """The client for threads."""

    def send(self, request: Any, *, stream: bool = False, **_: Any) -> Any:
        """Hand the request to the transport, and no detour."""
        response = self._lane.handle_request(request)
        response.request = request
        if not stream:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response


class AsyncClient(Client):
    """The client for event loops."""

    async def send(self, request: Any, *, stream: bool = False, **_: Any) -> Any:
        """Same as `SyncClient.send`."""
        response = await self._lane.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response


@dataclass(frozen=True, slots=True)
class ClientSet:
    """What partner packages of one flavour get."""

    client: Any
    async_client: Any
    transport: Any
    async_transport: Any


def load_clients(name: FlavourName, desk: OrderDesk, dialler: Dialler, pools: Pools) -> ClientSet:
    """Import a flavour, and lay its clients on the wire; the classic one imports slowly, so only who needs it does."""
    http, core = importlib.import_module(name), importlib.import_module(CORES[name])
    bodies = _blended(SyncBody, http.SyncByteStream), _blended(AsyncBody, http.AsyncByteStream)
    flavour = Flavour(name, http, core, *bodies)
    transport = _blended(SyncTransport, http.BaseTransport)(flavour, desk, dialler, pools)
    async_transport = _blended(AsyncTransport, http.AsyncBaseTransport)(flavour, desk, dialler, pools)
    settings: dict[str, Any] = {
        "cookies": NoCookies(),
        "trust_env": False,
        "follow_redirects": False,
        "timeout": http.Timeout(desk.limits.total_seconds, connect=desk.limits.connect_seconds),
    }
    return ClientSet(
        _blended(SyncClient, http.Client)(http, transport, **settings),
        _blended(AsyncClient, http.AsyncClient)(http, async_transport, **settings),
        transport,
        async_transport,
    )


def _blended(ours: type, theirs: type) -> type[Any]:
    """Our class, as one of the library's: it checks for its own types."""
    return type(ours.__name__, (ours, theirs), {})
