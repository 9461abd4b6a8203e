"""What it costs a call that somebody may want to hear of it: to publish an event, which nobody, one or ten hear.

The subscribers do nothing, and hear what they are told on threads of their own while it is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from langchain_lucky_models.events import Event, Events, ModelRegistered
from tests.benchmarks.report import Row, seconds

GROUP = "events"
TIMES = 5_000
"""How many wait at most for a subscriber that hears nothing meanwhile: fewer than are dropped."""


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    return list(_rows(TIMES // 10 if quick else TIMES))


def _rows(times: int) -> Iterator[Row]:
    event = ModelRegistered(ref="mybox#tiny")
    call = seconds(lambda: _nothing(event), times=times)
    for count, heard in ((0, "nobody hears"), (1, "one hears"), (10, "ten hear")):
        events = Events()
        with ExitStack() as subscriptions:
            for _ in range(count):
                subscriptions.enter_context(events.subscribe(_nothing))
            taken = seconds(lambda: events.publish(event), times=times, rounds=7 if count == 0 else 1)  # noqa: B023
        yield Row(GROUP, f"an event that {heard}", taken * 1e6, "µs", "a call of a function", taken / call)


def _nothing(_event: Event) -> None:
    """What a subscriber does here."""
