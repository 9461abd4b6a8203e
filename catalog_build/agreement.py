"""Which price counts: the provider's own list, or what two independent sources agree about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog_build.claims import Claim, PriceClaim
from catalog_build.precedence import LABS, price_rank
from catalog_build.rates import LEAVES
from langchain_lucky_models.catalog.entry import PriceModes, PricePeriod, PriceTier

TOLERANCE = Decimal("0.002")
"""How far two figures may lie apart and still be the same price, rounded differently."""

CURATED = "curated"
"""Our own decisions are the outcome of a check, and need no second voice."""


@dataclass(frozen=True, slots=True)
class PriceChoice:
    """The price of one model.

    Attributes:
        claim: What counts; `None` where nobody is believed.
        sources: Who said so: the winner first, then those who agree.
        disputed: Who says something else.
        fault: Why nobody is believed, in words.
    """

    claim: PriceClaim | None = None
    sources: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    fault: str | None = None


def current(claim: PriceClaim, on: dt.date) -> PricePeriod | None:
    """The period that holds on a day."""
    for period in claim.periods:
        if (period.start is None or period.start <= on) and (period.until is None or on < period.until):
            return period
    return None


def choose_price(provider: str, claims: Iterable[Claim], on: dt.date, trusted: str | None = None) -> PriceChoice:
    """The price that counts, completed by those who agree with it.

    Args:
        provider: Who asks the price.
        claims: What is said about the model.
        on: The day on which the claims are compared.
        trusted: The source that was decided to be right about this model, without a second voice.
    """
    ordered = sorted(claims, key=lambda claim: (claim.source != trusted, price_rank(provider, claim.source)))
    priced = [(claim.source, claim.price) for claim in ordered if claim.price is not None]
    if not priced:
        return PriceChoice()
    for source, price in priced:
        friends = [(other, theirs) for other, theirs in priced if other != source and same_price(price, theirs, on)]
        if friends or source in {CURATED, trusted} or provider not in LABS:
            allies = {source, *(name for name, _ in friends)}
            complete = _completed(price, [theirs for _, theirs in friends], on, own=source == provider)
            sources = (source, *(name for name, _ in friends))
            return PriceChoice(complete, sources, tuple(name for name, _ in priced if name not in allies))
    names = tuple(source for source, _ in priced)
    fault = "only one source names a price" if len(priced) == 1 else "no two sources agree about the price"
    return PriceChoice(disputed=names, fault=fault)


def same_price(one: PriceClaim, other: PriceClaim, on: dt.date) -> bool:
    """Whether two claims mean the same price of input and output on a day."""
    mine, theirs = current(one, on), current(other, on)
    if mine is None or theirs is None:
        return one.state == other.state
    compared = [close(getattr(mine, leaf), getattr(theirs, leaf)) for leaf in ("input", "output")]
    return all(compared)


def close(one: Decimal | None, other: Decimal | None) -> bool:
    """Whether two figures are the same within the tolerance."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(one, other)


def _completed(price: PriceClaim, friends: Sequence[PriceClaim], on: dt.date, *, own: bool) -> PriceClaim:
    """The price, with the rates, tiers, service levels and earlier periods that only those who agree know.

    A provider's own list names its tiers and hours itself; those that only others name are over.
    """
    periods = price.periods
    for friend in friends:
        theirs = current(friend, on)
        if periods and theirs is not None:
            earlier = [
                period for period in friend.periods if theirs.start and period.until and period.until <= theirs.start
            ]
            over = [name for name in ("tiers", "schedule") if own and not getattr(periods[-1], name)]
            last = _filled(periods[-1], theirs.model_copy(update=dict.fromkeys(over, ())))
            if len(periods) == 1 and earlier:
                periods = (*earlier, last.model_copy(update={"start": theirs.start}))
            else:
                periods = (*periods[:-1], last)
    return PriceClaim(price.state, periods, price.remarks)


def _filled(period: PricePeriod, other: PricePeriod) -> PricePeriod:
    missing = {leaf: getattr(other, leaf) for leaf in LEAVES if getattr(period, leaf) is None}
    modes = {name: getattr(period.modes, name) or getattr(other.modes, name) for name in PriceModes.model_fields}
    return period.model_copy(
        update={
            **missing,
            "tiers": _filled_tiers(period.tiers, other.tiers),
            "modes": PriceModes(**modes),
            "schedule": period.schedule or other.schedule,
        }
    )


def _filled_tiers(tiers: tuple[PriceTier, ...], others: tuple[PriceTier, ...]) -> tuple[PriceTier, ...]:
    if not tiers:
        return others
    bounds = {tier.above: tier for tier in others}
    return tuple(_filled_tier(tier, bounds.get(tier.above)) for tier in tiers)


def _filled_tier(tier: PriceTier, other: PriceTier | None) -> PriceTier:
    missing = {leaf: getattr(other, leaf, None) for leaf in LEAVES if getattr(tier, leaf) is None}
    return tier.model_copy(update=missing)
