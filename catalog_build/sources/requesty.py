"""Requesty: rows of its own list, transcribed."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_build.claims import Claim, Fact, PriceClaim, known
from catalog_build.exact import Json, as_rows, as_table, only, per_million
from catalog_build.rates import free_claim, is_zero, list_claim, period_of
from catalog_build.sources.reading import Reading, Row, created, flag, read_rows, text, whole

NAME = "requesty"

_FLAGS = {
    "supports_tool_calling": "capabilities.tools",
    "supports_vision": "capabilities.vision",
    "supports_reasoning": "capabilities.reasoning",
    "supports_caching": "capabilities.prompt_cache",
    "supports_web_search": "capabilities.web_search",
    "supports_output_json_object": "capabilities.json_mode",
    "supports_output_json_schema": "capabilities.json_schema",
    "open_weights": "open_weights",
}
_RATES = {
    "input_price": "input",
    "output_price": "output",
    "cached_price": "cache_read",
    "caching_price": "cache_write",
}
_KEPT = (
    "id",
    "created",
    "pricing",
    "max_output_tokens",
    "context_window",
    "model_canonical_name",
    *_FLAGS,
    *_RATES,
)


def trim(raw: Json) -> Json:
    """Keep the facts; descriptions and privacy comments go."""
    return [dict(only(row, _KEPT)) for row in as_rows(as_table(raw, NAME).get("data"), NAME)]


def claims(snapshot: Json) -> Iterator[Reading]:
    """What the rows say about their models."""
    yield from read_rows(NAME, NAME, ((str(row.get("id")), row) for row in as_rows(snapshot, NAME)), _claim)


def _claim(model: str, row: Row) -> Claim:
    vision = flag(row, "supports_vision")
    facts: dict[str, Fact] = {
        "base": text(row, "model_canonical_name"),
        "release_date": created(row),
        "limits.context": whole(row, "context_window"),
        "limits.output": whole(row, "max_output_tokens"),
        "modalities.input": ("image", "text") if vision else ("text",),
        "modalities.output": ("text",),
        **{fact: flag(row, key) for key, fact in _FLAGS.items() if key in row},
    }
    return Claim(NAME, NAME, model, known(facts), _price(row))


def _price(row: Row) -> PriceClaim | None:
    base = {leaf: per_million(row.get(key)) for key, leaf in _RATES.items()}
    if is_zero(base):
        return free_claim()
    tiers = {
        above: {leaf: per_million(tier.get(key)) for key, leaf in _RATES.items()}
        for tier in as_rows(row.get("pricing", []), "pricing")
        if (above := whole(tier, "prompt_tokens_threshold"))
    }
    return list_claim(period_of(base, tiers))
