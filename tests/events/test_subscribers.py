"""Subscribers of every kind: async ones, forked ones, ones that end, hang, or are forgotten."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.events import Event, Events, ModelRegistered
from tests.events.test_events import PATIENCE, refs, registered

ROOT = Path(__file__).parents[2]


def registered_elsewhere(_event: Event) -> None:
    """A subscriber whose thread no other test has."""


@pytest.fixture
def events() -> Iterator[Events]:
    made = Events()
    yield made
    made.close(within=PATIENCE)


async def test_an_async_subscriber_runs_in_the_loop_it_subscribed_from_and_in_order(events: Events) -> None:
    heard: list[Event] = []
    loops: set[asyncio.AbstractEventLoop] = set()

    async def hear(event: Event) -> None:
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())
        heard.append(event)

    async with events.subscribe(hear):
        for number in range(100):
            events.publish(registered(number))
    assert refs(heard) == [f"mybox#{number}" for number in range(100)]
    assert loops == {asyncio.get_running_loop()}


def test_an_async_subscriber_without_a_loop_gets_one(events: Events) -> None:
    heard: list[Event] = []

    async def hear(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    with events.subscribe(hear):
        for number in range(10):
            events.publish(registered(number))
    assert refs(heard) == [f"mybox#{number}" for number in range(10)]


def test_an_async_subscriber_whose_loop_is_closed_hears_no_more(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    async def hear(_event: Event) -> None:
        raise AssertionError("there is no loop to run in")

    async def subscribe() -> None:
        mailboxes.append(events.subscribe(hear))

    mailboxes: list[object] = []
    asyncio.run(subscribe())
    events.publish(registered(1))
    events.close(within=PATIENCE)
    assert "hears no more" in caplog.text
    assert not events.heard


async def test_closing_in_the_loop_of_a_subscriber_does_not_wait_for_itself(events: Events) -> None:
    heard = asyncio.Event()

    async def hear(_event: Event) -> None:
        heard.set()

    events.subscribe(hear)
    events.publish(registered(1))
    events.close(within=PATIENCE)
    assert not heard.is_set()
    async with asyncio.timeout(PATIENCE):
        await heard.wait()


async def test_a_sync_subscriber_is_waited_for_in_a_loop_too(events: Events) -> None:
    heard: list[Event] = []
    events.subscribe(heard.append)
    events.publish(registered(1))
    events.close(within=PATIENCE)
    assert refs(heard) == ["mybox#1"]


def test_a_subscriber_may_close_itself(events: Events) -> None:
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        subscription.close(within=PATIENCE)

    subscription = events.subscribe(hear)
    events.publish(registered(1))
    events.close(within=PATIENCE)
    events.publish(registered(2))
    assert refs(heard) == ["mybox#1"]
    assert subscription.closed


def test_a_subscriber_that_hangs_is_given_up_and_what_waited_is_counted(events: Events) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def hang(_event: Event) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    subscription = events.subscribe(hang)
    for number in range(5):
        events.publish(registered(number))
    assert begun.wait(PATIENCE)
    subscription.close(within=0)
    assert subscription.dropped == 4
    go_on.set()


def test_a_registry_delivers_what_waits_when_it_is_closed() -> None:
    heard: list[Event] = []
    with create_llm_registry() as registry:
        registry.subscribe(heard.append, kinds=["model_registered"])
        registry.catalog.register({"provider": "mybox", "id": "tiny"})
    assert refs(heard) == ["mybox#tiny"]


async def test_a_registry_delivers_to_async_subscribers_too() -> None:
    heard: list[Event] = []

    async def hear(event: Event) -> None:
        heard.append(event)

    async with create_llm_registry() as registry:
        registry.subscribe(hear, kinds=[ModelRegistered])
        registry.catalog.register({"provider": "mybox", "id": "tiny"})
    assert refs(heard) == ["mybox#tiny"]


def test_a_forgotten_registry_takes_the_threads_of_its_subscribers_with_it() -> None:
    passing = Events()
    passing.subscribe(registered_elsewhere)
    threads = [thread for thread in threading.enumerate() if thread.name == "lucky-events-registered_elsewhere"]
    assert len(threads) == 1
    del passing
    gc.collect()
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()


FORKS = """
import os, sys, threading
from langchain_lucky_models.events import Events
from tests.events.test_events import PATIENCE, refs, registered

events, heard = Events(), []
begun, go_on = threading.Event(), threading.Event()

def hear(event):
    heard.append(event)
    begun.set()
    go_on.wait(PATIENCE)

subscription = events.subscribe(hear)
events.publish(registered(1))
assert begun.wait(PATIENCE)
events.publish(registered(2))
child = os.fork()
if child == 0:
    heard.clear()
    go_on.set()
    events.publish(registered(3))
    subscription.close(within=PATIENCE)
    os.write(1, f"child {refs(heard)}\\n".encode())
    os._exit(0)
os.waitpid(child, 0)
go_on.set()
subscription.close(within=PATIENCE)
os.write(1, f"parent {refs(heard)}\\n".encode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_tells_its_own_events_and_none_of_its_parents() -> None:
    # In a process of its own: this one has threads that a fork would cut off.
    command = [sys.executable, "-W", "ignore", "-c", FORKS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("child ['mybox#3']\nparent ['mybox#1', 'mybox#2']\n", "")


def test_events_are_frozen_dated_and_of_one_kind_each() -> None:
    before = time.time()
    event = registered(1)
    assert before <= event.at.timestamp() <= time.time()
    assert event.at.tzinfo is not None
    with pytest.raises(AttributeError):
        event.ref = "mybox#2"  # type: ignore[misc]
