"""From a host's name to addresses that may be connected to.

Names are resolved in a thread of their own, because the system's resolver heeds no timeout. What was checked is
what is connected to: nothing resolves a name again in between.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

from langchain_lucky_models import errors
from langchain_lucky_models.wire.addresses import refusal

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
AddressRow = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]
Resolver = Callable[..., Sequence[AddressRow]]
"""`socket.getaddrinfo`, or what is called like it: `resolve(host, port, type=SOCK_STREAM)`."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One address of a host, ready to connect to."""

    family: socket.AddressFamily
    address: SocketAddress


def is_literal(host: str) -> bool:
    """Whether a host is an address already, so that resolving it asks nobody."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False


def destinations(host: str, rows: Sequence[AddressRow], *, public_only: bool) -> tuple[Destination, ...]:
    """The addresses to try, in order.

    Raises:
        AddressRefusedError: Only public addresses are wanted, and one of them is not: a name that mixes both
            could lead anywhere at the next try.
    """
    found = tuple(dict.fromkeys(Destination(row[0], row[4]) for row in rows))
    if not found:
        raise OSError(f"{host} has no address")
    if public_only:
        for destination in found:
            if why := refusal(str(destination.address[0])):
                raise errors.AddressRefusedError(
                    f"{host} leads to a place that a user's endpoint may not use: {why}. "
                    "The operator may allow it with allow_private."
                )
    return found


def resolving(resolve: Resolver, host: str, port: int) -> Future[Sequence[AddressRow]]:
    """The answer to come; a caller that gives up on it leaves nothing to wait for."""
    answer: Future[Sequence[AddressRow]] = Future()
    if is_literal(host):
        answer.set_result(resolve(host, port, type=socket.SOCK_STREAM))
        return answer

    def ask() -> None:
        try:
            rows = resolve(host, port, type=socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 - carried over to whoever waits
            with suppress(InvalidStateError):
                answer.set_exception(error)
        else:
            with suppress(InvalidStateError):
                answer.set_result(rows)

    threading.Thread(target=ask, name="lucky-resolve", daemon=True).start()
    return answer


class Lookup:
    """A resolution that a scope may break off."""

    def __init__(self, answer: Future[Sequence[AddressRow]]) -> None:
        self.answer = answer

    def close(self) -> None:
        """Nothing is held."""

    def cut(self, scope: object) -> None:
        """Stop waiting."""
        del scope
        self.answer.cancel()
