"""A wire for each test, asked in every flavour, from threads and from loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from langchain_lucky_models.wire import Wire
from langchain_lucky_models.wire.flavours import FlavourName
from tests.wire.raw import Asker, Mode, RawServer


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A wire, closed at the end."""
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture(
    params=[("httpx", "sync"), ("httpx", "async"), ("httpx2", "sync"), ("httpx2", "async")],
    ids="-".join,
)
def asker(request: pytest.FixtureRequest, wire: Wire) -> Asker:
    """Every way to ask."""
    flavour: FlavourName
    mode: Mode
    flavour, mode = request.param
    return Asker(wire, flavour, mode)


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Start raw servers, stopped at the end."""
    with ExitStack() as servers:
        yield lambda *given, **named: servers.enter_context(RawServer(*given, **named))
