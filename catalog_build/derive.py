"""What follows from the facts by rule: status, tags, versions, and capabilities that nobody states."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Container, Mapping

from catalog_build.claims import Fact, PriceClaim
from catalog_build.identity import without_variant

Facts = Mapping[str, Fact]

SOON = dt.timedelta(days=180)
"""A shutdown this near makes a model deprecated, a later one does not."""

LONG_CONTEXT = 200_000
"""From this many tokens on a context is called long."""

LISTED = {"groq": "groq"}
"""Providers whose own list is among the sources, and that source: what is not in it is gone."""

JSON_SCHEMA_BRINGS_JSON_MODE = frozenset({"deepseek", "google", "mistral", "openai", "xai"})
"""Providers whose interface has a JSON mode wherever it has JSON schemas."""

VARIED = frozenset({"openrouter", "requesty"})
"""Providers whose ids end in a variant (`:free`) or a region (`@eu`)."""

_NUMBER = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,2})*)(?![\d.]|[a-z]?\d*[bkm](?:[-_]|$))")
_DASHED = re.compile(r"(?<=[a-z]-)(v?\d)-(\d{1,2})(?=-|$)")
_DATE = re.compile(r"[-@]?20\d\d-?\d\d-?\d\d|-\d\d-20\d\d|-\d{4}(?=-|$)")
_UNFINISHED = re.compile(r"(?:^|[-_.:/])(?:preview|beta|alpha|exp|experimental)(?:$|[-_.:])")
_CODING = re.compile(r"(?:^|[-_./])(?:code|coder|codex|codestral|devstral)(?:$|[-_.:])")
_GUARD = re.compile(r"(?:^|[-_./])(?:(?:safe)?guard|moderation)(?:$|[-_.:])")
_ROLLING = re.compile(r"(?:^|[-_])latest(?:$|[-_:])")


def is_absent(provider: str, sources: Container[str]) -> bool:
    """Whether the provider has a list of its own, and that list does not have the model."""
    return provider in LISTED and LISTED[provider] not in sources


def status_of(facts: Facts, model: str, *, absent: bool, on: dt.date) -> dict[str, Fact]:
    """The status, as the entry holds it.

    Args:
        facts: The fields that were chosen.
        model: Its id.
        absent: Whether the provider's own list does not have it.
        on: The day of the catalog.
    """
    shutdown = facts.get("status.shutdown_on")
    day = dt.date.fromisoformat(shutdown[:10]) if isinstance(shutdown, str) else None
    state = facts.get("status.state") or ("preview" if _UNFINISHED.search(model) else "available")
    if absent or (day and day <= on):
        state = "retired"
    elif state != "retired" and day and day - on <= SOON:
        state = "deprecated"
    return {
        "state": state,
        "shutdown_on": day.isoformat() if day else None,
        "replacement": facts.get("status.replacement"),
    }


def capabilities_of(facts: Facts, provider: str, price: PriceClaim | None) -> tuple[dict[str, Fact], bool]:
    """The capabilities, as the entry holds them, and whether a rule had to say one."""
    stated = {name.partition(".")[2]: value for name, value in facts.items() if name.startswith("capabilities.")}
    ruled: dict[str, Fact] = {}
    takes, gives = facts.get("modalities.input"), facts.get("modalities.output")
    if isinstance(takes, tuple) and "text" in takes and gives == ("text",):
        ruled["streaming"] = True
    if provider in JSON_SCHEMA_BRINGS_JSON_MODE and stated.get("json_schema") is True:
        ruled["json_mode"] = True
    periods = price.periods if price else ()
    if any(period.cache_read is not None for period in periods):
        ruled["prompt_cache"] = True
    if any(period.modes.batch is not None for period in periods):
        ruled["batch"] = True
    return {**ruled, **stated}, any(name not in stated for name in ruled)


def base_of(facts: Facts, provider: str, model: str, dated_base: str | None) -> str | None:
    """The id that this one is a variant of."""
    stated = facts.get("base")
    variant_of = without_variant(model) if provider in VARIED else None
    base = dated_base or (stated if isinstance(stated, str) else None) or variant_of
    return None if base == model else base


def version_of(model: str) -> str | None:
    """The version in an id, without dates and sizes; `None` where there is none.

    Example:
        >>> version_of("gpt-5.6-sol"), version_of("anthropic/claude-opus-4-8"), version_of("claude-haiku-4-5-20251001")
        ('5.6', '4.8', '4.5')
        >>> version_of("openai/gpt-oss-120b"), version_of("gpt-4o-2024-05-13"), version_of("meta-llama/llama-3.1-8b")
        (None, '4', '3.1')
    """
    name = _DATE.sub("", model.rpartition("/")[2].partition(":")[0].lower())
    name = _DASHED.sub(r"\1.\2", name)
    found = _NUMBER.search(name)
    return found[1] if found else None


def tags_of(facts: Facts, model: str, price: PriceClaim | None) -> tuple[str, ...]:
    """Short words to search by."""
    outputs = facts.get("modalities.output") or ()
    context = facts.get("limits.context")
    true = {
        "reasoning": facts.get("capabilities.reasoning") is True,
        "vision": facts.get("capabilities.vision") is True,
        "tools": facts.get("capabilities.tools") is True,
        "long-context": isinstance(context, int) and context >= LONG_CONTEXT,
        "open-weights": facts.get("open_weights") is True,
        "free": price is not None and price.state == "free",
        "local": price is not None and price.state == "local",
        "coding": bool(_CODING.search(model)),
        # They judge what others say instead of conversing.
        "guard": bool(_GUARD.search(model)),
        "rolling": bool(_ROLLING.search(model)),
        **{kind: isinstance(outputs, tuple) and kind in outputs for kind in ("audio", "embedding", "image", "video")},
    }
    return tuple(sorted(tag for tag, holds in true.items() if holds))
