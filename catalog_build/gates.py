"""What is refused: prices that cannot be, limits that contradict each other, and catalogs that changed too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from catalog_build.claims import PriceClaim
from catalog_build.rates import LEAVES
from langchain_lucky_models.catalog.artefact import Artefact
from langchain_lucky_models.catalog.entry import ModelEntry, PricePeriod, Rates

LEAST_RATE = Decimal("0.001")
MOST_RATE = Decimal(2000)
"""Bounds of what a million tokens cost anywhere; a figure outside of them has slipped by a unit."""

UNIT = "unit:"
"""How a remark begins that explains why output may cost less than input."""

MOST_LOST = 0.1
"""The part of a provider's models that may vanish from one artefact to the next."""

MOST_NEW = 0.5
"""The part by which a provider's models may grow from one artefact to the next."""

MOST_TIMES = 10
"""How many times dearer or cheaper a single model may become."""

MOST_REPRICED = 0.3
"""The part of a provider's models whose price may change from one artefact to the next."""


def price_faults(claim: PriceClaim) -> Iterator[str]:
    """Why a price cannot be true, a sentence each."""
    for period in claim.periods:
        yield from _rate_faults(period, claim.state)
        yield from _period_faults(period)
        if _above(period.input, period.output) and not any(remark.startswith(UNIT) for remark in claim.remarks):
            yield f"output {period.output} is below input {period.input}"


def _rate_faults(rates: Rates, state: str) -> Iterator[str]:
    for leaf in LEAVES:
        figure = getattr(rates, leaf)
        if figure is None or leaf == "request":
            continue
        if figure == 0 and state not in {"free", "local"}:
            yield f"{leaf} is zero, yet the model is neither free nor local"
        elif figure and not LEAST_RATE <= figure <= MOST_RATE:
            yield f"{leaf} of {figure} for a million tokens looks like a slip of units"
    if _above(rates.cache_read, rates.input):
        yield f"cache_read {rates.cache_read} is above input {rates.input}"


def _period_faults(period: PricePeriod) -> Iterator[str]:
    for tier in period.tiers:
        yield from _rate_faults(tier, "priced")
        for leaf in LEAVES:
            if _above(getattr(period, leaf), getattr(tier, leaf)):
                yield f"the tier above {tier.above} tokens has a lower {leaf} than the base"
    for mode in ("batch", "flex"):
        level = getattr(period.modes, mode)
        for leaf in LEAVES:
            if level is not None and _above(getattr(level, leaf), getattr(period, leaf)):
                yield f"{mode} costs more {leaf} than standard"


def _above(one: Decimal | None, other: Decimal | None) -> bool:
    return one is not None and other is not None and one > other


def entry_faults(entry: ModelEntry, sources: int) -> Iterator[str]:
    """Why an entry may not be written, a sentence each."""
    limits = entry.limits
    if limits.context and limits.output and limits.output > limits.context:
        yield f"limits.output {limits.output} is above limits.context {limits.context}"
    if not entry.prov:
        yield "no source is named"
    if any(index >= sources for marks in entry.prov.values() for index in marks if isinstance(index, int)):
        yield "prov points outside of the table of sources"
    if entry.price_state in {"priced", "free", "local"} and not entry.pricing:
        yield f"price_state is {entry.price_state}, yet there is no price"
    if entry.price_state in {"dynamic", "unknown"} and entry.pricing:
        yield f"price_state is {entry.price_state}, yet there is a price"
    remarks = tuple(mark for mark in entry.prov.get("pricing", ()) if isinstance(mark, str))
    yield from price_faults(PriceClaim(entry.price_state, entry.pricing, remarks))


def names_of(entry: ModelEntry) -> set[str]:
    """Every ref that leads to an entry."""
    return {f"{entry.provider}#{model}" for model in (entry.id, *entry.aliases, *entry.snapshots)}


def name_faults(models: Iterable[ModelEntry]) -> Iterator[str]:
    """Which name leads to two models, a sentence each."""
    seen: dict[str, ModelEntry] = {}
    for entry in models:
        yield from (f"{name} leads to {seen[name].ref} and to {entry.ref}." for name in names_of(entry) if name in seen)
        seen |= dict.fromkeys(names_of(entry), entry)


def change_faults(new: Artefact, old: Artefact) -> Iterator[str]:
    """Why a new artefact is too unlike the old one to be written without a second look."""
    before, after = _by_provider(old), _by_provider(new)
    for provider, entries in sorted(before.items()):
        now = after.get(provider, {})
        lost = [model for model in entries if model not in now]
        if len(lost) > MOST_LOST * len(entries):
            yield f"{provider}: {len(lost)} of {len(entries)} models are gone, {', '.join(sorted(lost)[:3])} among them"
        if len(now) > (1 + MOST_NEW) * len(entries):
            yield f"{provider}: {len(now)} models where there were {len(entries)}"
        repriced = [model for model, entry in entries.items() if model in now and now[model].pricing != entry.pricing]
        if len(repriced) > MOST_REPRICED * len(entries):
            yield f"{provider}: {len(repriced)} of {len(entries)} prices changed"
        leaps = [model for model in repriced if _leaps(entries[model], now[model])]
        yield from (f"{provider}#{model}: the price changed more than {MOST_TIMES} times" for model in leaps)


def _leaps(old: ModelEntry, new: ModelEntry) -> bool:
    """Whether the newest input or output price moved by more than a plausible factor."""
    if not old.pricing or not new.pricing:
        return False
    pairs = [(getattr(old.pricing[-1], leaf), getattr(new.pricing[-1], leaf)) for leaf in ("input", "output")]
    return any(one and other and not 1 / MOST_TIMES <= other / one <= MOST_TIMES for one, other in pairs)


def _by_provider(artefact: Artefact) -> dict[str, dict[str, ModelEntry]]:
    found: dict[str, dict[str, ModelEntry]] = {}
    for entry in artefact.models:
        found.setdefault(entry.provider, {})[entry.id] = entry
    return found
