"""What a usage costs, exactly. Every figure is a `Decimal` in US dollars; what is not known is `None`, never 0."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Literal

from langchain_lucky_models.catalog.entry import ModelEntry, PricePeriod, PriceWindow, Rates
from langchain_lucky_models.catalog.usage import Mode, Usage, read_usage

Basis = Literal["catalog", "provider", "unknown"]

_MILLION = 6
"""Rates are for 10^6 tokens."""

_DIGITS = 60
"""More digits than any sum of rates and tokens has: no cost is ever rounded."""


@dataclass(frozen=True, slots=True)
class Price:
    """The rates of one moment, in dollars for a million tokens; `None` where nobody says.

    Attributes:
        input: What goes in.
        output: What comes out.
        cache_read: Input that came from a cache.
        cache_write: Input written to a cache kept for five minutes.
        cache_write_1h: Input written to a cache kept for an hour.
        reasoning: Output that was thought and not said.
        audio_input: Spoken input.
        audio_output: Spoken output.
        audio_cache_read: Spoken input that came from a cache.
        image_input: Pictures that went in.
        image_output: Pictures that came out.
        request: Dollars for each request.
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    audio_cache_read: Decimal | None = None
    image_input: Decimal | None = None
    image_output: Decimal | None = None
    request: Decimal | None = None


RATE_NAMES = tuple(field.name for field in fields(Price))

FREE = Price(input=Decimal(0), output=Decimal(0))

_BILLED_AS: Mapping[str, tuple[str, ...]] = {
    "cache_read": ("input",),
    "cache_write": ("input",),
    "cache_write_1h": ("cache_write", "input"),
    "audio_input": ("input",),
    "audio_cache_read": ("cache_read", "audio_input", "input"),
    "image_input": ("input",),
    "reasoning": ("output",),
    "audio_output": ("output",),
    "image_output": ("output",),
}
"""Where a rate is missing, the next one that is billed instead."""


