"""A ledger on every kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_lucky_models.ledger import Ledger
from tests.accounts import BACKENDS, TurnableClock, place_for


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return place_for(request.param, tmp_path)


@pytest.fixture
def ledger(url: str | None, clock: TurnableClock, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(url, clock=clock, spool=tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def make_ledger(url: str | None, clock: TurnableClock, tmp_path: Path) -> Callable[[], Ledger]:
    return lambda: Ledger(url, clock=clock, spool=tmp_path / "spool")
