"""A ledger that is away: who pays decides whether a call is made, and no answer that is paid for is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, errors
from langchain_lucky_models.ledger import desk
from tests import homes
from tests.ledger.test_failures import FAULTS, delete
from tests.loopback import Provider
from tests.loopback.exchange import Exchange, answer_whole
from tests.meter.conftest import Ask, Opening, held_by, rows_of, spent_by, wait_until_asked

BUDGETS = [{"scope": "user", "limit": "100"}]
EVES = {"openai": "sk-eves-own-0123456789", "groq": "sk-eves-own-9876543210"}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked again at once, and no test waits long for a lock."""
    monkeypatch.setattr(desk, "REST_SECONDS", 0.0)
    monkeypatch.setattr("langchain_lucky_models.ledger.sqlite.BUSY_SECONDS", 0.1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "ledger.db"


def used(opened: Opening, file: Path, **settings: Any) -> LLMRegistry:
    """A registry whose ledger has been opened."""
    registry = opened(ledger=file, budgets=BUDGETS, **settings)
    registry._house.accounts.ledger.flush().result()
    return registry


def eve_of(registry: LLMRegistry) -> Any:
    """A user who pays with keys of her own."""
    return registry.for_user(mode="byok", user_id="eve", models=homes.MODELS, api_keys=EVES)


class Gate:
    """Answers once it is opened."""

    def __init__(self) -> None:
        self.open = False

    async def __call__(self, exchange: Exchange) -> None:
        while not self.open:  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.005)
        await answer_whole(exchange)


@pytest.mark.parametrize("fault", FAULTS)
async def test_where_the_house_pays_a_call_is_refused_before_it_is_sent(
    opened: Opening, provider: Provider, either: Ask, file: Path, fault: str
) -> None:
    """Case 57: 0 sent without a hold, and nobody else is asked instead (case 27); afterwards all goes on."""
    registry = used(opened, file)
    model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
    heal = FAULTS[fault](file)
    with pytest.raises(errors.LedgerUnavailableError):
        await either(model, "hi")
    assert provider.requests == []
    heal()
    await either(model, "hi")
    assert [row["outcome"] for row in rows_of(registry)] == ["answered"]


GOING_ON = {"by_payer": (False, True), "refuse": (False, False), "allow": (True, True)}
"""Whether calls go on that the house pays, and those that users pay themselves."""


@pytest.mark.parametrize("policy", GOING_ON)
async def test_policy_says_who_goes_on(
    opened: Opening, provider: Provider, either: Ask, file: Path, policy: str
) -> None:
    """Case 57: whoever goes on is recorded, and charged to the budget, when the ledger is back."""
    registry = used(opened, file, on_ledger_failure=policy)
    heal = delete(file)
    users = (homes.user_of(registry), eve_of(registry))
    for user, goes_on in zip(users, GOING_ON[policy], strict=True):
        if goes_on:
            assert await either(user.model(homes.OPENAI), "hi")
        else:
            with pytest.raises(errors.LedgerUnavailableError):
                await either(user.model(homes.OPENAI), "hi")
    heal()
    assert len(rows_of(registry)) == len(provider.requests) == sum(GOING_ON[policy])
    assert held_by(registry) == 0
    assert (spent_by(registry) > 0) == any(GOING_ON[policy])


async def test_answers_that_are_paid_for_are_given_and_booked_later(
    opened: Opening, provider: Provider, file: Path
) -> None:
    """Case 57: twenty calls under way when the database goes: 0 answers lost, all twenty booked, 0 held."""
    gate = Gate()
    provider.script(gate)
    registry = used(opened, file)
    model = homes.user_of(registry).model(homes.OPENAI, max_tokens=10)
    with ThreadPoolExecutor(10) as pool:
        threads = [asyncio.get_running_loop().run_in_executor(pool, model.invoke, "hi") for _ in range(10)]
        tasks = [asyncio.ensure_future(model.ainvoke("hi")) for _ in range(10)]
        await asyncio.to_thread(wait_until_asked, provider, 20)
        heal = delete(file)
        gate.open = True
        answers = await asyncio.gather(*threads, *tasks)
    heal()
    assert [answer.text for answer in answers] == ["Hello from the loopback model."] * 20
    rows = rows_of(registry)
    assert [row["outcome"] for row in rows] == ["answered"] * 20
    assert held_by(registry) == 0
    assert registry._house.accounts.ledger.audit() == []


async def test_a_stream_that_is_paid_for_is_shown_to_its_end(
    opened: Opening, provider: Provider, either: Ask, file: Path
) -> None:
    """The ledger goes when the first word has come; the last comes all the same."""
    healers: list[Callable[[], None]] = []

    async def going(exchange: Exchange) -> None:
        healers.append(delete(file))
        await answer_whole(exchange)

    provider.script(going)
    registry = used(opened, file)
    assert await either(homes.user_of(registry).model(homes.OPENAI), "hi") == "Hello from the loopback model."
    healers[0]()
    assert [row["outcome"] for row in rows_of(registry)] == ["answered"]


async def test_a_call_waits_no_longer_than_its_timeout(
    opened: Opening, provider: Provider, either: Ask, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has locked the file for longer: the call is refused in time, and holds nothing afterwards."""
    registry = used(opened, file)
    monkeypatch.setattr("langchain_lucky_models.ledger.sqlite.BUSY_SECONDS", 20.0)
    registry._house.accounts.ledger._database.close()
    heal = FAULTS["locked"](file)
    try:
        with pytest.raises(errors.LuckyError):
            await either(homes.user_of(registry).model(homes.OPENAI, timeout=0.5), "hi")
        assert provider.requests == []
    finally:
        heal()
    assert held_by(registry) == 0


async def test_without_budgets_calls_are_refused_once_it_is_known_to_be_away(
    opened: Opening, provider: Provider, either: Ask, file: Path
) -> None:
    """The first answer, already paid for, is given; the next call of the house is not made."""
    registry = opened(ledger=file)
    registry._house.accounts.ledger.flush().result()
    heal = delete(file)
    model = homes.user_of(registry).model(homes.OPENAI)
    assert await either(model, "hi")
    with pytest.raises(errors.LedgerUnavailableError):
        await either(model, "hi")
    assert len(provider.requests) == 1
    heal()
    assert len(rows_of(registry)) == 1
