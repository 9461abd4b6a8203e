"""What the writer is asked to carry out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_lucky_models.ledger.book import Charge, Stake
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.records import Record


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold for an attempt before it is sent.

    Attributes:
        record: What is known of the attempt already; it is what recovery writes should the process die.
        charges: One for each counter.
        life: Microseconds after which not even a living process keeps the hold.
        required: Refuse the call where the database is away; else it goes on without.
    """

    record: Record
    charges: tuple[Charge, ...]
    life: int
    required: bool = True


@dataclass(frozen=True, slots=True)
class Release:
    """Give back what was held for an attempt that was never sent."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Append:
    """Write a record, and settle what was held for it.

    Attributes:
        stakes: What to charge where the database knows of no hold.
        correcting: Whether it replaces what stands there, by an entry with the difference.
        at: When it happened, in microseconds, where that is not now.
    """

    record: Record
    stakes: tuple[Stake, ...] = ()
    correcting: bool = False
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """Anything else that needs a writing transaction."""

    run: Callable[[Session, int], Any]


Command = Reserve | Release | Append | Errand
