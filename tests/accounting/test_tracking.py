"""What is written down of a call is the operator's to say: everything, all but how long it took, or nothing."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.errors import ConfigError, LimitReachedError
from langchain_lucky_models.events import Event, UsageRecorded
from tests import homes
from tests.accounting.conftest import used
from tests.loopback import Provider

Tracking = Callable[..., LLMRegistry]
GPT = homes.OPENAI


@pytest.fixture
def tracking(provider: Provider, place: str | None) -> Iterator[Tracking]:
    """Registries of one server and one ledger that write down what they are told to."""
    with ExitStack() as opened:

        def made(config: dict[str, Any] | None = None, **track: bool) -> LLMRegistry:
            whole = {"track": track, "ledger": place, **(config or {})}
            return opened.enter_context(homes.registry_on(provider, config=whole))

        yield made


class TestUsage:
    def test_is_not_written_where_the_operator_does_not_want_it(self, tracking: Tracking, provider: Provider) -> None:
        registry = tracking(usage=False)
        answer = homes.user_of(registry).model(GPT).invoke("hi")
        assert answer.response_metadata["lucky"]["cost"] > 0
        assert len(provider.requests) == 1
        assert (registry.usage(), registry.metrics()) == ((), ())

    async def test_is_not_written_in_streams_and_tasks_either(self, tracking: Tracking) -> None:
        registry = tracking(usage=False)
        model = homes.user_of(registry).models(*homes.EVERY[:2], strategy="race")
        assert [chunk async for chunk in model.astream("hi")]
        assert registry.usage(by="outcome") == ()

    def test_that_is_not_written_is_limited_all_the_same(self, tracking: Tracking) -> None:
        registry = tracking({"limits": [{"requests_per_minute": 1}], "limit_wait": 0}, usage=False)
        model = homes.user_of(registry).model(GPT)
        model.invoke("hi")
        with pytest.raises(LimitReachedError):
            model.invoke("hi")
        assert registry.usage() == ()

    def test_that_somebody_books_by_hand_is_written(self, tracking: Tracking) -> None:
        registry = tracking(usage=False)
        registry.record_usage(GPT, used(), user="ada")
        assert [row.requests for row in registry.usage(by="user")] == [1]

    def test_is_what_budgets_are_kept_by(self, tracking: Tracking) -> None:
        with pytest.raises(ConfigError, match=r"track\.usage: budgets are kept by records"):
            tracking({"budgets": [{"limit": 1}]}, usage=False)


class TestLatency:
    def test_is_not_written_where_the_operator_does_not_want_it(self, tracking: Tracking) -> None:
        """Under a budget and without one: tokens and cost are there, times are not."""
        for budgets in ([], [{"limit": 1}]):
            registry = tracking({"budgets": budgets}, latency=False)
            homes.user_of(registry).model(GPT).invoke("hi")
            (row,) = registry.metrics()
            assert row.usage.cost > 0
            assert (row.latency.p50, row.first_token.p50, row.tokens_per_second.p50) == (None, None, None)

    def test_is_told_to_whoever_listens_all_the_same(self, tracking: Tracking) -> None:
        """Nothing is written down by telling somebody now."""
        registry = tracking(latency=False)
        told: queue.Queue[Event] = queue.Queue()
        with registry.subscribe(told.put, kinds=["usage_recorded"]):
            homes.user_of(registry).model(GPT).invoke("hi")
            event = told.get(timeout=30)
        assert isinstance(event, UsageRecorded)
        assert event.seconds is not None
        assert event.seconds > 0
        assert registry.metrics()[0].latency.p50 is None

    def test_of_a_call_made_elsewhere_is_unknown_unless_it_is_said(self, tracking: Tracking) -> None:
        registry = tracking()
        registry.record_usage(GPT, used())
        assert registry.metrics()[0].latency.p50 is None
        registry.record_usage(GPT, used(), seconds=2.0)
        assert registry.metrics()[0].latency.p50 == 2.0


def test_everything_is_written_by_default(tracking: Tracking, tmp_path: Path) -> None:
    registry = tracking()
    homes.user_of(registry).model(GPT).invoke("hi")
    (row,) = registry.metrics()
    assert row.latency.p50
    assert row.usage.requests == 1
    assert '"latency":null' not in registry.export(tmp_path / "all.jsonl").read_text()
