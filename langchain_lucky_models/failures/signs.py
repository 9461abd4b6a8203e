"""What a failure shows of itself: status, codes, text, headers, and what kind of thing broke.

SDKs are recognised by the names of their classes and by the attributes they share, so that none has to be imported.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

Kind = Literal["told", "timeout", "unreached", "broken_off", "untrusted", "redirected", "unreadable", "unknown"]
"""`told`: the provider said what is wrong. `unreached`: nothing of an answer came. `broken_off`: part of one came."""

REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-groq-id", "cf-ray")
"""Headers that hold a provider's own id of a request, the most telling first."""

FIRST_REDIRECT, FIRST_ERROR = 300, 400
"""The first HTTP status of each kind."""

_ERROR_STATUS = re.compile(r"[45]\d\d", re.ASCII)

DEEPEST_CAUSE = 8
"""How far a chain of causes is followed."""

_TIMEOUTS = frozenset({"TimeoutError", "ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutException"})
_UNREACHED = frozenset({"ConnectError", "ConnectTimeout", "ConnectionRefusedError", "gaierror", "ProxyError"})
_HANGUPS = frozenset(
    {"ReadError", "WriteError", "CloseError", "RemoteProtocolError", "ConnectionError", "NetworkError"}
)
_WRAPPERS: Mapping[str, Kind] = {
    "APITimeoutError": "timeout",
    "ModelTimeoutError": "timeout",
    "APIConnectionError": "unreached",
    "ModelConnectionError": "unreached",
    "TransportError": "unreached",
    "TooManyRedirects": "redirected",
}
_UNREADABLE = frozenset(
    {
        "JSONDecodeError",
        "DecodingError",
        "UnicodeDecodeError",
        "ValidationError",
        "OutputParserException",
        "APIResponseValidationError",
        "LengthFinishReasonError",
        "RecursionError",
    }
)
_STUMBLES = (TypeError, ValueError, LookupError, AttributeError)
"""What partner packages raise when an answer is not what they expect, and also for mistakes of their caller."""
_STUMBLE_TEXTS = ("null value for 'choices'", "No generation chunks were returned", "Unexpected response type")


class Seen(Protocol):
    """What the wire saw of an answer; a call's scope is one."""

    @property
    def status(self) -> int | None:
        """The HTTP status, once there was one."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers."""

    @property
    def opening(self) -> bytes:
        """The first bytes of a body that is no event stream."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of an answer, as a plain value."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    opening: bytes = b""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a failure shows, in plain values.

    Attributes:
        codes: The provider's own words for it, in lower case.
        bases: The names of the exception's classes and of its causes' classes.
    """

    kind: Kind
    text: str
    status: int | None = None
    codes: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    bases: frozenset[str] = frozenset()


