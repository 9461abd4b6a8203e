"""Cheap, fast, smart, balanced: whom to ask first, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from langchain_lucky_models.catalog.entry import Capabilities, ModelEntry, SpeedRating
from langchain_lucky_models.catalog.prices import blended
from langchain_lucky_models.errors.base import ConfigError, UnknownTierError, did_you_mean, nearest_names

LEAST_PRICE = Decimal("0.01")
"""What a model counts as costing at least, in `balanced`: free models are compared by intelligence alone."""

CAPABILITIES = frozenset(Capabilities.model_fields)
NO_CHAT_TAGS = frozenset({"embedding", "guard", "moderation", "realtime", "rerank", "speech", "transcription"})

_UNKNOWN_PRICE = Decimal("Infinity")
_SPEED_ORDER: Mapping[SpeedRating, int] = {"fast": 0, "medium": 1, "slow": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """One model in a ranking, with what it is ranked by.

    Attributes:
        entry: The model.
        price: Its blended price; infinite where nobody knows it.
    """

    entry: ModelEntry
    price: Decimal

    @property
    def score(self) -> float:
        """Its intelligence; 0 where nobody knows it."""
        return self.entry.intelligence.score if self.entry.intelligence else 0.0

    @property
    def estimated(self) -> bool:
        """Whether its intelligence was guessed from its price."""
        return self.entry.intelligence is not None and self.entry.intelligence.evidence == "estimated"

    @property
    def speed_order(self) -> int:
        """0 for the fastest rating; the unrated come last."""
        return _SPEED_ORDER[self.entry.speed.rating] if self.entry.speed else len(_SPEED_ORDER)

    @property
    def tokens_a_second(self) -> float:
        """Its median speed; 0 where nobody knows it."""
        return (self.entry.speed.p50_tps or 0.0) if self.entry.speed else 0.0

    @property
    def value(self) -> Decimal:
        """Intelligence for the money; less than nothing where the price is not known."""
        return Decimal(str(self.score)) / max(self.price, LEAST_PRICE) if self.price.is_finite() else Decimal(-1)

    @property
    def reason(self) -> str:
        """Why it stands where it stands."""
        facts = [f"${self.price:.4g} per million tokens" if self.price.is_finite() else "price not known"]
        if self.entry.intelligence:
            facts.append(f"intelligence {self.score:g}" + (" (estimated)" if self.estimated else ""))
        if self.entry.speed:
            facts.append(self.entry.speed.rating)
        return ", ".join(facts)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Every usable model, the first choice first.

    Attributes:
        tier: The tier's name.
        places: The models, with the reason for each place.
        left_out: The models that cannot serve, by ref, with the reason.
    """

    tier: str
    places: tuple[Place, ...]
    left_out: Mapping[str, str]

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """The models in order."""
        return tuple(place.entry for place in self.places)


_ORDERS: Mapping[str, Callable[[Place], tuple[Any, ...]]] = {
    "cheap": lambda place: (place.price, -place.score),
    "fast": lambda place: (place.speed_order, place.price, -place.tokens_a_second),
    "smart": lambda place: (-place.score, place.price),
    # Where the score was guessed from the price, the quotient only says the price twice.
    "balanced": lambda place: (place.estimated or not place.score, -place.value),
}

TIERS = tuple(_ORDERS)


def rank(
    tier: str,
    entries: Iterable[ModelEntry],
    *,
    on: dt.date,
    require: frozenset[str] = frozenset(),
    min_context: int = 0,
) -> Ranking:
    """Rank models for a tier. Of equals, the one that came first stays first.

    Args:
        tier: `cheap`, `fast`, `smart` or `balanced`.
        entries: The models to choose from.
        on: The day whose prices count.
        require: Capabilities that a model must have.
        min_context: How many tokens must fit.

    Raises:
        UnknownTierError: There is no such tier.
        ConfigError: A required capability has no such name.
    """
    order = _ORDERS.get(tier)
    if order is None:
        near = nearest_names(tier, TIERS)
        raise UnknownTierError(
            f"there is no tier {tier!r}.{did_you_mean(near)} Built in: {', '.join(TIERS)}.", asked=tier, nearest=near
        )
    places: list[Place] = []
    left_out: dict[str, str] = {}
    for entry in entries:
        reason = usable(entry, require=require, min_context=min_context, on=on)
        if reason is None:
            price = blended(entry, on)
            places.append(Place(entry, _UNKNOWN_PRICE if price is None else price))
        else:
            left_out[str(entry.ref)] = reason
    places.sort(key=order)
    return Ranking(tier, tuple(places), left_out)


def usable(
    entry: ModelEntry, *, require: frozenset[str] = frozenset(), min_context: int = 0, on: dt.date
) -> str | None:
    """Why the model cannot serve, `None` where it can.

    Raises:
        ConfigError: A required capability has no such name.
    """
    return (
        _out_of_service(entry, on) or _not_a_chat(entry) or _lacking(entry, require) or _too_small(entry, min_context)
    )


def _out_of_service(entry: ModelEntry, on: dt.date) -> str | None:
    status = entry.status
    if status.state != "retired" and (status.shutdown_on is None or on < status.shutdown_on):
        return None
    since = f" since {status.shutdown_on}" if status.shutdown_on else ""
    return f"retired{since}" + (f"; use {status.replacement}" if status.replacement else "")


def _not_a_chat(entry: ModelEntry) -> str | None:
    tag = next((tag for tag in entry.tags if tag in NO_CHAT_TAGS), None)
    if tag is not None:
        return f"made for {tag}, not for chat"
    if "text" not in entry.modalities.input:
        return "does not read text"
    return None if "text" in entry.modalities.output else "does not answer in text"


def _lacking(entry: ModelEntry, require: frozenset[str]) -> str | None:
    for name in sorted(require):
        if name not in CAPABILITIES:
            near = did_you_mean(nearest_names(name, CAPABILITIES))
            raise ConfigError(f"there is no capability {name!r}.{near} Known: {', '.join(sorted(CAPABILITIES))}.")
        support = getattr(entry.capabilities, name)
        if not support:
            return f"lacks {name}" if support is False else f"nobody says whether it has {name}"
    return None


def _too_small(entry: ModelEntry, min_context: int) -> str | None:
    context = entry.limits.context or entry.limits.input
    if min_context <= 0 or (context is not None and context >= min_context):
        return None
    return "nobody says how much fits" if context is None else f"holds {context} tokens, not {min_context}"
