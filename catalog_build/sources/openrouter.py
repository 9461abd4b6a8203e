"""OpenRouter: its own list of models, and how many endpoints behind an id support what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal

from catalog_build.claims import Claim, Fact, PriceClaim, known
from catalog_build.exact import Json, as_rows, as_table, only, per_million
from catalog_build.rates import Figures, free_claim, is_zero, list_claim, paid, period_of
from catalog_build.sources.reading import (
    Reading,
    Row,
    created,
    day,
    flag,
    kinds,
    read_rows,
    sight,
    table,
    text,
    texts,
    whole,
)
from langchain_lucky_models.catalog.entry import PricePeriod, PriceWindow

NAME = "openrouter"
SUPPORT_NAME = "openrouter-support"

_KEPT = (
    "id",
    "canonical_slug",
    "name",
    "created",
    "context_length",
    "pricing",
    "supported_parameters",
    "knowledge_cutoff",
    "expiration_date",
)
_RATES = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
    "audio": "audio_input",
    "audio_output": "audio_output",
    "input_audio_cache": "audio_cache_read",
    "image_token": "image_input",
    "image_output": "image_output",
}
_BESIDE_TOKENS = frozenset({"web_search", "image", "request", "discount"})
"""Prices that are not for tokens; a request's is read apart, the others have no place in an entry."""

_PARAMETERS = {
    "tools": "capabilities.tools",
    "response_format": "capabilities.json_mode",
    "structured_outputs": "capabilities.json_schema",
    "reasoning": "capabilities.reasoning",
    "temperature": "capabilities.temperature",
}
NEVER = 2090
"""An expiry from this year on is how the list writes "never"."""


def trim(raw: Json) -> Json:
    """Keep the facts; descriptions, links and other people's benchmark figures go."""
    return [_trim_row(row) for row in as_rows(as_table(raw, NAME).get("data"), NAME)]


def _trim_row(row: Row) -> Json:
    kept = only(row, _KEPT)
    kept["architecture"] = only(table(row, "architecture"), ("input_modalities", "output_modalities"))
    kept["top_provider"] = only(table(row, "top_provider"), ("context_length", "max_completion_tokens"))
    kept["open_weights"] = bool(row.get("hugging_face_id"))
    if slug := text(table(row, "alias_target"), "slug"):
        kept["alias_target"] = slug
    return {key: value for key, value in kept.items() if value not in ({}, [])}


def claims(snapshot: Json) -> Iterator[Reading]:
    """What the list says about every model."""
    rows = as_rows(snapshot, NAME)
    yield from read_rows(NAME, NAME, ((str(row.get("id")), row) for row in rows), _claim)


def _claim(model: str, row: Row) -> Claim:
    shape = table(row, "architecture")
    inputs, outputs = (kinds(texts(shape, f"{way}_modalities")) for way in ("input", "output"))
    top, parameters = table(row, "top_provider"), texts(row, "supported_parameters")
    facts: dict[str, Fact] = {
        "name": text(row, "name"),
        "base": _base(model, text(row, "alias_target")),
        "release_date": created(row),
        "knowledge_cutoff": text(row, "knowledge_cutoff"),
        "open_weights": flag(row, "open_weights") or None,
        "limits.context": whole(row, "context_length"),
        "limits.output": whole(top, "max_completion_tokens"),
        "modalities.input": inputs,
        "modalities.output": outputs,
        **({fact: word in parameters for word, fact in _PARAMETERS.items()} if parameters else {}),
        **sight(inputs, outputs),
        "capabilities.web_search": True if "web_search_options" in parameters else None,
        "status.shutdown_on": _expiry(row),
        "snapshots": _dated_slug(model, text(row, "canonical_slug")),
    }
    return Claim(NAME, NAME, model, known(facts), _price(model, table(row, "pricing"), outputs))


def _base(model: str, target: str | None) -> str | None:
    if target:
        return target
    stem, variant, _ = model.partition(":")
    return stem if variant else None


def _expiry(row: Row) -> str | None:
    expiry = day(row, "expiration_date")
    return expiry if expiry and dt.date.fromisoformat(expiry).year < NEVER else None