@dataclass(frozen=True, slots=True)
class CostPart:
    """One line of a bill.

    Attributes:
        kind: What was used, by the name of its rate.
        billed_as: The rate that was applied: another one where its own is missing.
        quantity: Tokens, or requests.
        rate: Dollars for a million tokens, or for each request.
        amount: Dollars.
    """

    kind: str
    billed_as: str
    quantity: int
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs, and how that is known.

    Attributes:
        amount: Dollars; `None` where the price or the usage is not known.
        basis: `catalog` where computed from rates, `provider` where the provider said so, `unknown`.
        parts: The lines that sum to the amount.
        suspect: What is wrong with the usage report, a sentence each.
    """

    amount: Decimal | None
    basis: Basis
    parts: tuple[CostPart, ...] = ()
    suspect: tuple[str, ...] = ()

    @classmethod
    def reported(cls, amount: Decimal) -> Cost:
        """The cost that the provider itself put on its answer."""
        return cls(amount, "provider")


def price_at(entry: ModelEntry, when: dt.date | dt.datetime) -> Price | None:
    """The price of one moment, before tiers and modes; `None` where nobody knows it.

    Args:
        entry: The model.
        when: A moment (without a zone: in UTC), or a day, for which hourly prices are left aside.
    """
    period = _period_at(entry, when)
    if period is None:
        return FREE if entry.price_state in {"free", "local"} else None
    price = Price(**period.stated)
    for window in _windows_at(period, when):
        price = _laid_over(price, window)
    return price


def cost(
    usage: Usage | Mapping[str, object] | None,
    entry: ModelEntry,
    at: dt.date | dt.datetime | None = None,
    mode: Mode | None = None,
) -> Cost:
    """What a usage costs.

    Args:
        usage: LangChain's `usage_metadata`, or a `Usage`.
        entry: The model that answered.
        at: When it was asked; now where left out.
        mode: The service level; what the usage names, else standard, where left out.

    Example:
        >>> from langchain_lucky_models.catalog.entry import ModelEntry
        >>> entry = ModelEntry.model_validate(
        ...     {"provider": "mybox", "id": "m", "price_state": "priced", "pricing": [{"input": "2.5", "output": "10"}]}
        ... )
        >>> cost({"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}, entry).amount
        Decimal('0.0035000')
    """
    used = usage if isinstance(usage, Usage) else read_usage(usage)
    moment = dt.datetime.now(dt.UTC) if at is None else at
    if used.input is None or used.output is None:
        return Cost(None, "unknown", suspect=used.suspect)
    # A context of our own: the application's may round after six digits.
    with decimal.localcontext(decimal.Context(prec=_DIGITS)):
        price = effective_price(entry, moment, prompt=used.input, mode=mode or used.mode or "standard")
        if price is None:
            return Cost(None, "unknown", suspect=used.suspect)
        return _bill(used, price)


def estimate(entry: ModelEntry, input_tokens: int, output_tokens: int, at: dt.date | dt.datetime | None = None) -> Cost:
    """What a call of that size would cost, nothing cached."""
    return cost({"input_tokens": input_tokens, "output_tokens": output_tokens}, entry, at)


def blended(entry: ModelEntry, on: dt.date) -> Decimal | None:
    """Three parts input and one part output, for a million tokens: the figure that models are compared by."""
    period = _period_at(entry, on)
    if period is None:
        return Decimal(0) if entry.price_state in {"free", "local"} else None
    if period.input is None or period.output is None:
        return None
    return (3 * period.input + period.output) / 4


def effective_price(entry: ModelEntry, when: dt.date | dt.datetime, *, prompt: int, mode: Mode) -> Price | None:
    """The price of one moment for a prompt of that length at that service level.

    A mode that undercuts the standard price and is not listed is billed as standard; `priority` costs more than
    standard, so where it is not listed its price is not known.
    """
    base = price_at(entry, when)
    period = _period_at(entry, when)
    if base is None or period is None:
        return base
    tier = max((tier for tier in period.tiers if prompt > tier.above), key=lambda tier: tier.above, default=None)
    price = base if tier is None else _laid_over(base, tier)
    if mode == "standard":
        return price
    rates: Rates | None = getattr(period.modes, mode)
    if rates is None:
        return None if mode == "priority" else price
    return _in_mode(rates, base, price)


def _in_mode(rates: Rates, base: Price, price: Price) -> Price:
    """The mode's rates, raised where a long prompt raises the standard ones, by the same factor."""
    scaled: dict[str, Decimal] = {}
    for name in RATE_NAMES:
        rate, before, after = getattr(rates, name), getattr(base, name), getattr(price, name)
        if rate is not None:
            scaled[name] = rate * after / before if before and after and after != before else rate
    return replace(price, **scaled)


def _bill(used: Usage, price: Price) -> Cost:
    parts: list[CostPart] = []
    for kind, quantity in _quantities(used):
        if quantity <= 0:
            continue
        billed_as = next((name for name in (kind, *_BILLED_AS.get(kind, ())) if getattr(price, name) is not None), None)
        if billed_as is None:
            return Cost(None, "unknown", suspect=used.suspect)
        rate: Decimal = getattr(price, billed_as)
        parts.append(CostPart(kind, billed_as, quantity, rate, (rate * quantity).scaleb(-_MILLION)))
    if price.request:
        parts.append(CostPart("request", "request", used.requests, price.request, price.request * used.requests))
    return Cost(sum((part.amount for part in parts), Decimal(0)), "catalog", tuple(parts), used.suspect)


def _quantities(used: Usage) -> Iterator[tuple[str, int]]:
    """The usage in parts that do not overlap. More details than total bill the details, never less than nothing."""
    cached_text = max(used.cache_read - used.audio_cache_read, 0)
    fresh_audio = max(used.audio_input - used.audio_cache_read, 0)
    into = {
        "cache_read": cached_text,
        "cache_write": used.cache_write,
        "cache_write_1h": used.cache_write_1h,
        "audio_input": fresh_audio,
        "audio_cache_read": used.audio_cache_read,
        "image_input": used.image_input,
    }
    out = {"reasoning": used.reasoning, "audio_output": used.audio_output, "image_output": used.image_output}
    yield "input", (used.input or 0) - sum(into.values())
    yield from into.items()
    yield "output", (used.output or 0) - sum(out.values())
    yield from out.items()


def _laid_over(price: Price, rates: Rates) -> Price:
    return replace(price, **rates.stated)


def _period_at(entry: ModelEntry, when: dt.date | dt.datetime) -> PricePeriod | None:
    if entry.price_state in {"unknown", "dynamic"}:
        return None
    day = _day(when)
    for period in entry.pricing:
        if (period.start is None or period.start <= day) and (period.until is None or day < period.until):
            return period
    return None


def _windows_at(period: PricePeriod, when: dt.date | dt.datetime) -> Iterator[PriceWindow]:
    """Every window that is open; of two that overlap the later one is laid over the other."""
    if isinstance(when, dt.datetime):
        clock = _in_utc(when).time()
        yield from (window for window in period.schedule if _covers(window, clock))


def _covers(window: PriceWindow, clock: dt.time) -> bool:
    if window.start <= window.until:
        return window.start <= clock < window.until
    return clock >= window.start or clock < window.until


def _day(when: dt.date | dt.datetime) -> dt.date:
    return _in_utc(when).date() if isinstance(when, dt.datetime) else when


def _in_utc(when: dt.datetime) -> dt.datetime:
    return when.astimezone(dt.UTC) if when.tzinfo else when.replace(tzinfo=dt.UTC)
