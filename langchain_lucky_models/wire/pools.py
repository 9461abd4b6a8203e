"""Connections that wait for their next request, kept apart by process and event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Container
from dataclasses import dataclass
from typing import Any

from langchain_lucky_models.wire.async_lines import AsyncLine
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.lines import SyncLine
from langchain_lucky_models.wire.places import Place


@dataclass(frozen=True, slots=True)
class Link:
    """A line, and the HTTP that is spoken on it.

    Attributes:
        http: An `HTTP11Connection` of the flavour's core.
    """

    place: Place
    line: SyncLine | AsyncLine
    http: Any

    @property
    def usable(self) -> bool:
        """Whether another request may be sent on it.

        What a server sends beyond its answer would pass for the answer to the next request, of whomever.
        """
        unasked = self.http._h11_state.trailing_data[0]  # noqa: SLF001 - no core tells it otherwise
        return not unasked and bool(self.http.is_idle()) and not self.http.has_expired()


class IdleLinks:
    """The idle connections of one process and loop: the last used is the first used again.

    Taking and giving back touch one place only, however many connections are open.
    """

    def __init__(self, limits: WireLimits, shunned: Container[str] = ()) -> None:
        self._limits = limits
        self._shunned = shunned
        self._by_place: OrderedDict[Place, deque[Link]] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def take(self, place: Place) -> Link | None:
        """A connection that still stands, or `None`."""
        while True:
            with self._lock:
                links = self._by_place.get(place)
                if not links:
                    return None
                link = links.pop()
            if link.usable:
                return link
            link.line.close()

    def give(self, link: Link) -> None:
        """Keep a connection for the next request, and close what has waited too long or is too much."""
        if not link.http.is_idle() or link.place.origin in self._shunned:
            link.line.close()
            return
        with self._lock:
            surplus = [] if self._closed else self._kept(link)
        for old in [link] if self._closed else surplus:
            old.line.close()

    def close(self) -> None:
        """Close them all, and keep none from now on."""
        with self._lock:
            self._closed = True
            links = [link for waiting in self._by_place.values() for link in waiting]
            self._by_place.clear()
        for link in links:
            link.line.close()

    def shun(self, origins: Container[str]) -> None:
        """Close those that lead to some origins, and keep none to them from now on."""
        with self._lock:
            self._shunned = origins
            links = [self._by_place.pop(place) for place in list(self._by_place) if place.origin in origins]
        for waiting in links:
            for link in waiting:
                link.line.close()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(links) for links in self._by_place.values())

    def __del__(self) -> None:
        self.close()

    def _kept(self, link: Link) -> list[Link]:
        links = self._by_place.setdefault(link.place, deque())
        self._by_place.move_to_end(link.place)
        links.append(link)
        surplus = [links.popleft()] if len(links) > self._limits.idle_connections else []
        if len(self._by_place) > self._limits.places:
            surplus += self._by_place.popitem(last=False)[1]
        return surplus + self._outdated(link)

    def _outdated(self, fresh: Link) -> list[Link]:
        """The connections of the place that was used longest ago, where their time is up."""
        place, links = next(iter(self._by_place.items()))
        outdated = []
        while links and links[0] is not fresh and links[0].http.has_expired():
            outdated.append(links.popleft())
        if not links:
            del self._by_place[place]
        return outdated


class Pools:
    """The idle connections of every process and loop that uses a wire.

    No lock guards the table itself: a child that was forked while another thread held one would wait for ever.
    """

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._process = os.getpid()
        self._shunned: Container[str] = ()
        self._threads = IdleLinks(limits)
        self._loops: dict[asyncio.AbstractEventLoop, tuple[IdleLinks, AsyncGenerator[None]]] = {}
        self._inherited: list[object] = []

    def for_threads(self) -> IdleLinks:
        """The connections that threads share."""
        self._leave_parent()
        return self._threads

    async def for_loop(self) -> IdleLinks:
        """The connections of the running loop."""
        self._leave_parent()
        loop = asyncio.get_running_loop()
        if (known := self._loops.get(loop)) is not None:
            return known[0]
        self._forget_closed()
        links = IdleLinks(self._limits, self._shunned)
        farewell = self._until_end_of(loop, links)
        self._loops[loop] = links, farewell
        await anext(farewell)
        return links

    def close(self) -> None:
        """Close every idle connection that this process owns."""
        self._leave_parent()
        self._threads.close()
        for links, _ in list(self._loops.values()):
            links.close()

    def shun(self, origins: Container[str]) -> None:
        """Close the idle connections to these origins, and keep none to them from now on; to all others they stay."""
        self._leave_parent()
        self._shunned = origins
        for links in [self._threads, *(links for links, _ in list(self._loops.values()))]:
            links.shun(origins)

    async def aclose(self) -> None:
        """Same as `close`, and nothing is left in the running loop."""
        self.close()
        if (known := self._loops.get(asyncio.get_running_loop())) is not None:
            await known[1].aclose()
            await asyncio.sleep(0)

    def _leave_parent(self) -> None:
        if os.getpid() == self._process:
            return
        # Not closed, and kept, so that nothing else closes them: the sockets are the parent's.
        self._inherited += [self._threads, self._loops]
        self._threads, self._loops = IdleLinks(self._limits, self._shunned), {}
        self._process = os.getpid()

    def _forget_closed(self) -> None:
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            links, _ = self._loops.pop(loop)
            links.close()

    async def _until_end_of(self, loop: asyncio.AbstractEventLoop, links: IdleLinks) -> AsyncGenerator[None]:
        """A loop ends its generators before it closes: the one moment to close connections in peace."""
        try:
            yield
        finally:
            self._loops.pop(loop, None)
            links.close()
