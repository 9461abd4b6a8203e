"""Whose key, and where it may travel: secrets that never print, and credentials bound to origins.

A key is asked for at the last moment, by the wire, for one request. Nothing above the wire ever holds one.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import hashlib
import inspect
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from types import MappingProxyType
from typing import Literal, NoReturn, Self
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import SecretStr

from langchain_lucky_models import errors
from langchain_lucky_models.errors.base import ConfigError

KeyMode = Literal["byok", "shared"]
KeyText = str | SecretStr
KeySource = KeyText | Callable[[], KeyText | Awaitable[KeyText]]
"""A key, or a function that is asked for it at each call."""

MASK = "**********"
SHORTEST_SCRUBBED = 8

_SENDABLE = re.compile(r"[!-~]+")
_SENDABLE_WORDS = re.compile(r"[!-~]+(?: +[!-~]+)*")
_KEY_SHAPES = re.compile(r"\b(?:sk|gsk|pk|rk|xai|AIza)[-_][A-Za-z0-9_\-]{8,}|(?<=Bearer )[^\s\"',}]{8,}")


class Secret:
    """A key source that never shows itself, is never pickled, and is its own copy.

    Args:
        source: The key, or a function that is asked for it.
        field: What to call it in messages.
        there: Tells, without asking for the key, whether there is one; by default there is.
        words: Whether blanks may stand inside it, as in a header.

    Attributes:
        rotates: Whether it is asked for anew each time, and so may be another key the next time.

    Example:
        >>> secret = Secret("sk-1234567890", field="api_key")
        >>> secret
        Secret('**********')
        >>> secret.reveal()
        'sk-1234567890'
    """

    __slots__ = ("_ask", "_field", "_mark", "_there", "_words", "rotates")

    def __init__(
        self, source: KeySource, *, field: str, there: Callable[[], bool] | None = None, words: bool = False
    ) -> None:
        if isinstance(source, str | SecretStr):
            if fault := _fault_of(source, words=words):
                raise ConfigError(f"{field} {fault}.", field=field)
            text = _text_of(source)
            # A closure, so that neither vars() nor dir() of anything finds the text.
            self._ask: Callable[[], KeyText | Awaitable[KeyText]] = lambda: text
            self.rotates = False
        elif callable(source):
            self._ask = source
            self.rotates = True
        else:
            raise ConfigError(
                f"{field} must be a string, a SecretStr or a function that returns one, not {type(source).__name__}.",
                field=field,
            )
        self._field = field
        self._there = there
        self._words = words
        self._mark = token_hex(16)

    def named(self, field: str) -> Self:
        """The same key, called otherwise in messages."""
        twin = type(self).__new__(type(self))
        for name in self.__slots__:
            setattr(twin, name, field if name == "_field" else getattr(self, name))
        return twin

    @property
    def there(self) -> bool:
        """Whether there is a key at all, as far as that can be told without asking for it."""
        return self._there is None or self._there()

    def reveal(self) -> str:
        """The key as of now. A coroutine function is run to its end, in the caller's context."""
        answer = self._ask()
        answer = _run_to_end(answer) if inspect.isawaitable(answer) else answer
        if fault := _fault_of(answer, words=self._words):
            del answer  # the frame outlives the error, the key must not
            raise self._unusable(fault)
        return _text_of(answer)

    async def areveal(self) -> str:
        """Same as `reveal`, but waits for a coroutine function."""
        answer = self._ask()
        answer = await answer if inspect.isawaitable(answer) else answer
        if fault := _fault_of(answer, words=self._words):
            del answer  # as above
            raise self._unusable(fault)
        return _text_of(answer)

    def fingerprint(self) -> str:
        """A digest that tells keys apart without showing them.

        A coroutine function cannot be asked here, so it gets a digest of its own that equals no other key's.
        """
        answer = self._ask()
        if inspect.isawaitable(answer):
            _discard(answer)
            return f"source-{self._mark}"
        if fault := _fault_of(answer, words=self._words):
            del answer  # as above
            raise self._unusable(fault)
        return hashlib.blake2b(_text_of(answer).encode(), digest_size=16, person=b"lucky-models").hexdigest()

    def _unusable(self, fault: str) -> errors.KeyMissingError:
        return errors.KeyMissingError(f"{self._field} {fault}.")

    def __eq__(self, other: object) -> bool:
        """The same text, or the same function, whatever they are called: what is read anew may have changed nothing."""
        if not isinstance(other, Secret):
            return NotImplemented
        fixed = not self.rotates and not other.rotates
        return self.fingerprint() == other.fingerprint() if fixed else self._ask is other._ask

    def __hash__(self) -> int:
        return hash(self._ask if self.rotates else self.fingerprint())

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled; rebind the handle where it is unpickled")


