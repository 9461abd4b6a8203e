"""A ledger on every kind of database, for budgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_lucky_models.ledger import Ledger
from tests.accounts import BACKENDS, TurnableClock, place_for


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest, clock: TurnableClock, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(place_for(request.param, tmp_path), clock=clock, spool=tmp_path / "spool") as opened:
        yield opened
