"""An answer's body on its way up: watched while it passes, and the connection given back at its end."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from langchain_lucky_models.wire.answers import Head
from langchain_lucky_models.wire.flavours import Flavour
from langchain_lucky_models.wire.limits import KIB
from langchain_lucky_models.wire.pools import IdleLinks, Link
from langchain_lucky_models.wire.scope import CallScope
from langchain_lucky_models.wire.seals import Seal

MOST_OPENING = 4 * KIB
LAST_WORD = b"[DONE]"
FAREWELL_SECONDS = 0.05


class Body:
    """What both kinds of bodies share: what becomes of a piece, and of the connection afterwards."""

    def __init__(self, flavour: Flavour, answer: Any, head: Head, seal: Seal, link: Link, idle: IdleLinks) -> None:
        self._flavour = flavour
        self._answer = answer
        self._head = head
        self._passed = head.guard.passed
        self._seal = seal
        self._link = link
        self._scope: CallScope = link.line.scope
        self._idle = idle
        self._held: list[bytes] = []
        self._latest = b""
        self._open = True

    def _seen(self, data: bytes) -> bytes:
        data, head, scope = self._passed(data), self._head, self._scope
        if head.lined and not head.scrubbed:
            self._latest = data
            return data
        if head.scrubbed:
            self._held.append(data)
            return b""
        if len(scope.opening) < MOST_OPENING:
            scope.opening = (scope.opening + data)[:MOST_OPENING]
        return data

    def _nearly_over(self) -> bool:
        """Whether only the formal end of a stream is unread: OpenAI's client leaves at the last word before it.

        Then a moment of reading on saves the connection, and the next call its handshakes.
        """
        if not self._latest.rstrip().endswith(LAST_WORD):
            return False
        scope = self._scope
        self._link.line.scope = CallScope(deadline=scope.clock() + FAREWELL_SECONDS, clock=scope.clock)
        return True

    def _rest(self) -> bytes:
        """An error's text, whole, so that a key is found wherever it was cut."""
        if not self._held:
            return b""
        text = b"".join(self._held).decode("utf-8", "surrogateescape")
        return self._seal.unseen(text).encode("utf-8", "surrogateescape")

    def _failed(self, error: Exception) -> BaseException:
        return self._flavour.translated(error, self._scope, connecting=False)

    def _done(self) -> None:
        self._open = False
        self._scope.drop(self._link.line)
        self._link.line.unbind()
        self._idle.give(self._link)

    def __del__(self) -> None:
        # Nobody closed it, so nobody will read on: the server need not go on either.
        if getattr(self, "_open", False):
            self._link.line.cut(self._scope)
            with suppress(RuntimeError):
                self._link.line.close()


class SyncBody(Body):
    """A body for threads."""

    @cached_property
    def _pieces(self) -> Iterator[bytes]:
        return iter(self._answer.stream)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for data in self._pieces:
                if piece := self._seen(data):
                    yield piece
        except Exception as error:  # noqa: BLE001 - translated, nothing is lost
            raise self._failed(error) from None
        if rest := self._rest():
            yield rest

    def close(self) -> None:
        """Give the connection back, or close it where the body was left unread."""
        if self._open:
            try:
                if self._nearly_over():
                    deque(self._pieces, maxlen=0)
            except Exception:  # noqa: BLE001, S110 - the answer is complete; only the connection is lost
                pass
            finally:
                self._answer.close()
                self._done()


class AsyncBody(Body):
    """A body for event loops."""

    @cached_property
    def _pieces(self) -> AsyncGenerator[bytes]:
        pieces: AsyncGenerator[bytes] = aiter(self._answer.stream)
        return pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces."""
        try:
            # Not closed here: where a loser is collected, the loop closes each generator of the chain by itself.
            async for data in self._pieces:
                if piece := self._seen(data):
                    yield piece
        except Exception as error:  # noqa: BLE001 - translated, nothing is lost
            raise self._failed(error) from None
        if rest := self._rest():
            yield rest

    async def aclose(self) -> None:
        """Same as `SyncBody.close`."""
        if self._open:
            try:
                if self._nearly_over():
                    async for _ in self._pieces:
                        pass
            except Exception:  # noqa: BLE001, S110 - as above
                pass
            finally:
                await self._answer.aclose()
                self._done()
