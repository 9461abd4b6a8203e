"""Counters in this process and in Redis."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from langchain_lucky_models.limits import Counts, MemoryCounts, RedisCounts
from tests.services import redis_url


@pytest.fixture(params=["memory", "redis"])
def counts(request: pytest.FixtureRequest) -> Iterator[Counts]:
    if request.param == "memory":
        yield MemoryCounts(time.monotonic)
        return
    # A busy machine may be slower than a call would wait.
    shared = RedisCounts(redis_url(), name=uuid.uuid4().hex, patience=10)
    yield shared
    shared.close()
