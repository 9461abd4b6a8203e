"""What a call asks of the limits, what it has taken, and how it is told that there is no room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from langchain_lucky_models import errors
from langchain_lucky_models.limits.counts import Demand, Lease, Short
from langchain_lucky_models.limits.limit import Bound, Caller, Kind

LONGEST_REST = 3600.0

SAID = "the limit that the provider named in its last answer"
WAITING = Short("the limit that calls ahead of it wait for", LONGEST_REST, firm=False)


@dataclass(frozen=True, slots=True)
class Load:
    """How much a call asks for.

    Attributes:
        tokens: What it is charged before the answer tells.
        least_tokens: What it uses in any case: its input. A limit that is below the charge only lets it through.
    """

    tokens: int = 0
    least_tokens: int = 0

    @property
    def amounts(self) -> tuple[tuple[Kind, int], ...]:
        """What the provider counts."""
        return ("requests", 1), ("tokens", self.tokens)


NOTHING = Load()


@dataclass(frozen=True, slots=True)
class Passage:
    """What a call has taken; give it to `settle` when the call is over."""

    caller: Caller
    load: Load
    lease: Lease
    demands: tuple[Demand, ...] = ()
    slots: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a call would meet now.

    Attributes:
        allowed: Whether it would pass.
        retry_after: Seconds until it would; infinite where it never does.
        limit: The limit in its way, in words.
    """

    allowed: bool
    retry_after: float = 0.0
    limit: str | None = None


def demands_of(bounds: Iterable[Bound], load: Load) -> tuple[Demand, ...]:
    """What a load takes of each bound; never more than fits, so that a cautious charge does not shut a call out."""
    amounts = {"requests": 1, "concurrent": 1, "tokens": load.tokens}
    return tuple(
        Demand(bound.key, bound.kind, bound.most, bound.period, min(amounts[bound.kind], bound.most))
        for bound in bounds
    )


def refuse_oversized(bounds: Iterable[Bound], load: Load) -> None:
    """A call whose input alone is more than a limit would wait for ever."""
    for bound in bounds:
        if never_fits(bound, load):
            raise refused(f"a call of {load.least_tokens} tokens never fits {bound.label}", None)


def taken(passage: Passage, kind: Kind) -> list[tuple[Demand, int]]:
    """What a call took of one kind, with its slots."""
    slots = passage.slots or {}
    return [(demand, slots[demand.key]) for demand in passage.demands if demand.kind == kind and demand.key in slots]


def never_fits(bound: Bound, load: Load) -> bool:
    """Whether no wait can help."""
    return bound.kind == "tokens" and load.least_tokens > bound.most


def label_of(bounds: Iterable[Bound], short: Short) -> str:
    """What is in the way, in words."""
    return next((f"the limit of {bound.label}" for bound in bounds if bound.key == short.key), short.key)


def refused(reason: str, wait: float | None) -> errors.LimitReachedError:
    """The error that says what is in the way, and when it no longer is."""
    again = f" Try again in {wait:.3g} s." if wait is not None and wait < LONGEST_REST else ""
    facts = errors.CallFacts(retry_after=wait if again else None)
    return errors.LimitReachedError(f"{reason[0].upper()}{reason[1:]}.{again}", facts=facts)
