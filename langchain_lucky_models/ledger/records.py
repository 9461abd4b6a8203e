"""What the ledger keeps of one attempt, and what it answers when it has kept it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import orjson

Outcome = Literal["answered", "failed", "cancelled", "abandoned", "skipped"]
Basis = Literal["provider", "catalog", "unknown", "estimated", "bound"]
"""Who says what it cost: the provider, the catalog's prices, nobody, an estimate of the tokens, or the amount
that had been held for an attempt whose process died."""

LONGEST_TEXT = 300
MOST_TOKENS = 1_000_000_000
TOKEN_FIELDS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One attempt at one member, as it is written once and never changed.

    Attributes:
        attempt_id: What makes the record unique: written twice, it counts once.
        call_id: What the attempts of one call share.
        user: Who asked.
        provider: Who was asked.
        asked: What the caller typed: `tier:cheap`.
        model: The ref that was asked, as `provider#model`.
        served: The model that the provider says has answered.
        key_owner: `house`, or `user:<id>`.
        key_id: The fingerprint of the key, never the key.
        cost: Dollars, `None` where nobody knows; never zero in its place.
        seconds: From sending to the end, where anybody knows.
        first_token: Seconds until the first content.
        estimated: The tokens are our estimate, because the provider reported none.
        suspect: The provider reported tokens that cannot be true; they were put into bounds.
        request_id: The provider's own id, to look the cost up later.
    """

    attempt_id: str
    call_id: str = ""
    user: str
    provider: str
    asked: str = ""
    model: str
    served: str | None = None
    key_owner: str = "house"
    key_id: str = ""
    strategy: str = "first"
    experiment: str | None = None
    variant: str | None = None
    tags: tuple[str, ...] = ()
    outcome: Outcome
    error: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    cost: Decimal | None = None
    basis: Basis = "unknown"
    seconds: float | None = None
    first_token: float | None = None
    estimated: bool = False
    suspect: bool = False
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What a record did to one counter: what its window held before and after, in picodollars."""

    key: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Posted:
    """How the ledger took a record.

    Attributes:
        state: `recorded`; `repeated` where the same had been written before; `conflicting` where other figures had
            been (the first stay); `corrected` where an entry with the difference was added; `spooled` where the
            database was away and the record waits on disk.
        movements: What became of every budget that the attempt was charged to.
    """

    attempt_id: str
    state: Literal["recorded", "repeated", "conflicting", "corrected", "spooled"]
    movements: tuple[Movement, ...] = ()


def bounded(record: Record) -> Record:
    r"""The record with texts that every database takes and token counts that can be true.

    Example:
        >>> odd = Record(attempt_id="a", user="x\0y", provider="p", model="p#m", outcome="answered", input_tokens=-5)
        >>> bounded(odd).input_tokens, bounded(odd).suspect
        (0, True)
    """
    changes: dict[str, Any] = {}
    texts = {name: text for name in _TEXTS if (text := getattr(record, name)) is not None}
    if not _plainly_storable("".join((*texts.values(), *record.tags))):
        changes = {name: kept for name, text in texts.items() if (kept := storable(text)) != text}
        changes["tags"] = tuple(map(storable, record.tags))
    for name in TOKEN_FIELDS:
        value = getattr(record, name)
        if type(value) is not int or not 0 <= value <= MOST_TOKENS:
            changes[name] = min(max(int(value), 0), MOST_TOKENS) if isinstance(value, int) else 0
            changes["suspect"] = True
    return replace(record, **changes) if changes else record


def storable(text: str) -> str:
    """A text that every database takes: no NUL, no half characters, not too long; other texts stay other texts."""
    if len(text) <= LONGEST_TEXT and "\0" not in text and _encodable(text):
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    kept = text[: LONGEST_TEXT - 30].replace("\0", "").encode("utf-8", "ignore").decode()
    return f"{kept}~{digest}"


def to_json(record: Record) -> bytes:
    """The record as JSON; money as text, so that nobody rounds it."""
    return orjson.dumps(record, default=str)


def from_plain(plain: Mapping[str, Any]) -> Record:
    """The record that `to_json` was given, as JSON is read."""
    cost = plain["cost"]
    return Record(**{**plain, "tags": tuple(plain["tags"]), "cost": None if cost is None else Decimal(cost)})


def _plainly_storable(text: str) -> bool:
    """A quick look that settles nearly every record: short, and nothing but ASCII."""
    return len(text) <= LONGEST_TEXT and text.isascii() and "\0" not in text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_TEXTS = (
    "attempt_id",
    "call_id",
    "user",
    "provider",
    "asked",
    "model",
    "served",
    "key_owner",
    "key_id",
    "strategy",
    "experiment",
    "variant",
    "error",
    "request_id",
)
