"""A request as the wire will send it: checked, stripped, and bound to a credential and a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from langchain_lucky_models import errors
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.places import DEFAULT_PORTS, EnvironmentProxies, Place
from langchain_lucky_models.wire.scope import CallScope, entered_scope
from langchain_lucky_models.wire.tickets import Ticket, TicketBook

RawHeader = tuple[bytes, bytes]

AUTH_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"proxy-authorization"})
"""Where a partner package puts its key; what holds no ticket comes from elsewhere and is taken off."""

OWNERLESS_HEADERS = frozenset({b"cookie", b"openai-organization", b"openai-project", b"accept-encoding"})
"""What partner packages add from the environment or on their own. Only a credential says which account pays."""


CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
"""The environment variable whose headers a partner package adds to every request, whoever pays."""


class RequestUrl(Protocol):
    """What both flavours' URLs have."""

    scheme: Any
    raw_host: Any
    port: Any


class Order(NamedTuple):
    """One request, ready but for its keys."""

    place: Place
    credential: Credential
    ticket: str
    headers: list[RawHeader]
    scope: CallScope


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Takes requests from partner packages, and refuses those that must not leave."""

    limits: WireLimits
    tickets: TicketBook
    proxies: EnvironmentProxies
    clock: Callable[[], float]
    house_headers: frozenset[RawHeader] = frozenset()

    def scope_for(self, request: Any) -> CallScope:
        """The scope that was entered; else the request's own timeout is the time for everything."""
        if (entered := entered_scope()) is not None:
            return entered
        timeouts: dict[str, float | None] = request.extensions.get("timeout") or {}
        seconds = timeouts.get("read") or self.limits.total_seconds
        return CallScope(deadline=self.clock() + seconds, clock=self.clock)

    def take(self, flavour: str, request: Any, scope: CallScope) -> Order:
        """The order for a request of either flavour.

        Raises:
            PolicyDeniedError: It carries no living ticket.
            AddressRefusedError: Its credential may not travel there.
        """
        if request.url.userinfo:
            raise errors.AddressRefusedError(
                "The base URL holds a user name or password; give the key as api_key. Nothing was sent."
            )
        raw: list[RawHeader] = request.headers.raw
        ticket = self._ticket(raw)
        credential = ticket.credential
        place = self._place(flavour, request.url, credential)
        if place.origin not in credential.origins:
            raise errors.AddressRefusedError(
                f"The {credential.provider} credential of {credential.owner} may not travel to {place.origin}; "
                f"it belongs to {', '.join(sorted(credential.origins)) or 'no origin'}. Nothing was sent."
            )
        scope.time_left()
        if self.house_headers and credential.owner != "house":
            raw = [(name, value) for name, value in raw if (name.lower(), value) not in self.house_headers]
        return Order(place, credential, ticket.text, _stripped(raw, ticket), scope)

    def _ticket(self, raw: Iterable[RawHeader]) -> Ticket:
        for name, value in raw:
            if name.lower() in AUTH_HEADERS and (ticket := self.tickets.find(value.decode("latin-1"))):
                return ticket
        raise errors.PolicyDeniedError(
            "A request reached the wire without a living ticket, so nobody would answer for it. Nothing was sent."
        )

    def _place(self, flavour: str, url: RequestUrl, credential: Credential) -> Place:
        scheme, host = url.scheme, url.raw_host.decode("ascii")
        proxied = self.proxies and credential.owner == "house" and not credential.public_only
        return Place(
            flavour,
            scheme,
            host,
            url.port or DEFAULT_PORTS.get(scheme, 0),
            self.proxies.way_to(scheme, host) if proxied else None,
            credential.public_only,
        )


def environment_headers(environment: Mapping[str, str]) -> frozenset[RawHeader]:
    """The headers that the environment adds, as they arrive here; they are the house's, and no user's.

    Example:
        >>> environment_headers({"ANTHROPIC_CUSTOM_HEADERS": "X-Team: house"})
        frozenset({(b'x-team', b'house')})
    """
    lines = (line.partition(":") for line in environment.get(CUSTOM_HEADERS, "").split("\n"))
    return frozenset((name.strip().lower().encode(), value.strip().encode()) for name, colon, value in lines if colon)


def _stripped(raw: Iterable[RawHeader], ticket: Ticket) -> list[RawHeader]:
    """The headers without what names another owner; the ticket stays only where a key will take its place."""
    credential = ticket.credential
    replaced = OWNERLESS_HEADERS.union(name.lower().encode() for name in credential.headers)
    mark = ticket.text.encode() if credential.secret else None
    kept = []
    for header in raw:
        name = header[0].lower()
        if name in AUTH_HEADERS:
            if mark is None or mark not in header[1] or name in replaced:
                continue
        elif name in replaced:
            continue
        kept.append(header)
    kept.append((b"Accept-Encoding", b"identity"))
    return kept
