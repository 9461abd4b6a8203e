"""What an answer's body may be: sizes, lines and depth, counted while it passes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NoReturn, Protocol

from langchain_lucky_models import errors
from langchain_lucky_models.wire.limits import MIB, WireLimits

_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+(")?|([\[{])|[\]}]', re.DOTALL)
"""A string (with its end, where that has come), an opening bracket, a closing one."""


QUOTE = ord('"')


class Check(Protocol):
    """Looks at a body piece by piece, and raises where it is too much."""

    def see(self, piece: bytes) -> None:
        """The next piece."""


class DepthCheck:
    """JSON that nests too deep for the parsers above.

    Brackets are only counted until there are enough to matter; from then on the text is read.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.restart()

    def restart(self) -> None:
        """A new text begins."""
        self._unread: list[bytes] = []
        self._brackets = 0
        self._depth = 0
        self._begun = b""

    def see(self, piece: bytes) -> None:
        """The next piece of the text."""
        self._brackets += piece.count(b"[") + piece.count(b"{")
        self._unread.append(piece)
        if self._brackets > self._most:
            text = b"".join(self._unread)
            self._unread.clear()
            self._read(self._begun + text)

    def _read(self, text: bytes) -> None:
        self._begun = b""
        for token in _TOKENS.finditer(text):
            closed, opening = token.groups()
            if opening:
                self._depth += 1
                if self._depth > self._most:
                    raise errors.ProtocolError(f"The answer nests deeper than {self._most} levels.")
            elif text[token.start()] != QUOTE:
                self._depth -= 1
            elif not closed:
                # The string goes on in the next piece; all that matters of it is that it is one.
                self._begun = b'"' + text[token.end() :]
                break


class LineCheck:
    """Lines of an event stream, each of them JSON of its own."""

    def __init__(self, limits: WireLimits) -> None:
        self._most = limits.line_bytes
        self._deepest = limits.depth
        self._depth = DepthCheck(limits.depth)
        self._open = 0

    def see(self, piece: bytes) -> None:
        """The next piece of the stream."""
        whole = not self._open and piece.endswith(b"\n") and len(piece) <= self._most
        if whole and piece.count(b"[") + piece.count(b"{") <= self._deepest:
            return  # nearly all pieces are whole lines with too few brackets to be looked at
        end = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        if end:
            if self._open + end > self._most:
                self._measure(piece[:end])
            self._depth.see(piece[:end])
            self._depth.restart()
            self._open, piece = 0, piece[end:]
        if piece:
            self._open += len(piece)
            if self._open > self._most:
                self._refuse()
            self._depth.see(piece)

    def _measure(self, lines: bytes) -> None:
        longest = max(len(line) for line in (b" " * self._open + lines).splitlines())
        if longest > self._most:
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise errors.AnswerTooLargeError(f"A line of the stream is longer than {self._most} bytes.")


class Inflation:
    """A compressed body, taken apart bit by bit although we asked for it plain."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise errors.ProtocolError(f"The answer is encoded as {encoding[:40]!r}, though we asked for it plain.")
        self._window = zlib.MAX_WBITS if encoding == "deflate" else zlib.MAX_WBITS | 16
        self._decoder = zlib.decompressobj(self._window)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What the data unfolds to, at most a megabyte at a time."""
        while data:
            if self._decoder.eof:
                # A body may be several compressed ones in a row.
                self._decoder = zlib.decompressobj(self._window)
            try:
                piece = self._decoder.decompress(data, MIB)
            except zlib.error:
                raise errors.ProtocolError("The answer's compression is broken.") from None
            if piece:
                yield piece
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail


class BodyGuard:
    """Lets a body pass, decompressed, as long as it stays within limits."""

    def __init__(self, most: int, *, inflation: Inflation | None = None, check: Check | None = None) -> None:
        self._most = most
        self._left = most
        self._inflation = inflation
        self._check = check

    def passed(self, data: bytes) -> bytes:
        """The data as those above may see it."""
        if self._inflation is None:
            return self._counted(data)
        return b"".join(self._counted(piece) for piece in self._inflation.pieces(data))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise errors.AnswerTooLargeError(f"The answer is larger than {self._most} bytes.")
        if self._check is not None:
            self._check.see(data)
        return data
