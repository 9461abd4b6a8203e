"""The two HTTP libraries that partner packages are built on. They share an API, so the wire is written once."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from langchain_lucky_models import errors
from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.wire.scope import CallScope

FlavourName = Literal["httpx", "httpx2"]

CORES: dict[FlavourName, str] = {"httpx": "httpcore", "httpx2": "httpcore2"}


@dataclass(frozen=True, slots=True)
class Flavour:
    """One of the libraries.

    Attributes:
        http: `httpx` or `httpx2`, which partner packages hold.
        core: `httpcore` or `httpcore2`, which speaks HTTP on a line.
        body: Our body for threads, as one of the library's byte streams.
        async_body: Our body for event loops, likewise.
    """

    name: FlavourName
    http: ModuleType
    core: ModuleType
    body: type[Any]
    async_body: type[Any]

    def translated(self, error: BaseException, scope: CallScope, *, connecting: bool) -> BaseException:
        """What a partner package expects to be raised for an error of the wire.

        Errors of our own stay what they are, and are left with the scope too, because packages wrap them.
        """
        if connecting and isinstance(error, ssl.SSLError) and not isinstance(error, _HANGUPS):
            error = errors.TlsRefusedError(f"The server's certificate was refused: {_tls_reason(error)}.")
        if isinstance(error, LuckyError):
            scope.failure = error
            return error
        if isinstance(error, TimeoutError):
            with suppress(OSError):
                scope.time_left()  # names the timer, where one of the scope's ran out
            return self._raised("ConnectTimeout" if connecting else "ReadTimeout", error)
        if isinstance(error, OSError):
            return self._raised("ConnectError" if connecting else "ReadError", error)
        if type(error).__module__.partition(".")[0] == self.core.__name__:
            return self._raised(type(error).__name__, error)
        return error

    def _raised(self, name: str, error: BaseException) -> BaseException:
        kind = getattr(self.http, name, self.http.TransportError)
        raised: BaseException = kind(str(error) or type(error).__name__)
        return raised


_HANGUPS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def _tls_reason(error: ssl.SSLError) -> str:
    return str(getattr(error, "verify_message", None) or error.reason or "handshake failed")
