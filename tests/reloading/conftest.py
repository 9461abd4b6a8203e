"""A registry whose settings stand in files, and a hand on the clock: nothing is looked at before a test says so."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_lucky_models import Event, create_llm_registry
from tests.homes import KEYS
from tests.loopback import Exchange, Provider
from tests.loopback.exchange import answer_whole


class Site:
    """An application's files, and its registry made from one of them.

    Args:
        folder: Where the files stand.
        server: Who answers for every provider.
    """

    def __init__(self, folder: Path, server: Provider) -> None:
        self.folder = folder
        self.server = server
        self.file = folder / "lucky.yaml"
        self.heard: list[Event] = []
        self.write(self.settings())
        self.registry = create_llm_registry(self.file, fallback_keys=KEYS)
        self._hearing = self.registry.subscribe(self.heard.append, kinds=["config_reloaded", "config_rejected"])

    def settings(self, tier: str = "gpt-4o", more: str = "") -> str:
        """A configuration with one tier, `mine`, that asks this model."""
        rows = "".join(f"  {name}: {{base_url: '{self.server.base_urls[name]}'}}\n" for name in KEYS)
        return f"providers:\n{rows}tiers:\n  mine: {{models: ['openai#{tier}']}}\n{more}"

    def write(self, text: str) -> None:
        """Write the file as a simple program does: in its place."""
        self.file.write_text(text, encoding="utf-8")

    def look(self, times: int = 1) -> float:
        """Let the registry look at its files so many times; seconds until it would look again."""
        return [self.registry._reloader.step() for _ in range(times)][-1]

    def tier(self) -> str:
        """Which model the tier asks now."""
        return self.registry._house.tiers["mine"].models[0].removeprefix("openai#")

    def told(self) -> list[str]:
        """The kinds of all events so far; nothing is heard any more."""
        self._hearing.close(within=60)
        return [event.kind for event in self.heard]

    def states(self) -> dict[str, str]:
        """The files' names, each with how it did."""
        return {status.file.name: status.state for status in self.registry.health().config}


class Gate:
    """Keeps answers back until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._asked = threading.Semaphore(0)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer, once it is open."""
        self._asked.release()
        while not self._open.is_set():  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.01)
        await answer_whole(exchange)

    def open(self) -> None:
        """Let answers through from now on."""
        self._open.set()

    def wait_until_asked(self, times: int = 1) -> None:
        """Wait until so many more requests have come."""
        for _ in range(times):
            assert self._asked.acquire(timeout=60)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def gate(provider: Provider) -> Iterator[Gate]:
    """A gate before every answer of the provider."""
    made = Gate()
    provider.script(made)
    yield made
    made.open()


@pytest.fixture
def site(tmp_path: Path, provider: Provider) -> Iterator[Site]:
    """A site with one file."""
    made = Site(tmp_path, provider)
    yield made
    made.registry.close()
