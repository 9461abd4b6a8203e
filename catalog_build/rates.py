"""Prices as the entry holds them, built from figures as sources write them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from catalog_build.claims import PriceClaim
from langchain_lucky_models.catalog.entry import PriceModes, PricePeriod, PriceTier, Rates

Figures = Mapping[str, Decimal | None]
"""Dollars for a million tokens by the name of the rate; `None` where the source is silent."""

LEAVES = tuple(Rates.model_fields)


BILLED_AS = {
    "reasoning": "output",
    "audio_input": "input",
    "image_input": "input",
    "image_output": "output",
    "audio_cache_read": "cache_read",
}
"""What a rate that is not named is billed as. A source that repeats that rate says nothing by it."""


def paid(figures: Figures) -> dict[str, Decimal]:
    """The figures that say something: beside a paid rate, zero is how sources write "not said".

    A repeated rate goes too: it would stay behind where a tier or an hour raises the one that it repeats.
    """
    return {
        leaf: figure for leaf, figure in figures.items() if figure and figure != figures.get(BILLED_AS.get(leaf, ""))
    }


def tiers_of(base: Figures, tiers: Mapping[int, Figures]) -> tuple[PriceTier, ...]:
    """The tiers, shortest prompt first; each names every rate that holds in it, the unchanged ones too."""
    found, rates = [], paid(base)
    for above in sorted(tiers):
        rates = {**rates, **paid(tiers[above])}
        if rates != paid(base):
            found.append(PriceTier(above=above, **rates))
    return tuple(found)


def mode_of(base: Figures) -> Rates | None:
    """The rates of a service level, where it has an input price of its own."""
    rates = paid(base)
    return Rates(**rates) if "input" in rates else None


def period_of(
    base: Figures, tiers: Mapping[int, Figures] | None = None, modes: Mapping[str, Rates | None] | None = None
) -> PricePeriod:
    """A period without dates."""
    levels = {name: rates for name, rates in (modes or {}).items() if rates is not None}
    return PricePeriod(**paid(base), tiers=tiers_of(base, tiers or {}), modes=PriceModes(**levels))


def is_zero(base: Figures) -> bool:
    """Whether both input and output are said to cost nothing, and so does everything else."""
    return base.get("input") == 0 and base.get("output") == 0 and not paid(base)


def free_claim() -> PriceClaim:
    """The price of a model that costs nothing."""
    return PriceClaim("free", (PricePeriod(input=Decimal(0), output=Decimal(0)),))


def list_claim(period: PricePeriod, remarks: tuple[str, ...] = ()) -> PriceClaim | None:
    """A price that stands in a list; `None` where the list names no rate."""
    named = any(getattr(period, leaf) is not None for leaf in LEAVES)
    return PriceClaim("priced", (period,), remarks) if named else None
