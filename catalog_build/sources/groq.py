"""Groq: its own list of models, transcribed, with the limits of its free plan."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_build.claims import Claim, Fact, PriceClaim, known
from catalog_build.exact import Json, as_rows, as_table, only, per_million
from catalog_build.rates import list_claim, period_of
from catalog_build.sources.reading import Reading, Row, created, kinds, read_rows, sight, table, text, texts, whole

NAME = "groq"
EARLIER_NAME = "groq-earlier"
PLAN = "free"

_KEPT = (
    "id",
    "created",
    "name",
    "context_window",
    "max_completion_tokens",
    "context_length",
    "max_output_length",
    "hugging_face_id",
    "input_modalities",
    "output_modalities",
    "pricing",
    "supported_sampling_parameters",
    "supported_features",
)
_FEATURES = {
    "tools": "capabilities.tools",
    "json_mode": "capabilities.json_mode",
    "structured_outputs": "capabilities.json_schema",
    "reasoning": "capabilities.reasoning",
}
_PLAN_LIMITS = {
    "rpm": "rate_limits.requests_per_minute",
    "rpd": "rate_limits.requests_per_day",
    "tpm": "rate_limits.tokens_per_minute",
    "tpd": "rate_limits.tokens_per_day",
}


def trim(raw: Json) -> Json:
    """Keep the facts of the list and the limits beside it."""
    answer = as_table(raw, NAME)
    rows: list[Json] = [dict(only(row, _KEPT)) for row in as_rows(answer.get("data"), NAME)]
    return {"data": rows, "limits": table(answer, "free_tier_rate_limits")}


def claims(snapshot: Json) -> Iterator[Reading]:
    """What the list says about every model."""
    answer = as_table(snapshot, NAME)
    limits = table(answer, "limits")
    pairs = ((str(row.get("id")), row) for row in as_rows(answer.get("data"), NAME))
    yield from read_rows(NAME, NAME, pairs, lambda model, row: _claim(model, row, table(limits, model)))


def earlier_claims(snapshot: Json) -> Iterator[Reading]:
    """Ids that an earlier list had: their limits, and nothing about today."""
    pairs = ((str(row.get("id")), row) for row in as_rows(as_table(snapshot, EARLIER_NAME).get("data"), EARLIER_NAME))
    yield from read_rows(EARLIER_NAME, NAME, pairs, _earlier_claim)


def _earlier_claim(model: str, row: Row) -> Claim:
    return Claim(EARLIER_NAME, NAME, model, known(_own_facts(row)))


def _own_facts(row: Row) -> dict[str, Fact]:
    return {
        "name": text(row, "name"),
        "release_date": created(row),
        "limits.context": whole(row, "context_length") or whole(row, "context_window"),
        "limits.output": whole(row, "max_output_length") or whole(row, "max_completion_tokens"),
    }


def _claim(model: str, row: Row, plan: Row) -> Claim:
    inputs, outputs = (kinds(texts(row, f"{way}_modalities")) for way in ("input", "output"))
    features = texts(row, "supported_features")
    facts: dict[str, Fact] = {
        **_own_facts(row),
        "open_weights": True if text(row, "hugging_face_id") else None,
        "modalities.input": inputs,
        "modalities.output": outputs,
        **{fact: word in features for word, fact in _FEATURES.items()},
        **sight(inputs, outputs),
        "capabilities.temperature": "temperature" in texts(row, "supported_sampling_parameters"),
        **{fact: whole(plan, key) for key, fact in _PLAN_LIMITS.items()},
        "rate_limits.plan": PLAN if plan else None,
    }
    return Claim(NAME, NAME, model, known(facts), _price(table(row, "pricing")))


def _price(pricing: Row) -> PriceClaim | None:
    names = {"prompt": "input", "completion": "output", "input_cache_read": "cache_read"}
    return list_claim(period_of({leaf: per_million(pricing.get(key)) for key, leaf in names.items()}))
