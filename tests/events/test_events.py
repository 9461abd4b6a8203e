"""Events: told in order to whoever subscribes; no subscriber can slow, break or starve anybody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.events import Event, Events, ModelRegistered, ModelRemoved
from langchain_lucky_models.events.events import KINDS

PATIENCE = 30.0
"""Seconds after which a test is lost; nothing waits for them otherwise."""


@pytest.fixture
def events() -> Iterator[Events]:
    made = Events()
    yield made
    made.close(within=PATIENCE)


def registered(number: int) -> ModelRegistered:
    return ModelRegistered(ref=f"mybox#{number}")


def refs(heard: list[Event]) -> list[str]:
    return [event.ref for event in heard if isinstance(event, ModelRegistered | ModelRemoved)]


def test_a_subscriber_hears_everything_in_order(events: Events) -> None:
    heard: list[Event] = []
    with events.subscribe(heard.append):
        for number in range(1_000):
            events.publish(registered(number))
    assert refs(heard) == [f"mybox#{number}" for number in range(1_000)]


def test_what_each_thread_publishes_is_heard_in_its_order(events: Events) -> None:
    heard: list[Event] = []

    def publish(name: int) -> None:
        for number in range(500):
            events.publish(registered(name * 1_000 + number))

    with events.subscribe(heard.append):
        threads = [threading.Thread(target=publish, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    numbers = [int(ref.partition("#")[2]) for ref in refs(heard)]
    for name in range(8):
        own = [number for number in numbers if number // 1_000 == name]
        assert own == list(range(name * 1_000, name * 1_000 + 500))


@pytest.mark.parametrize("kind", ["model_removed", ModelRemoved])
def test_kinds_are_chosen_by_name_or_class(events: Events, kind: str | type[Event]) -> None:
    heard: list[Event] = []
    with events.subscribe(heard.append, kinds=[kind]):
        events.publish(registered(1))
        events.publish(ModelRemoved(ref="mybox#1"))
    assert [event.kind for event in heard] == ["model_removed"]


def test_a_kind_that_does_not_exist_offers_the_nearest(events: Events) -> None:
    with pytest.raises(ConfigError, match=r"no event 'budget_alerts'\..*budget_alert"):
        events.subscribe(print, kinds=["budget_alerts"])
    assert not events.heard


def test_every_kind_of_the_promise_exists() -> None:
    assert sorted(KINDS) == [
        "budget_alert",
        "config_rejected",
        "config_reloaded",
        "health_changed",
        "limit_reached",
        "model_migrated",
        "model_registered",
        "model_removed",
        "model_updated",
        "price_changed",
        "rollout_changed",
        "usage_recorded",
    ]


def test_a_failing_subscriber_is_told_on_and_logged_once(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []
    asked = 0

    def fail(_event: Event) -> None:
        nonlocal asked
        asked += 1
        raise SystemExit(1) if asked == 2 else ValueError("no")

    with events.subscribe(fail) as failing, events.subscribe(heard.append):
        for number in range(5):
            events.publish(registered(number))
    assert (asked, failing.failed, len(heard)) == (5, 5, 5)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "fail" in caplog.text


def test_a_slow_subscriber_holds_up_neither_publisher_nor_neighbour(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    go_on, begun = threading.Event(), threading.Event()
    slow: list[Event] = []
    heard: Queue[Event] = Queue()

    def dawdle(event: Event) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        slow.append(event)

    with events.subscribe(dawdle, most_waiting=3) as dawdling, events.subscribe(heard.put):
        events.publish(registered(0))
        assert begun.wait(PATIENCE)
        for number in range(1, 10):
            events.publish(registered(number))
        assert refs([heard.get(timeout=PATIENCE) for _ in range(10)]) == [f"mybox#{number}" for number in range(10)]
        assert dawdling.dropped == 6
        go_on.set()
    assert refs(slow) == ["mybox#0", "mybox#1", "mybox#2", "mybox#3"]
    assert "6 events were dropped" in caplog.text
