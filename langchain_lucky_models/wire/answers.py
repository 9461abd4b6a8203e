"""An answer's head: what it tells the scope, whether we take it, and how its body will be watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from langchain_lucky_models import errors
from langchain_lucky_models.wire.guards import BodyGuard, Check, DepthCheck, Inflation, LineCheck
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.orders import Order, RawHeader
from langchain_lucky_models.wire.seals import Seal

REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-groq-id", "cf-ray")
"""Headers that hold a provider's own id of a request, the most telling first."""

NOT_MODIFIED = 304
FIRST_REDIRECT, FIRST_ERROR = 300, 400

_HELD_BACK = frozenset({b"set-cookie", b"set-cookie2", b"content-encoding", b"content-length"})
"""Headers that nobody above gets: cookies are nobody's business, and the body is not what the others say any more."""

_LINED = ("text/event-stream", "application/x-ndjson", "application/jsonl")
_PAGES = ("text/html", "application/xhtml+xml")


class Head(NamedTuple):
    """An answer's head as those above see it.

    Attributes:
        scrubbed: The body is an error's text: read it whole and take the keys out.
        lined: The body comes in lines, one event each.
    """

    status: int
    headers: list[RawHeader]
    guard: BodyGuard
    scrubbed: bool
    lined: bool


def read_head(answer: Any, order: Order, seal: Seal, limits: WireLimits) -> Head:
    """Judge the head of an answer of either core, and tell the scope.

    Raises:
        RedirectRefusedError: It points elsewhere.
        ProtocolError: It is a web page.
        AnswerTooLargeError: It has too many headers.
    """
    if len(answer.headers) > limits.header_count:
        raise errors.AnswerTooLargeError(f"The answer has more than {limits.header_count} headers.")
    headers = _clean(answer.headers, seal)
    status = answer.status
    known = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    scope = order.scope
    scope.status, scope.headers, scope.opening = status, known, b""
    scope.request_id = next((known[name] for name in REQUEST_IDS if name in known), None)
    kind = known.get("content-type", "").partition(";")[0].strip().lower()
    _refuse_redirect(status, known, order)
    if status < FIRST_ERROR and kind in _PAGES:
        raise errors.ProtocolError(f"{order.place.origin} answered with a web page instead of a model's answer.")
    failed = status >= FIRST_ERROR
    return Head(
        status,
        [header for header in headers if header[0].lower() not in _HELD_BACK],
        _guard(known, limits, failed=failed, check=LineCheck(limits) if kind in _LINED else DepthCheck(limits.depth)),
        failed,
        kind in _LINED,
    )


def _clean(raw: list[RawHeader], seal: Seal) -> list[RawHeader]:
    if not seal.shows(b"\n".join(value for _, value in raw).decode("latin-1")):
        return raw
    return [(name, seal.unseen(value.decode("latin-1")).encode("latin-1")) for name, value in raw]


def _refuse_redirect(status: int, headers: Mapping[str, str], order: Order) -> None:
    if not FIRST_REDIRECT <= status < FIRST_ERROR or status == NOT_MODIFIED:
        return
    try:
        parts = urlsplit(urljoin(order.place.origin, headers.get("location", "")))
        target = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        target = "an address that cannot be read"
    raise errors.RedirectRefusedError(
        f"{order.place.origin} answered {status} and points to {target[:200]}; prompts and keys do not follow. "
        "If that is the right server, make it the base_url."
    )


def _guard(headers: Mapping[str, str], limits: WireLimits, *, failed: bool, check: Check) -> BodyGuard:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    return BodyGuard(
        limits.error_bytes if failed else limits.decoded_bytes,
        inflation=None if encoding in ("identity", "") else Inflation(encoding),
        check=None if failed else check,
    )
