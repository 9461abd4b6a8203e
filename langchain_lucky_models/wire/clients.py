"""The clients and transports of one flavour, made once and shared."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any

from langchain_lucky_models.wire.bodies import AsyncBody, SyncBody
from langchain_lucky_models.wire.dialling import Dialler
from langchain_lucky_models.wire.flavours import CORES, Flavour, FlavourName
from langchain_lucky_models.wire.orders import OrderDesk
from langchain_lucky_models.wire.pools import Pools
from langchain_lucky_models.wire.transports import AsyncTransport, SyncTransport


class NoCookies(CookieJar):
    """A jar that takes nothing in and gives nothing out: clients are shared by users who must not meet."""

    def add_cookie_header(self, request: object) -> None:
        """Add none."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Keep none."""

    def set_cookie(self, cookie: object) -> None:
        """Keep none."""


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
        "trust_env": False,
        "follow_redirects": False,
        "timeout": http.Timeout(desk.limits.total_seconds, connect=desk.limits.connect_seconds),
    }
    return ClientSet(
        http.Client(transport=transport, cookies=NoCookies(), **settings),
        http.AsyncClient(transport=async_transport, cookies=NoCookies(), **settings),
        transport,
        async_transport,
    )


def _blended(ours: type, theirs: type) -> type[Any]:
    """Our class, as one of the library's: it checks for its own types."""
    return type(ours.__name__, (ours, theirs), {})
