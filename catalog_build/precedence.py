"""Whom to believe: one table, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog_build.claims import Claim, Fact

ORDER = {
    "limits": ("curated", "groq", "requesty", "models.dev", "openrouter", "litellm", "groq-earlier"),
    "modalities": ("curated", "groq", "openrouter", "models.dev", "requesty", "litellm"),
    "capabilities": ("curated", "openrouter-support", "groq", "requesty", "openrouter", "models.dev", "litellm"),
    "status": ("curated", "groq", "litellm", "openrouter", "models.dev"),
    "rate_limits": ("curated", "groq"),
}
"""A provider's own word first, then the table that is kept most carefully for that field."""

OTHERWISE = (
    "curated",
    "models.dev",
    "groq",
    "requesty",
    "openrouter",
    "genai-prices",
    "litellm",
    "groq-earlier",
    "openrouter-support",
)
"""The order for names, families, dates, and whatever has no line of its own."""

LAB_PRICES = ("curated", "genai-prices", "litellm", "models.dev")
LIST_PRICES = ("curated", "groq", "openrouter", "requesty", "litellm", "models.dev", "genai-prices")
LABS = frozenset({"anthropic", "deepseek", "google", "mistral", "openai", "xai"})
"""Providers whose own price list is not among the sources, so that two of three others must agree about it."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one source says about one field."""

    source: str
    value: Fact


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of one field.

    Attributes:
        won: The word that counts.
        others: What the others said, in the order in which they would have counted.
    """

    won: Word
    others: tuple[Word, ...] = ()

    @property
    def disputed(self) -> tuple[Word, ...]:
        """The words that say something else."""
        return tuple(word for word in self.others if word.value != self.won.value)


def rank(field: str, source: str) -> int:
    """The place of a source in the order of a field; those not named come last."""
    order = ORDER.get(field.partition(".")[0], OTHERWISE)
    return order.index(source) if source in order else len(order)


def price_rank(provider: str, source: str) -> int:
    """The place of a source in the order of a provider's prices."""
    order = LAB_PRICES if provider in LABS else LIST_PRICES
    return order.index(source) if source in order else len(order)


def choose(claims: Iterable[Claim]) -> dict[str, Choice]:
    """The value of every field that anybody says something about."""
    said: dict[str, list[Word]] = {}
    for claim in claims:
        for field, value in claim.facts.items():
            said.setdefault(field, []).append(Word(claim.source, value))
    ordered = {field: sorted(words, key=lambda word: rank(field, word.source)) for field, words in said.items()}
    return {field: Choice(words[0], tuple(words[1:])) for field, words in sorted(ordered.items())}
