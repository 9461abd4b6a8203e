"""Edits while calls are in flight: each call sees one whole configuration, and none fails because of an edit."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel, create_llm_registry
from langchain_lucky_models.errors import BudgetExceededError
from langchain_lucky_models.users.tenants import Tenant
from tests.homes import OPENAI, user_of
from tests.loopback import Provider
from tests.loopback.wire import Request
from tests.reloading.conftest import Gate, wait_until

CONFIG = """
providers:
  openai: {{base_url: '{url}', api_key: 'sk-{number:020d}', headers: {{x-number: '{number}'}}}}
tiers:
  mine: {{models: ['openai#gpt-4o', 'openai#gpt-4.1'], params: {{seed: {number}}}}}
"""
LONG = (pytest.mark.slow, pytest.mark.timeout(3600))
BROKEN = ("tiers: {mine: {models: [", "tiers:\n  mine: {modles: []}\n", "default_tier: none\n", "", "- a\n", "\x00")


def in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def renamed(file: Path, text: str) -> None:
    beside = file.with_name("beside")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def created_anew(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text, encoding="utf-8")


@dataclass
class Edits:
    """A writer that edits a file again and again, good and bad in turn, while others go on asking.

    Attributes:
        number: Of the last good edit that is known to hold.
        asked: How many calls have ended.
        over: Whether all edits are made, and calls enough have ended.
    """

    file: Path
    url: str
    number: int = 0
    asked: int = 0
    over: bool = False
    _moved: threading.Condition = field(default_factory=threading.Condition)

    def text(self, number: int) -> str:
        return CONFIG.format(url=self.url, number=number)

    def ended(self) -> None:
        """One call more has ended."""
        with self._moved:
            self.asked += 1
            self._moved.notify()

    def make(self, registry: LLMRegistry, edits: int, calls_each: int) -> None:
        """Make so many, and let some calls end after each of them."""
        ways, mistakes = itertools.cycle([in_place, renamed, created_anew]), itertools.cycle(BROKEN)
        try:
            for edit in range(1, edits + 1):
                good = edit % 2 == 0
                next(ways)(self.file, self.text(edit) if good else next(mistakes))
                for _ in range(2):
                    registry._reloader.step()
                self.number = edit if good else self.number
                with self._moved:
                    enough = self.asked + calls_each
                    assert self._moved.wait_for(lambda enough=enough: self.asked >= enough, timeout=60)  # type: ignore[misc]
        finally:
            self.over = True


def numbers_of(request: Request) -> set[int]:
    """Which configurations had a part in a request: its key, its headers, its tier's parameters."""
    key = (request.key or "").removeprefix("sk-")
    return {int(key), int(request.header("x-number") or -1), int(request.json["seed"])}


def oldest_allowed(request: Request) -> int:
    """The number that held for certain when its call began."""
    return int(request.json["messages"][-1]["content"])


@pytest.fixture
def edits(tmp_path: Path, provider: Provider) -> Edits:
    made = Edits(tmp_path / "lucky.yaml", provider.base_urls["openai"])
    made.file.write_text(made.text(0).replace("api_key: 'sk-", "api_key: '${PRE}"))
    return made


@pytest.fixture
def registry(edits: Edits, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMRegistry]:
    monkeypatch.setenv("PRE", "sk-")  # a key that stands in a file would be warned of
    with create_llm_registry(edits.file) as made:
        yield made


async def ask_on(handle: LuckyChatModel, edits: Edits) -> None:
    while not edits.over:
        await handle.ainvoke(str(edits.number))
        edits.ended()


def ask_on_sync(handle: LuckyChatModel, edits: Edits) -> None:
    while not edits.over:
        for _ in handle.stream(str(edits.number)):
            pass
        edits.ended()


async def crowd(registry: LLMRegistry, edits: Edits, *, tasks: int, threads: int, count: int, calls_each: int) -> None:
    """Tasks and threads that ask through one handle while edits are made."""
    handle = user_of(registry, models=["openai#*"]).tier("mine")
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(threads + 1) as pool:
        writer = loop.run_in_executor(pool, edits.make, registry, count, calls_each)
        askers = [loop.run_in_executor(pool, ask_on_sync, handle, edits) for _ in range(threads)]
        await asyncio.gather(writer, *askers, *(ask_on(handle, edits) for _ in range(tasks)))


def assert_whole(provider: Provider, edits: Edits, count: int) -> None:
    """Each request is of one configuration, and of none that was over when its call began."""
    assert len(provider.requests) == edits.asked
    torn = [request for request in provider.requests if len(numbers_of(request)) != 1]
    late = [request for request in provider.requests if min(numbers_of(request)) < oldest_allowed(request)]
    assert (torn, late) == ([], [])
    assert edits.number == count
    assert len({min(numbers_of(request)) for request in provider.requests}) > count // 4


