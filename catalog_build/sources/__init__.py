"""The sources, one adapter each: what is kept of an answer, and what it claims about models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog_build.exact import Json
from catalog_build.sources import genai, groq, litellm, models_dev, openrouter, requesty
from catalog_build.sources.reading import Reading

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """One source of facts.

    Attributes:
        name: As in `snapshots/sources.toml`.
        snapshot: Its file below `snapshots/`.
        claims: Reads the snapshot.
        trim: Makes the snapshot from what the source answers; `None` where a package is read instead.
        recorded: The recorded answer below a folder of recordings.
        live: Where to ask for a new answer; `None` where there is nothing to ask.
        key_env: The environment variable with the key that asking needs.
        carried: Parts of the snapshot that the live interface does not say, and that stay as they are.
    """

    name: str
    snapshot: str
    claims: Callable[[Json], Iterator[Reading]]
    trim: Callable[[Json], Json] | None = None
    recorded: str | None = None
    live: str | None = None
    key_env: str | None = None
    carried: tuple[str, ...] = ()


SOURCES = (
    Source(
        models_dev.NAME,
        "models_dev/models.json.gz",
        models_dev.claims,
        models_dev.trim,
        "models_dev/models_dev_2026-09-30.json.gz",
        "https://models.dev/api.json",
    ),
    Source(
        litellm.NAME,
        "litellm/prices.json.gz",
        litellm.claims,
        litellm.trim,
        "litellm/model_prices_1.109.1_2026-11-12.json.gz",
        "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    ),
    Source(genai.NAME, "genai_prices/prices.json.gz", genai.claims),
    Source(
        openrouter.NAME,
        "openrouter/models.json.gz",
        openrouter.claims,
        openrouter.trim,
        "openrouter/openrouter_models_2026-08-22.json.gz",
        "https://openrouter.ai/api/v1/models",
    ),
    Source(
        openrouter.SUPPORT_NAME,
        "openrouter/endpoint_support.json.gz",
        openrouter.support_claims,
        openrouter.trim_support,
        "openrouter/openrouter_endpoint_stats_2026-08-22.json.gz",
    ),
    Source(
        groq.NAME,
        "groq/models.json",
        groq.claims,
        groq.trim,
        "groq/groq_models_2026-10-01_transcribed.json",
        "https://api.groq.com/openai/v1/models",
        "GROQ_API_KEY",
        ("limits",),
    ),
    Source(
        groq.EARLIER_NAME,
        "groq/models_earlier.json",
        groq.earlier_claims,
        groq.trim,
        "groq/groq_models_2026-05-23.json",
    ),
    Source(
        requesty.NAME,
        "requesty/models.json",
        requesty.claims,
        requesty.trim,
        "requesty/requesty_models_sample_2026-10-01_transcribed.json",
        "https://router.requesty.ai/v1/models",
        "REQUESTY_API_KEY",
    ),
)
"""Every source of claims about models."""
