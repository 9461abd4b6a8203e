"""From a place to a line that stands: name, connection, proxy, TLS, each within the time there is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass

from langchain_lucky_models.wire.async_lines import AsyncLine
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.lines import Line, SyncLine
from langchain_lucky_models.wire.places import Place
from langchain_lucky_models.wire.resolving import AddressRow, Destination, Lookup, Resolver, destinations, resolving
from langchain_lucky_models.wire.scope import CallScope


class ConnectTimer:
    """The time until a connection must stand: its own limit, or the scope's timers where they are sooner."""

    def __init__(self, scope: CallScope, seconds: float) -> None:
        self._scope = scope
        self._due = scope.clock() + seconds

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: None are.
            ConnectionAbortedError: The call was aborted.
        """
        left = min(self._scope.time_left(), self._due - self._scope.clock())
        if left <= 0:
            raise TimeoutError("the connection took too long")
        return left


@dataclass(frozen=True, slots=True)
class Dialler:
    """What every connection of a wire is made with."""

    limits: WireLimits
    resolve: Resolver
    tls: Callable[[], ssl.SSLContext]

    def dial(self, place: Place, scope: CallScope) -> SyncLine:
        """A line to the place, or to its proxy."""
        timer = ConnectTimer(scope, self.limits.connect_seconds)
        scope.reaching = True
        line = self._connected(_targets(place, self._rows(place, scope, timer)), scope, timer)
        if place.scheme == "https" and not place.proxy:
            self.secure(line, place, scope)
        return line

    async def adial(self, place: Place, scope: CallScope) -> AsyncLine:
        """Same as `dial`, for the running loop."""
        rows = await self._arows(place, scope)
        line = await self._aconnected(_targets(place, rows), scope)
        if place.scheme == "https" and not place.proxy:
            await self.asecure(line, place, scope)
        else:
            with closed_on_failure(line):
                await line.start()
        return line

    def secure(self, line: SyncLine, place: Place, scope: CallScope) -> None:
        """TLS with the place itself, whoever carries it."""
        with closed_on_failure(line):
            line.secure(self.tls(), place.host, ConnectTimer(scope, self.limits.connect_seconds).left())

    async def asecure(self, line: AsyncLine, place: Place, scope: CallScope) -> None:
        """Same as `secure`."""
        with closed_on_failure(line):
            await line.secure(self.tls(), place.host, ConnectTimer(scope, self.limits.connect_seconds).left())

    def _rows(self, place: Place, scope: CallScope, timer: ConnectTimer) -> Sequence[AddressRow]:
        lookup = self._lookup(place, scope)
        try:
            return lookup.answer.result(timer.left())
        except CancelledError:
            raise ConnectionAbortedError("the call was aborted") from None

    async def _arows(self, place: Place, scope: CallScope) -> Sequence[AddressRow]:
        lookup = self._lookup(place, scope)
        if lookup.answer.done():
            # An address needs no turn of the loop, which many calls at once would have to wait for.
            return lookup.answer.result()
        scope.reaching = True
        try:
            async with asyncio.timeout(ConnectTimer(scope, self.limits.connect_seconds).left()):
                return await asyncio.wrap_future(lookup.answer)
        except TimeoutError:
            if lookup.answer.cancelled() or not lookup.answer.done():
                raise
            return lookup.answer.result()  # it had come, but this loop had no turn to take it
        except asyncio.CancelledError:
            if scope.aborted:
                raise ConnectionAbortedError("the call was aborted") from None
            raise

    def _lookup(self, place: Place, scope: CallScope) -> Lookup:
        host, port = (place.proxy.host, place.proxy.port) if place.proxy else (place.host, place.port)
        lookup = Lookup(resolving(self.resolve, host, port))
        scope.hold(lookup)
        return lookup

    def _connected(self, targets: Sequence[Destination], scope: CallScope, timer: ConnectTimer) -> SyncLine:
        for untried, target in zip(range(len(targets), 0, -1), targets, strict=True):
            line = SyncLine(target, scope, self.limits)
            try:
                with closed_on_failure(line):
                    line.connect(timer.left() / untried)
            except OSError as error:
                _try_next(error, untried, timer)
            else:
                return line
        raise OSError("no address was left to try")

    async def _aconnected(self, targets: Sequence[Destination], scope: CallScope) -> AsyncLine:
        timer = ConnectTimer(scope, self.limits.connect_seconds)
        for untried, target in zip(range(len(targets), 0, -1), targets, strict=True):
            line = AsyncLine(target, scope, self.limits)
            try:
                with closed_on_failure(line):
                    await line.connect(timer.left() / untried)
            except OSError as error:
                _try_next(error, untried, timer)
            else:
                return line
        raise OSError("no address was left to try")


@contextmanager
def closed_on_failure(line: Line) -> Iterator[None]:
    """Leave no half-made connection behind."""
    try:
        yield
    except BaseException:
        line.close()
        raise


def _targets(place: Place, rows: Sequence[AddressRow]) -> tuple[Destination, ...]:
    return destinations(place.host, rows, public_only=place.public_only)


def _try_next(error: OSError, untried: int, timer: ConnectTimer) -> None:
    """Return where the next address may be tried, raise what ended it where not."""
    timer.left()
    if untried == 1:
        raise error
