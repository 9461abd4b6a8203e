"""What a call may cost before it is sent: at most, usually, and how much output a sum of money buys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.prices import Price, effective_price
from langchain_lucky_models.catalog.usage import Mode

SAFETY = Decimal("1.1")
"""Tokens are counted by estimate before sending; this much more is held for the input."""
UNKNOWN_OUTPUT = 4_096
"""Tokens assumed where neither the caller nor the catalog bounds the answer, nor experience tells."""

_MILLION = Decimal(1_000_000)
_INPUT_RATES = ("input", "cache_write", "cache_write_1h")
_OUTPUT_RATES = ("output", "reasoning")
_AUDIO_RATES = {"input": "audio_input", "output": "audio_output"}


@dataclass(frozen=True, slots=True)
class CallSize:
    """How large a call is.

    Attributes:
        input_tokens: The prompt, estimated.
        max_output_tokens: The bound that is sent with the request; None where there is none.
        usual_output_tokens: What such calls put out, learned; None before any was seen.
        audio: Whether sound goes in or out.
        mode: The service level.
        counted: The input was counted exactly, so no safety is added.
    """

    input_tokens: int
    max_output_tokens: int | None = None
    usual_output_tokens: int | None = None
    audio: bool = False
    mode: Mode = "standard"
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars that a call may cost.

    Attributes:
        most: Never exceeded as long as the bound on the output holds; None where the price is unknown.
        usual: What such calls cost so far; the most where none was seen.
    """

    most: Decimal | None
    usual: Decimal | None


UNPRICED = Estimate(None, None)


def estimate_call(entry: ModelEntry, size: CallSize, at: dt.datetime) -> Estimate:
    """What a call of that size may cost at that moment.

    The most is the dearest way the tokens can be billed: the whole input written to a cache, the whole output thought,
    at the rates of the tier that the prompt falls into.
    """
    rates = _rates(entry, size, at)
    if rates is None:
        return UNPRICED
    into, out, request = rates
    bound = size.max_output_tokens
    if bound is None:
        bound = entry.limits.output or max(UNKNOWN_OUTPUT, size.usual_output_tokens or 0)
    fixed = into * _padded(size) / _MILLION + request
    usual = bound if size.usual_output_tokens is None else min(bound, size.usual_output_tokens)
    return Estimate(fixed + out * bound / _MILLION, fixed + out * usual / _MILLION)


def affordable_output(entry: ModelEntry, size: CallSize, dollars: Decimal, at: dt.datetime) -> int | None:
    """How many tokens of output the money buys after the input; None where output costs nothing or is unpriced.

    Example:
        >>> entry = ModelEntry.model_validate(
        ...     {"provider": "mybox", "id": "m", "price_state": "priced", "pricing": [{"input": "1", "output": "10"}]}
        ... )
        >>> affordable_output(entry, CallSize(1000, counted=True), Decimal("0.002"), dt.datetime(2026, 11, 1))
        100
    """
    rates = _rates(entry, size, at)
    if rates is None or not rates[1]:
        return None
    into, out, request = rates
    left = dollars - into * _padded(size) / _MILLION - request
    return max(0, int((left * _MILLION / out).to_integral_value(ROUND_FLOOR)))


def step_down(
    entries: Iterable[ModelEntry], current: ModelEntry, size: CallSize, dollars: Decimal, at: dt.datetime
) -> ModelEntry | None:
    """The next cheaper model that the money pays for: the dearest of those below the current one.

    Args:
        entries: The models this user may have, usable for this call.
        current: The model that had no room.
        size: The call.
        dollars: What is left.
        at: When.
    """
    ceiling = estimate_call(current, size, at).most
    priced = [(entry, estimate_call(entry, size, at).most) for entry in entries if entry.ref != current.ref]
    fitting = [
        (most, str(entry.ref), entry)
        for entry, most in priced
        if most is not None and most <= dollars and (ceiling is None or most < ceiling)
    ]
    return max(fitting, key=lambda row: (row[0], row[1]))[2] if fitting else None


def _rates(entry: ModelEntry, size: CallSize, at: dt.datetime) -> tuple[Decimal, Decimal, Decimal] | None:
    """The dearest rates that input and output can be billed at, and the price of the request itself."""
    # The provider's own count decides which tier it is, so the padded one is what we look up.
    price = effective_price(entry, at, prompt=_padded(size), mode=size.mode)
    if price is None or price.input is None or price.output is None:
        return None
    audio = _AUDIO_RATES if size.audio else {}
    into = _dearest(price, (*_INPUT_RATES, *([audio["input"]] if audio else [])))
    out = _dearest(price, (*_OUTPUT_RATES, *([audio["output"]] if audio else [])))
    return into, out, price.request or Decimal(0)


def _dearest(price: Price, names: Iterable[str]) -> Decimal:
    rates: list[Decimal] = [rate for name in names if (rate := getattr(price, name)) is not None]
    return max(rates)


def _padded(size: CallSize) -> int:
    return size.input_tokens if size.counted else int((size.input_tokens * SAFETY).to_integral_value(ROUND_FLOOR)) + 1
