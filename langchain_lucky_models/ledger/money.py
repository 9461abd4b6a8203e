"""Money as it is stored: whole picodollars (1e-12 US dollars), so that sums are exact in every database.

A price of one dollar for a million tokens is a million picodollars a token, so real prices lose nothing.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from langchain_lucky_models.errors.base import ConfigError

PLACES = 12
MOST_DOLLARS = Decimal(9_000_000)
"""What fits a 64-bit column of picodollars with room to spare."""

_WIDE = Context(prec=40)


def picodollars(amount: Decimal) -> int:
    """An amount in whole picodollars; what lies below half of one is dropped.

    Raises:
        ConfigError: The amount is not finite, or does not fit the column.

    Example:
        >>> picodollars(Decimal("0.15"))
        150000000000
    """
    return _scaled(amount, ROUND_HALF_EVEN)


def picodollars_up(amount: Decimal) -> int:
    """Same as `picodollars`, but never below the amount: for what is held back."""
    return _scaled(amount, ROUND_CEILING)


def dollars(picos: int) -> Decimal:
    """The amount that a number of picodollars is.

    Example:
        >>> dollars(150_000_000_000)
        Decimal('0.15')
    """
    exact = Decimal(picos).scaleb(-PLACES, _WIDE)
    return exact.quantize(Decimal(1), context=_WIDE) if exact == exact.to_integral_value() else exact.normalize(_WIDE)


def _scaled(amount: Decimal, rounding: str) -> int:
    if not amount.is_finite() or abs(amount) > MOST_DOLLARS:
        raise ConfigError(f"{amount} dollars cannot be booked; amounts lie between -{MOST_DOLLARS} and {MOST_DOLLARS}.")
    return int(amount.scaleb(PLACES, _WIDE).to_integral_value(rounding))
