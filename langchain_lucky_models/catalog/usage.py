"""What a call used: read from what the provider reported, and believed only where it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

Mode = Literal["standard", "batch", "flex", "priority"]

MOST_TOKENS = 10**9
"""More than this in one call is a fault of the report, not a use."""

_TIERS: tuple[Literal["priority", "flex"], ...] = ("priority", "flex")


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call; the details are parts of `input` and `output`.

    Attributes:
        input: Every token that went in, cached ones included; `None` where the report cannot be believed.
        output: Every token that came out, reasoning included; `None` as above.
        cache_read: Input that came from a cache.
        cache_write: Input written to a cache kept for five minutes.
        cache_write_1h: Input written to a cache kept for an hour.
        audio_input: Spoken input.
        audio_cache_read: Spoken input that came from a cache: part of both `audio_input` and `cache_read`.
        image_input: Input that was pictures.
        reasoning: Output that was thought and not said.
        audio_output: Spoken output.
        image_output: Output that was pictures.
        requests: How many requests the tokens belong to.
        mode: The service level that the report names, where it names one.
        suspect: What is wrong with the report, a sentence each.
    """

    input: int | None = 0
    output: int | None = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    audio_cache_read: int = 0
    image_input: int = 0
    reasoning: int = 0
    audio_output: int = 0
    image_output: int = 0
    requests: int = 1
    mode: Mode | None = None
    suspect: tuple[str, ...] = ()


def read_usage(reported: Mapping[str, object] | None) -> Usage:
    """Read LangChain's `usage_metadata`, doubting every figure.

    A total that is no whole number between 0 and 10^9 leaves that total unknown. A detail that is none counts as 0, so
    that its tokens are billed at the full rate of their total. Both are named in `suspect`.

    Example:
        >>> usage = read_usage({"input_tokens": 100, "output_tokens": 7, "input_token_details": {"cache_read": 60}})
        >>> usage.input, usage.cache_read, usage.suspect
        (100, 60, ())
        >>> read_usage({"input_tokens": -5, "output_tokens": 7}).suspect
        ('input_tokens is -5',)
    """
    if not isinstance(reported, Mapping):
        return Usage(input=None, output=None, suspect=("no usage was reported",))
    doubts: list[str] = []
    total_in = _total(reported, "input_tokens", doubts)
    total_out = _total(reported, "output_tokens", doubts)
    _compare_total(reported, (total_in, total_out), doubts)
    into = _details(reported, "input_token_details", total_in, doubts)
    out = _details(reported, "output_token_details", total_out, doubts)
    brief, hour = into.get("ephemeral_5m_input_tokens", 0), into.get("ephemeral_1h_input_tokens", 0)
    return Usage(
        input=total_in,
        output=total_out,
        cache_read=into.get("cache_read", 0),
        # Some report the writes of both kinds once more as one figure, some only that figure.
        cache_write=max(into.get("cache_creation", 0) - hour, brief),
        cache_write_1h=hour,
        audio_input=into.get("audio", 0),
        image_input=into.get("image", 0),
        reasoning=out.get("reasoning", 0),
        audio_output=out.get("audio", 0),
        image_output=out.get("image", 0),
        mode=next((tier for tier in _TIERS if _names_tier(tier, into, out)), None),
        suspect=tuple(doubts),
    )


def _names_tier(tier: str, *details: Mapping[str, int]) -> bool:
    return any(part.get(tier) or part.get(f"tier:{tier}") for part in details)


def _total(reported: Mapping[str, object], name: str, doubts: list[str]) -> int | None:
    value = reported.get(name)
    if _is_count(value):
        return value
    doubts.append(f"{name} is {_shown(value)}")
    return None


def _compare_total(reported: Mapping[str, object], parts: tuple[int | None, int | None], doubts: list[str]) -> None:
    total = reported.get("total_tokens")
    into, out = parts
    if total is None or into is None or out is None:
        return
    if not _is_count(total) or total != into + out:
        doubts.append(f"total_tokens is {_shown(total)}, not {into} + {out}")


def _details(reported: Mapping[str, object], name: str, total: int | None, doubts: list[str]) -> dict[str, int]:
    """The details by their plain names; `priority_cache_read` counts as `cache_read` and names its tier."""
    details = reported.get(name)
    if details is None:
        return {}
    if not isinstance(details, Mapping):
        doubts.append(f"{name} is {_shown(details)}")
        return {}
    believed: dict[str, int] = {}
    for key, value in details.items():
        if value is None or (value == 0 and type(value) is int):
            continue  # most details, of most answers
        if not _is_count(value) or (total is not None and value > total):
            doubts.append(f"{name}.{_shown(key)} is {_shown(value)}")
            continue
        for plain in _plain_names(str(key)):
            believed[plain] = believed.get(plain, 0) + value
    return believed


def _plain_names(key: str) -> Iterator[str]:
    for tier in _TIERS:
        if key.startswith(f"{tier}_"):
            yield f"tier:{tier}"
            yield key.removeprefix(f"{tier}_")
            return
    yield key


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def _shown(value: object) -> str:
    """A hostile value, short enough for a log line."""
    return repr(value)[:40]