def _dated_slug(model: str, slug: str | None) -> tuple[str, ...]:
    """The permanent slug behind an id; a variant or a moving alias shares it with its base, so it has none."""
    return () if slug in {None, model} or ":" in model or model.startswith("~") else (str(slug),)


def _price(model: str, pricing: Row, outputs: tuple[str, ...]) -> PriceClaim | None:
    base = _figures(pricing)
    if any(figure is not None and figure < 0 for figure in base.values()):
        return PriceClaim("dynamic", remarks=("depends on the model that the router picks",))
    if is_zero(base) and outputs == ("text",):
        return free_claim()
    if model.endswith(":free"):
        raise ValueError("a free variant has a price")
    tiers, windows = _overrides(base, pricing)
    period = period_of({**base, "request": _request(pricing)}, tiers)
    return list_claim(PricePeriod(**{**dict(period), "schedule": windows}), _unit(outputs))


def _figures(pricing: Row) -> Figures:
    return {leaf: per_million(pricing[key]) for key, leaf in _RATES.items() if key in pricing}


def _request(pricing: Row) -> Decimal | None:
    fee = per_million(pricing.get("request"))
    return fee and fee / 1_000_000


def _unit(outputs: tuple[str, ...]) -> tuple[str, ...]:
    return ("unit: the output price is that of text tokens",) if "image" in outputs else ()


def _overrides(base: Figures, pricing: Row) -> tuple[Mapping[int, Figures], tuple[PriceWindow, ...]]:
    """Tiers and hours; an override with a condition that we do not know is left out whole."""
    tiers: dict[int, Figures] = {}
    windows: list[PriceWindow] = []
    for override in as_rows(pricing.get("overrides", []), "pricing.overrides"):
        conditions = set(override) - set(_RATES) - _BESIDE_TOKENS
        figures = _figures(override)
        if conditions == {"min_prompt_tokens"}:
            tiers[whole(override, "min_prompt_tokens") or 0] = figures
        elif conditions == {"utc_start", "utc_end"} and paid(figures) != paid(base):
            start, until = (_hour(override[key]) for key in ("utc_start", "utc_end"))
            windows.append(PriceWindow(start=start, until=until, **paid(figures)))
    return tiers, tuple(sorted(windows, key=lambda window: window.start))


def _hour(value: Json) -> dt.time:
    """The time of a number like 1630."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no time of day")  # noqa: TRY004 - a refusal of the row, like every other
    return dt.time(value // 100 % 24, value % 100)


def trim_support(raw: Json) -> Json:
    """Count, for each id, the endpoints behind it and those that support each parameter."""
    counted: dict[str, Json] = {}
    for slug, answer in as_table(raw, SUPPORT_NAME).items():
        for endpoint in as_rows(as_table(answer, slug).get("data", []), slug):
            model = _variant_id(endpoint)
            counts = counted.setdefault(model, dict.fromkeys(("endpoints", *_PARAMETERS), 0))
            _count(as_table(counts, model), texts(endpoint, "supported_parameters"))
    return counted


def _variant_id(endpoint: Row) -> str:
    slug, variant = text(endpoint, "model_variant_slug") or "", text(endpoint, "variant") or "standard"
    return slug if variant == "standard" or ":" in slug else f"{slug}:{variant}"


def _count(counts: Row, parameters: tuple[str, ...]) -> None:
    for key in ("endpoints", *(word for word in _PARAMETERS if word in parameters)):
        counts[key] = int(str(counts[key])) + 1


def support_claims(snapshot: Json) -> Iterator[Reading]:
    """Which capabilities hold at only some of the endpoints behind an id."""
    yield from read_rows(SUPPORT_NAME, NAME, as_table(snapshot, SUPPORT_NAME).items(), _support_claim)


def _support_claim(model: str, row: Row) -> Claim:
    endpoints = whole(row, "endpoints") or 0
    partly = {fact: 0 < (whole(row, word) or 0) < endpoints for word, fact in _PARAMETERS.items()}
    facts: dict[str, Fact] = {fact: "some_endpoints" for fact, some in partly.items() if some}
    return Claim(SUPPORT_NAME, NAME, model, facts, adds=False)