def read_signs(error: BaseException, evidence: Seen | None = None) -> Signs:
    """Look at an exception, its causes and what the wire saw."""
    chain = tuple(causes(error))
    told = _told_body(error, evidence)
    headers = _headers(chain, evidence, told)
    bases = frozenset(kind.__name__ for one in chain for kind in type(one).__mro__)
    status = _status(chain, evidence, told)
    message = told.get("message") or told.get("detail")
    return Signs(
        kind=_kind(chain, bases, evidence, told=bool(told) or (status or 0) >= FIRST_REDIRECT),
        text=str(message or "") or str(error) or type(error).__name__,
        status=status,
        codes=_codes(told),
        headers=headers,
        request_id=_request_id(error, headers, told),
        bases=bases,
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, outermost first.

    What merely was being handled meanwhile is no cause: a call made inside an `except` block must not inherit the
    failure of the call before. Only where an author hid the cause, as Ollama's client does, it is looked at.
    """
    current: BaseException | None = error
    for _ in range(DEEPEST_CAUSE):
        if current is None:
            return
        yield current
        hidden = current.__context__ if current.__suppress_context__ else None
        current = current.__cause__ or hidden


def _told_body(error: BaseException, evidence: Seen | None) -> Mapping[str, Any]:
    """The provider's error object, wherever it is kept."""
    held = getattr(error, "body", None) or next(iter(error.args), None)
    for found in (held, _read_json(evidence.opening if evidence else b"")):
        if isinstance(found, Mapping) and (inner := _error_object(found)):
            return inner
    # Ollama's error is a text, with -1 for a status where it came inside a 200.
    if isinstance(said := getattr(error, "error", None), str) and hasattr(error, "status_code"):
        return {"message": said}
    return {}


def _error_object(body: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = body.get("error", body)
    if isinstance(inner, str):
        return {"message": inner}
    if not isinstance(inner, Mapping):
        return {}
    if inner is body and not ({"message", "code", "type"} & body.keys()):
        return {}
    outer = {"request_id": body["request_id"]} if "request_id" in body else {}
    return {**outer, **inner}


def _read_json(data: bytes) -> object:
    with suppress(ValueError, RecursionError):
        found = json.loads(data)
        # A good answer is no error object, whatever its keys are called.
        return found if isinstance(found, dict) and found.get("error") else None
    return None


def _codes(told: Mapping[str, Any]) -> frozenset[str]:
    metadata = _mapping(told.get("metadata"))
    words = (told.get("code"), told.get("type"), metadata.get("error_type"), told.get("status"))
    flagged = ("moderation",) if "flagged_input" in metadata or "reasons" in metadata else ()
    return frozenset(str(word).lower() for word in (*words, *flagged) if word is not None)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _status(chain: tuple[BaseException, ...], evidence: Seen | None, told: Mapping[str, Any]) -> int | None:
    holders = [holder for one in chain for holder in (one, getattr(one, "response", None))]
    statuses = [getattr(holder, "status_code", None) for holder in holders]
    status = next((found for found in statuses if isinstance(found, int) and found > 0), None)
    status = status or (evidence.status if evidence else None)
    inner = str(told.get("code", ""))
    # An error object inside a 200 tells the status that the answer should have had.
    if (status is None or status < FIRST_ERROR) and _ERROR_STATUS.fullmatch(inner):
        return int(inner)
    return status


def _headers(chain: tuple[BaseException, ...], evidence: Seen | None, told: Mapping[str, Any]) -> Mapping[str, str]:
    answer = next((found for one in chain if (found := getattr(one, "response", None)) is not None), None)
    own = getattr(answer, "headers", None) or (evidence.headers if evidence else {})
    inner = _mapping(_mapping(told.get("metadata")).get("headers"))
    pairs = [*inner.items(), *(own.items() if hasattr(own, "items") else ())]
    return {str(name).lower(): str(value) for name, value in pairs}


def _request_id(error: BaseException, headers: Mapping[str, str], told: Mapping[str, Any]) -> str | None:
    found = next((headers[name] for name in REQUEST_IDS if name in headers), None)
    found = found or told.get("request_id") or getattr(error, "request_id", None)
    return str(found)[:100] if found else None


def _kind(chain: tuple[BaseException, ...], bases: frozenset[str], evidence: Seen | None, *, told: bool) -> Kind:
    if told:
        return "told"
    if any(isinstance(one, ssl.SSLError) for one in chain) or "CERTIFICATE_VERIFY_FAILED" in str(chain[0]):
        return "untrusted"
    if (broken := _broken_line(chain, bases, evidence)) is not None:
        return broken
    if bases & _UNREADABLE:
        return "unreadable" if evidence is None or evidence.status else "unknown"
    return "unreadable" if _stumbled(chain[0], evidence) else "unknown"


def _broken_line(chain: tuple[BaseException, ...], bases: frozenset[str], evidence: Seen | None) -> Kind | None:
    """Which way the connection failed, told by the innermost name that is known; wrappers say less."""
    if bases & _UNREACHED:
        return "unreached"
    if bases & _TIMEOUTS:
        return "timeout"
    if bases & _HANGUPS:
        begun = (evidence is not None and evidence.status) or any("complete message body" in str(one) for one in chain)
        return "broken_off" if begun else "unreached"
    return next((kind for name, kind in _WRAPPERS.items() if name in bases), None)


def _stumbled(error: BaseException, evidence: Seen | None) -> bool:
    """Whether a partner package fell over an answer: one had come, or the text says so."""
    if not isinstance(error, _STUMBLES):
        return False
    return bool(evidence and evidence.status) or any(text in str(error) for text in _STUMBLE_TEXTS)
