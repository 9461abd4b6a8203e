"""What the tests of ledger, budgets and limits share: places to keep a ledger, a clock to turn, attempts to record."""

from __future__ import annotations

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from langchain_lucky_models.ledger import Charge, Record, Span
from tests.services import fresh_database

BACKENDS = ("memory", "sqlite", "postgres")
START = 1_790_000_000_000_000


class TurnableClock:
    """A clock that stands still until it is turned: microseconds since 1970."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def turn(self, seconds: float) -> None:
        """Forwards, or backwards."""
        self.now += round(seconds * 1_000_000)


class SecondsClock:
    """The same for limits: seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def place_for(backend: str, folder: Path) -> str | None:
    """A fresh place of that kind to keep a ledger."""
    if backend == "memory":
        return None
    if backend == "sqlite":
        return f"sqlite:///{folder / 'ledger.db'}"
    return fresh_database(f"t{uuid.uuid4().hex}")


def attempt(attempt_id: str, **facts: Any) -> Record:
    """An attempt of ada's that answered, for 0.15 dollars."""
    usual: dict[str, Any] = {
        "user": "ada",
        "provider": "openai",
        "model": "openai#gpt-4o",
        "outcome": "answered",
        "input_tokens": 100,
        "output_tokens": 50,
        "cost": Decimal("0.15"),
        "basis": "catalog",
        "seconds": 0.5,
        "first_token": 0.1,
    }
    return Record(attempt_id=attempt_id, **{**usual, **facts})


def forever(_now: int) -> Span:
    """The window of a total."""
    return Span(0, 0)


def charge(key: str, amount: int, cap: int | None = None) -> Charge:
    """A charge on a counter that never begins anew."""
    return Charge(key, amount, cap, forever)