class FallbackKeys(Mapping[str, Secret]):
    """The house's keys by provider.

    Example:
        >>> FallbackKeys(openai="sk-1234567890", groq="gsk_1234567890")
        FallbackKeys(groq, openai)
    """

    _secrets: Mapping[str, Secret] = MappingProxyType({})  # of one whose making failed, which tracebacks still show

    def __init__(self, keys: Mapping[str, KeySource | Secret] | None = None, **more: KeySource | Secret) -> None:
        self._secrets = {
            provider: source if isinstance(source, Secret) else Secret(source, field=f"the {provider} key")
            for provider, source in {**(keys or {}), **more}.items()
        }

    def __getitem__(self, provider: str) -> Secret:
        return self._secrets[provider]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"FallbackKeys({', '.join(sorted(self._secrets))})"


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """Who pays for a request, and where the key may go.

    Attributes:
        provider: The provider as the registry names it.
        owner: `house`, or `user:<id>`.
        secret: The key; `None` where the server asks for none.
        origins: The only origins (`https://api.openai.com`) that this key may be sent to.
        headers: Further headers of the owner, put on together with the key; secret like it.
        public_only: The address came from a user, so it may not lie in private address space, and no
            proxy of the house is used for it.
    """

    provider: str
    owner: str
    secret: Secret | None = None
    origins: frozenset[str] = frozenset()
    headers: Mapping[str, Secret] = field(default_factory=dict)
    public_only: bool = False

    def fingerprint(self) -> str:
        """A digest of owner, key and origins, for cache and pool keys."""
        key = self.secret.fingerprint() if self.secret else "no key"
        text = "\n".join((self.provider, self.owner, key, *sorted(self.origins)))
        return hashlib.blake2b(text.encode(), digest_size=16, person=b"lucky-owner").hexdigest()


def origin_of(base_url: str, *, where: str) -> str:
    """The origin of a base URL: `https://api.openai.com`.

    Raises:
        ConfigError: It is no plain http(s) URL, or holds a user name or password.

    Example:
        >>> origin_of("https://api.openai.com/v1", where="base_url")
        'https://api.openai.com'
    """
    # The URL itself is not repeated in the message, nor in an error beneath: it may hold a password.
    parts = _split(base_url)
    if parts is None:
        raise ConfigError(f"{where} is not a URL.", field=where)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{where} must begin with http:// or https:// and name a host.", field=where)
    if "@" in parts.netloc:
        raise ConfigError(f"{where} holds a user name or password; keys are given as keys.", field=where)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, default} else "")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # looked at here, for it is read only when it is asked for
    except ValueError:
        return None
    return parts


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove keys from a text that came from outside: the given ones in any encoding, and what looks like one.

    Example:
        >>> scrub("Incorrect API key provided: hunter2hunter2", ["hunter2hunter2"])
        'Incorrect API key provided: **********'
    """
    for secret in secrets:
        if len(secret) >= SHORTEST_SCRUBBED:
            for shape in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")):
                text = text.replace(shape, MASK)
    return _KEY_SHAPES.sub(MASK, text)


def _text_of(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _fault_of(value: object, *, words: bool) -> str | None:
    """Why a header cannot take the key, in words that do not show it."""
    if not isinstance(value, str | SecretStr):
        return f"gave {type(value).__name__} where a string was expected"
    text = _text_of(value)
    if not text:
        return "is empty"
    if not (_SENDABLE_WORDS if words else _SENDABLE).fullmatch(text):
        return "holds a blank, a line end or a letter outside ASCII; no header takes it"
    return None


def _run_to_end(answer: Awaitable[KeyText]) -> KeyText:
    """Wait for a key without a loop of our own: in this thread where none runs, beside it where one does."""
    coroutine = _as_coroutine(answer)
    context = contextvars.copy_context()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return context.run(asyncio.run, coroutine)
    found: list[KeyText | BaseException] = []

    def wait() -> None:
        try:
            found.append(context.run(asyncio.run, coroutine))
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that asked
            found.append(error)

    thread = threading.Thread(target=wait, name="lucky-key")
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


async def _as_coroutine(answer: Awaitable[KeyText]) -> KeyText:
    return await answer


def _discard(answer: Awaitable[KeyText]) -> None:
    if isinstance(answer, Coroutine):
        answer.close()
