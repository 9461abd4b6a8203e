"""The books balance: of calls that answer, fail, are cut, cancelled and left at random, records say what was billed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel, errors
from langchain_lucky_models.ledger.money import picodollars
from tests import homes
from tests.loopback import Answer, Exchange, Provider, Usage
from tests.loopback.behaviours import cut, first_words, hang_before_headers, stall_after_tokens, status
from tests.loopback.exchange import answer_whole
from tests.meter.conftest import Opening, Row, held_by, rows_of, spent_by

USERS = 7
AT_ONCE = 100
MOST_OUTPUT = 200
DEEDS = ("answer",) * 5 + ("slow", "refuse", "busy", "cut", "hang", "stall")
FAILING: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {
    "refuse": status(400),
    "busy": status(503),
    "cut": cut(first_words),
    "hang": hang_before_headers,
    "stall": stall_after_tokens,
}
Request = tuple[int, str]
"""A call's number, and whom it asks; each is asked once."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What the provider does with a request, and what it bills where the answer is whole."""

    deed: str
    output: int

    @classmethod
    def of(cls, request: Request) -> Fate:
        """Drawn from the request alone, so that both sides know it."""
        draw = random.Random(f"{request}")
        return cls(draw.choice(DEEDS), draw.randrange(1, MOST_OUTPUT))

    @property
    def endless(self) -> bool:
        """Whether only a timer ends it."""
        return self.deed in {"hang", "stall"}


class Till:
    """The provider's side of the books.

    Attributes:
        asked: How often each request came.
        billed: What was used for those that were answered.
        told: Who is told once a call of that number has come.
    """

    def __init__(self) -> None:
        self.asked: Counter[Request] = Counter()
        self.billed: dict[Request, Usage] = {}
        self.told: dict[int, Callable[[], object]] = {}

    async def __call__(self, exchange: Exchange) -> None:
        """Do with a request what is its fate."""
        request = int(exchange.question.text.partition(" ")[0]), exchange.question.model
        fate = Fate.of(request)
        self.asked[request] += 1
        self.told.pop(request[0], bool)()
        if fate.deed in FAILING:
            await FAILING[fate.deed](exchange)
            return
        usage = Usage(input=max(1, exchange.question.words // 4), output=fate.output)
        answer = Answer(text="one two three", usage=usage, delay=0.05 if fate.deed == "slow" else 0.0)
        self.billed[request] = usage
        await answer_whole(replace(exchange, answer=answer))


def handle_for(registry: LLMRegistry, number: int) -> LuckyChatModel:
    """A handle of one of several providers, or of two, that carries the call's number."""
    refs = homes.EVERY[number % 4 :] + homes.EVERY[: number % 4]
    asked = refs[:2] if number % 5 == 0 else refs[:1]
    endless = any(Fate.of((number, ref.partition("#")[2])).endless for ref in asked)
    common: dict[str, Any] = {"max_tokens": MOST_OUTPUT, "max_retries": 0, "timeout": 0.4 if endless else 60}
    user = homes.user_of(registry, f"u{number % USERS}")
    return user.models(*asked, strategy=("fallback", "race")[number % 2], tags=[str(number)], **common)


def ask(model: LuckyChatModel, number: int) -> None:
    """In a thread: whole, or as a stream, some of which are left early."""
    with contextlib.suppress(errors.LuckyError):
        if number % 4 == 1:
            model.invoke(f"{number} please")
            return
        with contextlib.closing(model.stream(f"{number} please")) as chunks:  # type: ignore[type-var]
            for seen, _ in enumerate(chunks):
                if number % 8 == 3 and seen:
                    break


async def aask(model: LuckyChatModel, number: int) -> None:
    """In a task: the same."""
    with contextlib.suppress(errors.LuckyError):
        if number % 4 == 0:
            await model.ainvoke(f"{number} please")
            return
        async with contextlib.aclosing(model.astream(f"{number} please")) as chunks:  # type: ignore[type-var]
            seen = 0
            async for _ in chunks:
                seen += 1
                if number % 8 == 2 and seen > 1:
                    break


async def ask_many(registry: LLMRegistry, till: Till, calls: int) -> None:
    """So many calls, half of them in threads and half in tasks; every fifth task is cancelled once it has been sent."""
    draw = random.Random(calls)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE // 2) as pool:
        for start in range(0, calls, AT_ONCE):
            handles = {number: handle_for(registry, number) for number in range(start, min(start + AT_ONCE, calls))}
            threads = [loop.run_in_executor(pool, ask, handles[n], n) for n in handles if n % 2]
            tasks = {n: asyncio.ensure_future(aask(handles[n], n)) for n in handles if n % 2 == 0}
            for number in draw.sample(sorted(tasks), len(tasks) // 5):
                cancel = partial(loop.call_later, draw.uniform(0.0, 0.02), tasks[number].cancel)
                till.told[number] = partial(loop.call_soon_threadsafe, cancel)
            for outcome in await asyncio.gather(*threads, *tasks.values(), return_exceptions=True):
                assert outcome is None or isinstance(outcome, asyncio.CancelledError)


@pytest.mark.parametrize("calls", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_records_are_what_the_provider_billed_to_the_token(
    opened: Opening, provider: Provider, tmp_path: Path, calls: int
) -> None:
    """Case 62: a record for each request; where it is certain, it is the bill to the token, else marked; 0 is held."""
    till = Till()
    provider.script(till)
    budgets = [{"scope": "user", "limit": 1_000}, {"limit": 1_000}, {"scope": "model", "limit": 1_000}]
    limits = [{"scope": "registry", "concurrent": 1_000}, {"scope": "user", "tokens_per_minute": 10**9}]
    registry = opened(ledger=tmp_path / "ledger.db", budgets=budgets, limits=limits)
    await ask_many(registry, till, calls)
    rows = rows_of(registry)
    records = {_request(row): row for row in rows}
    assert len(records) == len(rows)
    assert set(till.asked.values()) == {1}
    # Some were never sent, or went into a connection that was closed before the provider had read it.
    assert till.asked.keys() <= records.keys()
    for request, row in records.items():
        _check(request, row, till)
    assert sum(row["outcome"] == "answered" for row in rows) > calls / 20  # who fails too often rests
    assert {row["outcome"] for row in rows} == {"answered", "failed", "cancelled", "abandoned"}
    assert held_by(registry) == 0
    assert spent_by(registry) == 3 * sum(picodollars(Decimal(row["cost"])) for row in rows)
    assert registry._house.accounts.ledger.audit() == []


def _check(request: Request, row: Row, till: Till) -> None:
    """One record against the provider's own books."""
    billed = till.billed.get(request, Usage(0, 0))
    if not row["estimated"]:
        # Also where nothing was sent, or the provider has refused.
        assert (row["input_tokens"], row["output_tokens"]) == (billed.input, billed.output), row
        return
    assert row["input_tokens"] >= billed.input
    if request[0] % 4 < 2:
        # Nobody knows how far a whole answer went, so it is charged all that it may have cost; a stream stops with us.
        assert row["output_tokens"] >= billed.output


def _request(row: Row) -> Request:
    (number,) = row["tags"]
    return int(number), row["model"].partition("#")[2]