@pytest.mark.parametrize(("count", "calls_each"), [(60, 2), pytest.param(200, 10, marks=LONG)], ids=["some", "all"])
async def test_no_call_of_a_hundred_in_flight_is_hurt_by_edits(
    registry: LLMRegistry, edits: Edits, provider: Provider, count: int, calls_each: int
) -> None:
    """Case 98, at the size of a test run; half of the edits are broken.

    Key, headers and parameters of every request are of one and the same edit.
    """
    await crowd(registry, edits, tasks=90, threads=10, count=count, calls_each=calls_each)
    assert_whole(provider, edits, count)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_thousand_rewrites_under_five_thousand_calls(
    registry: LLMRegistry, edits: Edits, provider: Provider
) -> None:
    """Case 98: nobody sees a mixed or an empty configuration, and nothing breaks."""
    await crowd(registry, edits, tasks=8, threads=8, count=1_000, calls_each=5)
    assert edits.asked >= 5_000
    assert_whole(provider, edits, 1_000)


def test_an_edit_in_the_midst_of_a_call_counts_for_the_next_one(
    registry: LLMRegistry, edits: Edits, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding out whom a tier means and how that provider is reached."""
    choose, made = Tenant.choose, itertools.count(1)

    def edit() -> None:
        edits.file.write_text(edits.text(next(made)))
        registry.reload()

    def edited_meanwhile(tenant: Tenant, names: Sequence[str], **wanted: Any) -> Any:
        choice = choose(tenant, names, **wanted)
        edit()
        return choice

    handle = user_of(registry, models=["openai#*"]).tier("mine")
    edit()
    monkeypatch.setattr(Tenant, "choose", edited_meanwhile)
    handle.invoke("1")
    (request,) = provider.requests
    assert numbers_of(request) == {next(made) - 2}


@pytest.mark.parametrize("calls", [100, pytest.param(1_000, marks=LONG)])
async def test_a_key_that_was_rotated_is_not_used_by_later_calls(
    registry: LLMRegistry, edits: Edits, provider: Provider, gate: Gate, calls: int
) -> None:
    """Case 48: those in flight end with the key they began with, each later one has the new key."""
    handle = user_of(registry, models=["openai#*"]).tier("mine")
    early = [asyncio.create_task(handle.ainvoke("0")) for _ in range(calls)]
    await asyncio.to_thread(gate.wait_until_asked, calls)
    edits.file.write_text(edits.text(1))
    registry.reload()
    late = [asyncio.create_task(handle.ainvoke("1")) for _ in range(10)]
    gate.open()
    await asyncio.gather(*early, *late)
    used = [(oldest_allowed(request), numbers_of(request)) for request in provider.requests]
    assert used == [(0, {0})] * calls + [(1, {1})] * 10


BUDGET = """
providers:
  openai: {{base_url: '{url}', api_key_env: PRE}}
budgets:
  - {{scope: registry, limit: '{limit}', mode: strict}}
"""


def test_a_cap_that_falls_below_what_is_spent_stops_new_calls_alone(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 100: a call in flight ends and is charged, the next one is refused, and nothing stays held."""
    monkeypatch.setenv("PRE", "sk-house-0123456789")
    file = tmp_path / "lucky.yaml"
    file.write_text(BUDGET.format(url=provider.base_urls["openai"], limit=1))
    with create_llm_registry(file) as registry, ThreadPoolExecutor(1) as pool:
        handle = user_of(registry).model(OPENAI, max_tokens=10)
        handle.invoke("hi")
        gate = Gate()
        provider.script(gate)
        in_flight = pool.submit(handle.invoke, "hi")
        gate.wait_until_asked()
        file.write_text(BUDGET.format(url=provider.base_urls["openai"], limit="0.000001"))
        registry.reload()
        with pytest.raises(BudgetExceededError):
            handle.invoke("hi")
        gate.open()
        assert in_flight.result(60).text
        (row,) = registry.usage(by=("user",))
        assert (row.requests, len(provider.requests)) == (2, 2)
        (budget,) = registry.budgets()
        assert budget.spent == row.cost
        assert budget.held == 0


def test_connections_to_a_provider_that_moved_are_closed_once_they_are_unused(
    registry: LLMRegistry, edits: Edits, provider: Provider
) -> None:
    """Those that wait at once, the one in use when its call has ended; to the new address they are kept."""
    gate = Gate()
    handle = user_of(registry, models=["openai#*"]).tier("mine")
    with Provider() as elsewhere, ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            handle.invoke("0")
        assert provider.open_connections == 1
        provider.script(gate)
        two = [pool.submit(handle.invoke, "0") for _ in range(2)]
        gate.wait_until_asked(2)
        edits.file.write_text(CONFIG.format(url=elsewhere.base_urls["openai"], number=1))
        registry.reload()
        assert provider.open_connections == 2
        gate.open()
        assert [done.result(60).text for done in two]
        wait_until(lambda: provider.open_connections == 0)
        for _ in range(3):
            handle.invoke("1")
        assert {request.connection for request in elsewhere.requests} == {1}
        edits.file.write_text(edits.text(2))
        registry.reload()
        wait_until(lambda: elsewhere.open_connections == 0)
        for _ in range(3):
            handle.invoke("2")
        assert len({request.connection for request in provider.requests[-3:]}) == 1
