"""litellm: service levels, hour-long caches, shutdown dates, and the newest ids."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from catalog_build.claims import Claim, Fact, PriceClaim, known
from catalog_build.exact import Json, as_rows, as_table, only, per_million
from catalog_build.rates import list_claim, mode_of, paid, period_of
from catalog_build.sources.reading import Reading, Row, day, flag, kinds, read_rows, sight, table, text, texts, whole
from langchain_lucky_models.catalog.entry import PricePeriod, PriceWindow
from langchain_lucky_models.errors import CatalogError

NAME = "litellm"
PROVIDERS = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "xai": "xai",
}
"""Our provider by its name there."""

_STEMS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
}
_PRICE = re.compile(rf"({'|'.join(_STEMS)})(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?")
_MODES = {"batches": "batch", "flex": "flex", "priority": "priority"}
_FLAGS = {
    "supports_function_calling": "capabilities.tools",
    "supports_vision": "capabilities.vision",
    "supports_response_schema": "capabilities.json_schema",
    "supports_reasoning": "capabilities.reasoning",
    "supports_prompt_caching": "capabilities.prompt_cache",
    "supports_web_search": "capabilities.web_search",
    "supports_pdf_input": "capabilities.pdf",
    "supports_native_streaming": "capabilities.streaming",
}
_KEPT = (
    *_FLAGS,
    "mode",
    "max_input_tokens",
    "max_output_tokens",
    "supported_modalities",
    "supported_output_modalities",
    "supported_endpoints",
    "deprecation_date",
    "off_peak_pricing",
)
_KINDS_OF_MODE = {
    "chat": (("text",), ("text",)),
    "responses": (("text",), ("text",)),
    "completion": (("text",), ("text",)),
    "embedding": (("text",), ("embedding",)),
    "image_generation": (("text",), ("image",)),
    "audio_transcription": (("audio",), ("text",)),
    "audio_speech": (("text",), ("audio",)),
    "realtime": (("audio", "text"), ("audio", "text")),
    "video_generation": (("text",), ("video",)),
    "moderation": (("text",), ("moderation",)),
}
"""What goes in and comes out; rows of other modes (pages, searches) are no models in our sense."""

_TOOLS = frozenset({"container"})
"""Ids that are billed, but no models."""

_Rates = dict[str, Decimal | None]


def trim(raw: Json) -> Json:
    """Keep figures, flags and dates of our providers, under our names."""
    kept: dict[str, dict[str, Json]] = defaultdict(dict)
    for key, row in sorted(as_table(raw, NAME).items(), key=lambda pair: "/" in pair[0]):
        entry = as_table(row, key)
        provider = PROVIDERS.get(text(entry, "litellm_provider") or "")
        model = _own_id(key, text(entry, "litellm_provider") or "")
        if provider and model and text(entry, "mode") in _KINDS_OF_MODE:
            kept[provider][model] = only(entry, (*_KEPT, *filter(_PRICE.fullmatch, entry)))
    return dict(kept)


def _own_id(key: str, there: str) -> str | None:
    """The provider's own id; `None` for rows that stand for a size, a quality or a fine-tuned model."""
    model = key.removeprefix(f"{there}/")
    sized = "/" in model and there != "groq"
    return None if sized or model.startswith("ft:") or model in _TOOLS else model


def claims(snapshot: Json) -> Iterator[Reading]:
    """What it says about every model."""
    for provider, rows in as_table(snapshot, NAME).items():
        pairs = as_table(rows, provider).items()
        yield from read_rows(NAME, provider, pairs, lambda model, row, at=provider: _claim(at, model, row))  # type: ignore[misc]


def _claim(provider: str, model: str, row: Row) -> Claim:
    mode = text(row, "mode")
    if mode not in _KINDS_OF_MODE:
        raise CatalogError(f"the mode {mode!r} is unknown")
    inputs, outputs = _KINDS_OF_MODE[mode]
    inputs = kinds(texts(row, "supported_modalities")) or inputs
    outputs = kinds(texts(row, "supported_output_modalities")) or outputs
    facts: dict[str, Fact] = {
        "limits.input": whole(row, "max_input_tokens"),
        "limits.output": whole(row, "max_output_tokens"),
        "modalities.input": inputs,
        "modalities.output": outputs,
        "status.shutdown_on": day(row, "deprecation_date"),
        **{fact: True for fact, value in sight(inputs, outputs).items() if value},
        **{fact: flag(row, key) for key, fact in _FLAGS.items() if key in row},
        "capabilities.batch": True if "/v1/batch" in texts(row, "supported_endpoints") else None,
    }
    return Claim(NAME, provider, model, known(facts), _price(row, outputs))


def _price(row: Row, outputs: tuple[str, ...]) -> PriceClaim | None:
    rates = _rates_of(row)
    base, windows = _by_hours(table(row, "off_peak_pricing"), rates["", 0])
    base, remarks = _by_images(base, outputs)
    tiers = {above: figures for (mode, above), figures in rates.items() if above and not mode}
    modes = {mode: mode_of(rates[mode, 0]) for mode in _MODES.values()}
    period = period_of(base, tiers, modes)
    return list_claim(PricePeriod(**{**dict(period), "schedule": windows}), remarks)


def _rates_of(row: Row) -> defaultdict[tuple[str, int], _Rates]:
    """The rates by service level (empty for the standard one) and by the prompt's length above which they hold."""
    rates: defaultdict[tuple[str, int], _Rates] = defaultdict(dict)
    for key, value in row.items():
        if found := _PRICE.fullmatch(key):
            stem, thousands, mode = found.groups()
            rates[_MODES.get(mode, ""), int(thousands or 0) * 1000][_STEMS[stem]] = per_million(value)
    return rates


def _by_images(base: _Rates, outputs: tuple[str, ...]) -> tuple[_Rates, tuple[str, ...]]:
    """The base rates, and what the output price of an image model is the price of."""
    if outputs == ("image",) and "output" not in base:
        # Nothing but images comes out, so their price is that of the output.
        return {**base, "output": base.get("image_output")}, ("unit: the output price is that of image tokens",)
    return base, ("unit: the output price is that of text tokens",) if "image" in outputs else ()


def _by_hours(off_peak: Row, rates: _Rates) -> tuple[_Rates, tuple[PriceWindow, ...]]:
    """The rates of most hours, and the hours of a working day that cost more.

    There, the dear price is the base and the cheap hours are the exception; an entry has it the other way round.
    """
    if not off_peak:
        return rates, ()
    cheap = {**rates, **{leaf: per_million(off_peak[stem]) for stem, leaf in _STEMS.items() if stem in off_peak}}
    windows = as_rows(off_peak.get("windows"), "off_peak_pricing.windows")
    (hours,) = filter(None, (texts(window, "hours_utc") for window in windows))
    spans = sorted(tuple(dt.time.fromisoformat(bound) for bound in span.split("-")) for span in hours)
    gaps = [(end, start) for (_, end), (start, _) in pairwise(spans)]
    return cheap, tuple(PriceWindow(start=start, until=until, **paid(rates)) for start, until in gaps)
