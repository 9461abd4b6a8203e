"""What one source says about one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from langchain_lucky_models.catalog.entry import PricePeriod, PriceState

Fact = str | int | bool | tuple[str, ...] | None
"""The value of one leaf of an entry, such as `limits.context`."""


@dataclass(frozen=True, slots=True)
class PriceClaim:
    """What one source says a model costs.

    Attributes:
        state: Whether there is a price at all.
        periods: The prices, oldest first.
        remarks: What a reader of the figures must know, such as their unit.
    """

    state: PriceState
    periods: tuple[PricePeriod, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source says about one model.

    Attributes:
        source: The source's name, as in `snapshots/sources.toml`.
        provider: Who serves the model.
        id: The provider's own id of it.
        facts: Values by the dotted name of the entry's field; a missing name means that the source is silent.
        price: The price, where the source names one.
        adds: Whether this source alone is enough for the model to have an entry.
    """

    source: str
    provider: str
    id: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    price: PriceClaim | None = None
    adds: bool = True

    @property
    def ref(self) -> str:
        """The model's ref."""
        return f"{self.provider}#{self.id}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row, or a part of one, that did not pass; it goes to the report, never into the artefact.

    Attributes:
        source: Who said it; several names are joined with a comma.
        ref: What it is about.
        reason: Why it was refused, in words.
    """

    source: str
    ref: str
    reason: str


def known(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts without those that say nothing."""
    return {name: value for name, value in facts.items() if value is not None and value not in ((), "")}
