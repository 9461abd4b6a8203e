"""Registries of several processes hear of each other's breakers through a real Redis, and go on without it."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from langchain_lucky_models import create_llm_registry, errors
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.health import Outcome, scopes_of
from langchain_lucky_models.health.sharing import SharedState
from tests.clocks import Stopwatch
from tests.homes import OPENAI, registry_on, user_of
from tests.loopback import Provider
from tests.services import Server, discard, redis_answers, redis_server, redis_url

DOWN = Outcome("failed", "provider_down", "503")
ADA = scopes_of("openai", "gpt-4o", "ada")


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Whether it becomes true in that time."""
    until = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.01)
    return found


def take_down(shared: SharedState) -> None:
    for _ in range(5):
        shared.board.report(shared.board.admit(ADA), DOWN)


@pytest.fixture
def pair() -> Iterator[tuple[SharedState, SharedState]]:
    name = uuid.uuid4().hex
    both = SharedState(redis_url(), name=name), SharedState(redis_url(), name=name)
    yield both
    for shared in both:
        shared.close()


@pytest.fixture
def own_redis() -> Iterator[Server]:
    server = redis_server()
    yield server
    discard(server)


def test_what_one_process_finds_out_the_other_knows_at_its_next_look(pair: tuple[SharedState, SharedState]) -> None:
    one, other = pair
    take_down(one)
    one.exchange()
    other.exchange()
    assert other.board.admit(ADA).reason == "openai#gpt-4o rests after provider_down"


def test_one_that_begins_later_hears_it_too(pair: tuple[SharedState, SharedState]) -> None:
    one, other = pair
    take_down(one)
    one.exchange()
    one.close()
    other.exchange()
    assert not other.board.admit(ADA).allowed


def test_news_are_heard_once_however_often_they_are_read(pair: tuple[SharedState, SharedState]) -> None:
    """A breaker that this process has closed since stays closed."""
    one, other = pair
    take_down(one)
    one.exchange()
    other.exchange()
    for _ in range(2):
        other.board.report(other.board.admit(ADA, panic=True))
    other.exchange()
    assert other.board.admit(ADA).allowed
    one.exchange()
    assert one.board.admit(ADA).allowed


def test_registries_of_another_name_hear_nothing(pair: tuple[SharedState, SharedState]) -> None:
    one, _ = pair
    take_down(one)
    one.exchange()
    stranger = SharedState(redis_url(), name=uuid.uuid4().hex)
    stranger.exchange()
    assert stranger.board.admit(ADA).allowed
    stranger.close()


def test_rubbish_in_redis_harms_nobody(pair: tuple[SharedState, SharedState]) -> None:
    one, _ = pair
    row = '{"by": "x", "at": 1, "till": 99999999999999, "news": "rubbish"}'
    one._client.hset(one._key, mapping={"nonsense": row, '["model", "openai", "gpt-4o", ""]': row})
    assert one.exchange()
    assert one.board.admit(ADA).allowed


def test_two_registries_share_who_rests(provider: Provider) -> None:
    """Five failures in one registry; the other asks the ill provider not even once."""
    provider.script("status_503")
    url = f"{redis_url().rpartition('/')[0]}/7"
    with registry_on(provider, shared_state=url) as one, registry_on(provider, shared_state=url) as other:
        for _ in range(5):
            with pytest.raises(errors.ProviderDownError):
                user_of(one).model(OPENAI, max_retries=0).invoke("hello")
        provider.requests.clear()
        other._house.meter._shared.begin()  # type: ignore[union-attr]
        assert within(60.0, lambda: other.health().get("openai") is not None and bool(other.health()["openai"].models))
        with pytest.raises(errors.CircuitOpenError):
            user_of(other).model(OPENAI).invoke("hello")
    assert provider.requests == []


def test_without_redis_calls_go_on_and_it_is_said_once(
    provider: Provider, own_redis: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis is killed and comes back: no call is slower for it, one line for each."""
    caplog.set_level(logging.WARNING, logger="langchain_lucky_models")

    def lines(word: str) -> int:
        return sum(word in record.message for record in caplog.records)

    with registry_on(provider, shared_state=own_redis.url) as registry:
        model = user_of(registry).model(OPENAI)
        model.invoke("hello")
        own_redis.stop(signal.SIGKILL)
        assert within(60.0, lambda: lines("Redis is away") == 1)
        with Stopwatch() as watch:
            for _ in range(10):
                assert model.invoke("hello").text
        assert watch.seconds / 10 < 0.1
        own_redis.start(redis_answers)
        assert within(60.0, lambda: lines("Redis is back") == 1)
    assert lines("Redis is away") == 1


def test_a_redis_that_hangs_holds_up_no_call(provider: Provider, own_redis: Server) -> None:
    """A stopped server answers nothing; half of twenty calls take less than 50 ms, and none waits for it."""
    with registry_on(provider, shared_state=own_redis.url) as registry:
        model = user_of(registry).model(OPENAI)
        model.invoke("hello")
        assert own_redis.process is not None
        os.kill(own_redis.process.pid, signal.SIGSTOP)
        try:
            spans = []
            with Stopwatch() as watch:
                for _ in range(20):
                    began = time.monotonic()
                    model.invoke("hello")
                    spans.append(time.monotonic() - began)
        finally:
            os.kill(own_redis.process.pid, signal.SIGCONT)
    assert sorted(spans)[10] < 0.05 + watch.late
    assert max(spans) < 0.5 + watch.late


def test_a_registry_that_is_closed_leaves_no_thread(provider: Provider) -> None:
    with registry_on(provider, shared_state=redis_url()) as registry:
        user_of(registry).model(OPENAI).invoke("hello")
        assert any(thread.name == "lucky-health" for thread in threading.enumerate())
    assert not any(thread.name == "lucky-health" for thread in threading.enumerate())


def test_a_registry_that_is_forgotten_leaves_no_thread(provider: Provider) -> None:
    shared = SharedState(redis_url(), name=uuid.uuid4().hex)
    shared.begin()
    thread = shared._thread
    assert thread is not None
    client = shared._client
    del shared
    assert within(60.0, lambda: gc.collect() >= 0 and not thread.is_alive())
    client.close()


CHILD = """
import os, sys, time
from langchain_lucky_models.health import Outcome, scopes_of
from langchain_lucky_models.health.sharing import SharedState

shared = SharedState(sys.argv[1], name=sys.argv[2])
shared.begin()
heard, tell = os.pipe()
child = os.fork()
ada = scopes_of("openai", "gpt-4o", "ada")
if child == 0:
    shared.begin()
    for _ in range(5):
        shared.board.report(shared.board.admit(ada), Outcome("failed", "provider_down"))
    os.close(tell)
    os.read(heard, 1)  # until the parent has heard of it
    shared.close()
    os._exit(0)
until = time.monotonic() + 60
while shared.board.refusal(ada) is None and time.monotonic() < until:
    time.sleep(0.01)
os.close(tell)
os.waitpid(child, 0)
print(shared.board.refusal(ada) is not None)
shared.close()
"""


def test_a_forked_child_speaks_for_itself() -> None:
    """The parent hears what its child, forked after the thread began, found out."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, redis_url(), uuid.uuid4().hex]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "True"


def test_an_address_that_is_none_of_redis_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="shared_state"):
        create_llm_registry(shared_state="localhost:6379")
