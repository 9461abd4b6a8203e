"""A key on its way onto one request: from the credential to the bytes of the request's head, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

from langchain_lucky_models import errors
from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.keys import Credential, scrub
from langchain_lucky_models.wire.scope import CallScope


class Seal:
    """Puts the keys of one request on its head, and takes them out of any text."""

    __slots__ = ("_put_on", "_take_out", "shows")

    def __init__(self, ticket: str, key: str | None, headers: Mapping[str, str]) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
        secrets = tuple(text for text in (key, *headers.values()) if text)

        def put_on(head: bytes) -> bytes:
            start, end, rest = head.partition(b"\r\n")
            if key is not None:
                rest = rest.replace(ticket.encode(), key.encode())
            return start + end + extra + rest

        # Closures, so that no frame, vars() or repr() of the wire shows a key.
        self._put_on: Callable[[bytes], bytes] = put_on
        self._take_out: Callable[[str], str] = lambda text: scrub(text, secrets)
        self.shows: Callable[[str], bool] = lambda text: any(secret in text for secret in secrets)

    def sealed(self, head: bytes) -> bytes:
        """The head as it is sent."""
        return self._put_on(head)

    def unseen(self, text: str) -> str:
        """The text without the keys."""
        return self._take_out(text)

    def __repr__(self) -> str:
        return "Seal()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled")


def seal_of(credential: Credential, ticket: str, scope: CallScope) -> Seal:
    """Ask for the keys, in the caller's own context, and let the scope know what to scrub.

    Raises:
        KeyMissingError: The key source fails, or gives nothing that can be sent.
    """
    try:
        key = credential.secret.reveal() if credential.secret else None
        seal = Seal(ticket, key, {name: secret.reveal() for name, secret in credential.headers.items()})
    except Exception as error:  # noqa: BLE001 - what an application's key source raises may hold the key
        failure = _in_our_words(credential, error)
    else:
        scope.learn(seal)
        return seal
    # Out here, so that the error does not remember the one it stands for.
    raise failure


async def aseal_of(credential: Credential, ticket: str, scope: CallScope) -> Seal:
    """Same as `seal_of`, but waits for coroutine functions, as long as the call has time."""
    async with asyncio.timeout(scope.time_left()):
        try:
            key = await credential.secret.areveal() if credential.secret else None
            headers = {name: await secret.areveal() for name, secret in credential.headers.items()}
            seal = Seal(ticket, key, headers)
        except Exception as error:  # noqa: BLE001 - as above
            failure = _in_our_words(credential, error)
        else:
            scope.learn(seal)
            return seal
        raise failure


def _in_our_words(credential: Credential, error: Exception) -> LuckyError:
    if isinstance(error, LuckyError):
        return error
    return errors.KeyMissingError(
        f"The key source of {credential.provider} failed with {type(error).__name__}; nothing was sent."
    )
