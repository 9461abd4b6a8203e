"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.loopback import Provider

# How long one example takes says how busy the machine is; a test that hangs meets pytest's own timeout.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A healthy provider that speaks every dialect."""
    with Provider() as server:
        yield server


@pytest.fixture
def start_provider() -> Iterator[Callable[..., Provider]]:
    """Start as many providers as a test needs: `start_provider(echo=True)`."""
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(Provider(**settings))
