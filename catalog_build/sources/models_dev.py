"""models.dev: the one table with limits, capabilities and dates for every provider."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_build.claims import Claim, Fact, PriceClaim, known
from catalog_build.exact import Json, amount, as_rows, as_table, only
from catalog_build.rates import Figures, free_claim, is_zero, list_claim, period_of
from catalog_build.sources.reading import Reading, Row, day, flag, kinds, read_rows, sight, table, text, texts, whole

NAME = "models.dev"
PROVIDERS = ("anthropic", "deepseek", "google", "groq", "mistral", "openai", "openrouter", "requesty", "xai")
FREE_AT = ("openrouter", "requesty")
"""Where a price of zero is an offer; elsewhere it stands for a unit that is not tokens."""

_KEPT = (
    "name",
    "family",
    "reasoning",
    "tool_call",
    "structured_output",
    "temperature",
    "knowledge",
    "release_date",
    "modalities",
    "open_weights",
    "limit",
    "status",
)
_COST = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "input_audio": "audio_input",
    "output_audio": "audio_output",
}
_STATES = {"deprecated": "deprecated", "beta": "preview", "alpha": "preview"}


def trim(raw: Json) -> Json:
    """Keep the facts about the providers that we have; `context_over_200k` holds another tier's prices, so it goes."""
    everything = as_table(raw, NAME)
    kept: dict[str, Json] = {}
    for provider in PROVIDERS:
        rows = as_table(as_table(everything.get(provider), provider).get("models"), provider)
        kept[provider] = {model: _trim_row(as_table(row, model)) for model, row in rows.items()}
    return kept


def _trim_row(row: Row) -> Json:
    kept = only(row, _KEPT)
    if cost := only(table(row, "cost"), (*_COST, "tiers")):
        kept["cost"] = cost
    return kept


def claims(snapshot: Json) -> Iterator[Reading]:
    """What it says about every model."""
    for provider, rows in as_table(snapshot, NAME).items():
        pairs = as_table(rows, provider).items()
        yield from read_rows(NAME, provider, pairs, lambda model, row, at=provider: _claim(at, model, row))  # type: ignore[misc]


def _claim(provider: str, model: str, row: Row) -> Claim:
    inputs, outputs = (kinds(texts(table(row, "modalities"), way)) for way in ("input", "output"))
    limit = table(row, "limit")
    facts: dict[str, Fact] = {
        "name": text(row, "name"),
        "family": text(row, "family"),
        "release_date": day(row, "release_date"),
        "knowledge_cutoff": text(row, "knowledge"),
        "open_weights": flag(row, "open_weights"),
        "limits.context": whole(limit, "context"),
        "limits.input": whole(limit, "input"),
        "limits.output": whole(limit, "output"),
        "modalities.input": inputs,
        "modalities.output": outputs,
        "capabilities.tools": flag(row, "tool_call"),
        "capabilities.reasoning": flag(row, "reasoning"),
        "capabilities.temperature": flag(row, "temperature"),
        "capabilities.json_schema": flag(row, "structured_output"),
        "status.state": _STATES.get(text(row, "status") or ""),
        **sight(inputs, outputs),
    }
    return Claim(NAME, provider, model, known(facts), _price(provider, table(row, "cost"), outputs))


def _price(provider: str, cost: Row, outputs: tuple[str, ...]) -> PriceClaim | None:
    base = _figures(cost)
    if is_zero(base):
        return free_claim() if provider in FREE_AT and outputs == ("text",) else None
    tiers = {_above(tier): _figures(tier) for tier in as_rows(cost.get("tiers", []), "cost.tiers")}
    remarks = ("unit: the output price may be that of image tokens",) if "image" in outputs else ()
    return list_claim(period_of(base, tiers), remarks)


def _figures(cost: Row) -> Figures:
    return {leaf: amount(cost.get(key)) for key, leaf in _COST.items()}


def _above(tier: Row) -> int:
    bound = table(tier, "tier")
    if bound.get("type") != "context":
        raise ValueError(f"a price tier of the unknown kind {bound.get('type')!r}")
    return whole(bound, "size") or 0
