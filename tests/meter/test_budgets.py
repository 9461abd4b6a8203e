"""Budgets on handles: asked before every attempt, never overspent, and what happens where one has no room."""

from __future__ import annotations

import asyncio
import datetime as dt
import queue
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel, UserModels, errors
from langchain_lucky_models.catalog import ModelEntry
from langchain_lucky_models.events import BudgetAlert, Event, LimitReached
from langchain_lucky_models.failures import FALLBACK_ELIGIBLE
from langchain_lucky_models.ledger import Ledger
from tests import homes
from tests.accounts import TurnableClock
from tests.loopback import Answer, Provider, Usage
from tests.meter.conftest import Ask, Opening, held_by, rows_of, spent_by, wait_until_asked

CENT = Decimal("0.01")
TOLL, CHEAP, SECRET = "openai#toll", "openai#toll-cheap", "openai#secret"
DAY = 86_400


def toll(name: str = "toll", price: str = "0.01") -> ModelEntry:
    """A model that costs the same whatever it says, so that a budget pays for a number of calls."""
    pricing = [{"input": "0", "output": "0", "request": price}]
    return ModelEntry.model_validate(
        {"provider": "openai", "id": name, "price_state": "priced", "pricing": pricing, "limits": {"output": 1000}}
    )


def with_tolls(registry: LLMRegistry, *entries: ModelEntry) -> UserModels:
    """Ada, who may also use these."""
    for entry in entries or (toll(), toll("toll-cheap", "0.004")):
        registry.catalog.register(entry)
    return homes.user_of(registry, models=[*homes.MODELS, TOLL, CHEAP, SECRET])


def paying_for(calls: int, **more: Any) -> list[dict[str, Any]]:
    """Ada's budget for so many calls of the toll model."""
    return [{"scope": "user", "limit": calls * CENT, "window": "total", **more}]


class TestRefusing:
    async def test_a_budget_without_room_is_raised_before_anything_is_sent(
        self, place: str | None, either: Ask, opened: Opening, provider: Provider
    ) -> None:
        """Case 27: our own refusal never reaches a second member; it says whose budget, spent, limit and reset."""
        registry = opened(ledger=place, budgets=[{"scope": "user", "limit": CENT, "window": "day"}])
        ada = with_tolls(registry)
        await either(ada.model(TOLL), "hi")
        with pytest.raises(errors.BudgetExceededError, match=r"user ada .*of 0\.01 dollars 0\.01 are spent") as refused:
            await either(ada.models(TOLL, homes.GROQ), "hi")
        assert len(provider.requests) == 1
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= DAY
        assert held_by(registry) == 0
        assert spent_by(registry) == CENT * 10**12

    @pytest.mark.parametrize("strategy", ["first", "fallback", "race", "consensus"])
    async def test_a_refusal_is_itself_whatever_the_strategy(
        self, either: Ask, opened: Opening, provider: Provider, strategy: str
    ) -> None:
        """Case 27: with `with_fallbacks` on what may fall back, nobody else is asked either: 0 requests."""
        ada = with_tolls(opened(budgets=paying_for(0)))
        model = ada.models(TOLL, homes.GROQ, strategy=strategy)
        with pytest.raises(errors.BudgetExceededError) as refused:
            await either(model, "hi")
        # Members of a consensus that is out of reach are called off.
        assert {report.error for report in refused.value.facts.attempts} - {None} == {"budget_exceeded"}
        spare = homes.user_of(opened()).model(homes.OPENAI)
        with pytest.raises(errors.BudgetExceededError):
            await model.with_fallbacks([spare], exceptions_to_handle=FALLBACK_ELIGIBLE).ainvoke("hi")
        assert provider.requests == []

    @pytest.mark.parametrize("calls", [1, 5])
    async def test_of_many_calls_at_once_as_many_are_sent_as_it_pays_for(
        self, place: str | None, opened: Opening, provider: Provider, calls: int
    ) -> None:
        """Case 53: 25 threads and 25 tasks at once on money for k calls: k are sent."""
        provider.reply(Answer(delay=0.05))
        model = with_tolls(opened(ledger=place, budgets=paying_for(calls))).model(TOLL)
        with ThreadPoolExecutor(25) as pool:
            threads = [asyncio.get_running_loop().run_in_executor(pool, _outcome, model) for _ in range(25)]
            tasks = [_aoutcome(model) for _ in range(25)]
            outcomes = await asyncio.gather(*threads, *tasks)
        assert outcomes.count("answered") == len(provider.requests) == calls
        assert outcomes.count("refused") == 50 - calls

    async def test_every_attempt_is_asked_for_anew(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """A retry needs its own money: with enough for one call, the second attempt is not made."""
        provider.script("reset_after_headers")
        registry = opened(budgets=paying_for(1))
        with pytest.raises(errors.LuckyError):
            await either(with_tolls(registry).model(TOLL, max_retries=2), "hi")
        assert len(provider.requests) == 1
        assert spent_by(registry) == CENT * 10**12

    async def test_a_racer_without_money_is_not_started(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """Money for one of two: one is asked, and answers."""
        registry = opened(budgets=paying_for(1))
        ada = with_tolls(registry, toll(), toll("toll-cheap"))
        assert await either(ada.models(TOLL, CHEAP, strategy="race"), "hi")
        assert len(provider.requests) == 1
        assert held_by(registry) == 0

    async def test_one_exhausted_budget_leaves_nothing_held_in_the_others(self, opened: Opening, either: Ask) -> None:
        """Case 68: user, provider and registry at once; only the user's is too small. Holds: 0."""
        wide = [{"limit": 100}, {"scope": "provider", "limit": 100}, {"scope": "model", "limit": 100}]
        registry = opened(budgets=[*wide, {"scope": "user", "limit": "0.001"}])
        with pytest.raises(errors.BudgetExceededError, match="user ada"):
            await either(with_tolls(registry).model(TOLL), "hi")
        assert (held_by(registry), spent_by(registry)) == (0, 0)

    @pytest.mark.parametrize("scope", ["user", "model", "provider", "key_owner", "tag", "registry"])
    async def test_whatever_it_counts_apart_is_counted_apart(self, opened: Opening, scope: str) -> None:
        """What one value of the scope has spent, another has left."""
        registry = opened(budgets=[{"scope": scope, "limit": CENT, "window": "total"}])
        with_tolls(registry)
        registry.catalog.register(toll("toll-cheap"))
        ada = homes.user_of(registry, models=[TOLL])
        await ada.model(TOLL, tags=["night"]).ainvoke("hi")
        with pytest.raises(errors.BudgetExceededError):
            await ada.model(TOLL, tags=["night"]).ainvoke("hi")
        others = homes.user_of(registry, "ben", models=[TOLL, CHEAP])
        passes = {"user": TOLL, "model": CHEAP, "tag": TOLL}
        handle = others.model(passes.get(scope, CHEAP), tags=["day"])
        if scope in passes:
            await handle.ainvoke("hi")
        else:
            with pytest.raises(errors.BudgetExceededError):
                await handle.ainvoke("hi")

    async def test_an_experiment_has_a_budget_of_its_own(self, opened: Opening) -> None:
        """Other calls of the same user go on."""
        registry = opened(budgets=[{"scope": "experiment", "limit": CENT, "window": "total"}])
        ada = with_tolls(registry)
        registry.load_user_config("ada", {"experiments": {"trial": {"models": [TOLL]}}})
        await ada.model("user:ada:trial").ainvoke("hi")
        with pytest.raises(errors.BudgetExceededError, match="trial"):
            await ada.model("user:ada:trial").ainvoke("hi")
        await ada.model(TOLL).ainvoke("hi")

    async def test_a_listener_hears_of_it(self, opened: Opening, either: Ask) -> None:
        """With the model, the user, and when to try again."""
        heard: queue.Queue[Event] = queue.Queue()
        registry = opened(budgets=paying_for(0, window="day"))
        with registry.subscribe(heard.put, kinds={LimitReached}):
            with pytest.raises(errors.BudgetExceededError):
                await either(with_tolls(registry).model(TOLL), "hi")
            event = heard.get(timeout=30)
        assert isinstance(event, LimitReached)
        assert (event.model, event.user) == (TOLL, "ada")
        assert event.retry_after


class TestBounds:
    async def test_an_answer_is_bounded_by_what_is_left(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """Where the caller sets no max_tokens, a strict budget sends what it can pay for, in each family's own word."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.005", "window": "total"}])
        await either(homes.user_of(registry).model(homes.OPENAI), "hi")
        (request,) = provider.requests
        bound = request.json.get("max_completion_tokens") or request.json["max_tokens"]
        assert 16 <= bound < 500  # 0.005 dollars buy 500 tokens at 10 dollars a million

    @pytest.mark.parametrize("name", homes.EVERY)
    async def test_the_bound_is_said_in_the_familys_own_word(
        self, opened: Opening, provider: Provider, name: str
    ) -> None:
        """And the record's hold is what was bounded."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.002", "window": "total"}])
        await homes.user_of(registry).model(name).ainvoke("hi")
        (request,) = provider.requests
        words = {"max_tokens", "max_completion_tokens", "max_output_tokens"} & request.json.keys()
        (word,) = words
        assert request.json[word] < 10_000

    async def test_a_callers_own_bound_is_kept(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """It is held for in full, and refused where it does not fit."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.005", "window": "total"}])
        ada = homes.user_of(registry)
        await either(ada.model(homes.OPENAI, max_tokens=50), "hi")
        assert 50 in provider.requests[0].json.values()
        with pytest.raises(errors.BudgetExceededError):
            await either(ada.model(homes.OPENAI, max_tokens=5_000), "hi")
        assert len(provider.requests) == 1

    async def test_a_strict_budget_is_never_overspent_by_longer_answers(
        self, opened: Opening, provider: Provider
    ) -> None:
        """A provider that honours max_tokens cannot make a call cost more than was held, however often it is asked."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.02", "window": "total"}])
        model = homes.user_of(registry).model(homes.OPENAI, max_tokens=400)
        provider.reply(Answer(usage=Usage(input=10, output=400)))
        outcomes = await asyncio.gather(*(_aoutcome(model) for _ in range(20)))
        assert outcomes.count("answered") == len(provider.requests)
        assert spent_by(registry) <= Decimal("0.02") * 10**12
        assert held_by(registry) == 0

    async def test_an_expected_budget_learns_what_answers_cost(self, opened: Opening, provider: Provider) -> None:
        """Beyond the first call it holds what such calls usually cost, not the most: so more fit at once."""
        provider.reply(Answer(usage=Usage(input=10, output=20)))
        registry = opened(budgets=[{"scope": "user", "limit": "0.05", "mode": "expected"}])
        model = homes.user_of(registry).model(homes.OPENAI, max_tokens=4_000)
        assert await _aoutcome(model) == "answered"
        outcomes = await asyncio.gather(*(_aoutcome(model) for _ in range(20)))
        assert outcomes == ["answered"] * 20

    async def test_only_a_warning_lets_calls_go_on(self, opened: Opening, either: Ask) -> None:
        """`on_exceed="warn"` refuses nobody, and says so once it is exceeded."""
        heard: queue.Queue[Event] = queue.Queue()
        registry = opened(budgets=paying_for(1, on_exceed="warn"))
        model = with_tolls(registry).model(TOLL)
        with registry.subscribe(heard.put, kinds={BudgetAlert}):
            for _ in range(3):
                await either(model, "hi")
            event = heard.get(timeout=30)
        assert isinstance(event, BudgetAlert)
        assert event.fraction == 1.0
        assert heard.empty()


class TestSteppingDown:
    async def test_asks_the_next_cheaper_model_that_fits(
        self, opened: Opening, provider: Provider, either: Ask
    ) -> None:
        """The record names who was asked for and who answered; the answer says who it was."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.015", "window": "total", "on_exceed": "step_down"}])
        model = with_tolls(registry).model(TOLL)
        assert await either(model, "hi")
        assert await either(model, "hi")
        assert [request.model for request in provider.requests] == ["toll", "toll-cheap"]
        assert [(row["asked"], row["model"], Decimal(row["cost"])) for row in rows_of(registry)] == [
            (TOLL, TOLL, CENT),
            (TOLL, CHEAP, Decimal("0.004")),
        ]
        with pytest.raises(errors.BudgetExceededError):
            await either(model, "hi")
        assert len(provider.requests) == 2

    async def test_tells_on_the_answer_who_was_asked_instead(self, opened: Opening) -> None:
        """`lucky.ref` and its attempts name the cheaper one."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.005", "window": "total", "on_exceed": "step_down"}])
        answer = await with_tolls(registry).model(TOLL).ainvoke("hi")
        lucky = answer.response_metadata["lucky"]
        assert lucky["ref"] == CHEAP
        assert lucky["cost"] == pytest.approx(0.004)

    async def test_never_leaves_the_users_list(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """A cheaper model that the user may not use is as good as none."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.005", "on_exceed": "step_down"}])
        with_tolls(registry)
        ada = homes.user_of(registry, models=[TOLL])
        with pytest.raises(errors.BudgetExceededError):
            await either(ada.model(TOLL), "hi")
        assert provider.requests == []

    async def test_never_changes_who_pays(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """Who brings a key to one provider is never sent to another's: with nobody else there, it is refused."""
        registry = opened(budgets=[{"scope": "user", "limit": "0.005", "on_exceed": "step_down"}])
        with_tolls(registry)
        models = [TOLL, homes.GROQ]
        eve = registry.for_user(mode="byok", user_id="eve", models=models, api_keys={"openai": "sk-eves-own-0123456"})
        with pytest.raises(errors.BudgetExceededError):
            await either(eve.model(TOLL), "hi")
        assert provider.requests == []


class TestAlerts:
    async def test_each_fraction_is_told_once(self, opened: Opening, provider: Provider) -> None:
        """Ten calls across 50 and 80 per cent: two alerts, whichever calls cross them."""
        heard: queue.Queue[Event] = queue.Queue()
        registry = opened(budgets=paying_for(10, alerts=[0.5, 0.8]))
        model = with_tolls(registry).model(TOLL)
        with registry.subscribe(heard.put, kinds={BudgetAlert}):
            await asyncio.gather(*(model.ainvoke("hi") for _ in range(10)))
            alerts = [heard.get(timeout=30) for _ in range(2)]
        assert heard.empty()
        found = [(alert.fraction, alert.value) for alert in alerts if isinstance(alert, BudgetAlert)]
        assert found == [(0.5, "ada"), (0.8, "ada")]
        assert len(provider.requests) == 10


class TestUnknownPrices:
    @pytest.fixture
    def secret(self) -> ModelEntry:
        """A model whose price nobody knows."""
        return ModelEntry(provider="openai", id="secret", price_state="unknown")

    async def test_are_refused_where_the_house_pays(
        self, opened: Opening, provider: Provider, either: Ask, secret: ModelEntry
    ) -> None:
        """Case 64: under a budget, refused before anything is sent: never zero in silence."""
        ada = with_tolls(opened(budgets=paying_for(5)), secret)
        with pytest.raises(errors.BudgetExceededError, match="price of openai#secret is unknown"):
            await either(ada.model(SECRET), "hi")
        assert provider.requests == []

    async def test_are_counted_in_tokens_where_a_user_pays(
        self, opened: Opening, provider: Provider, either: Ask, secret: ModelEntry
    ) -> None:
        """Case 64: cost unknown, not zero, in the ledger; a user's own key is the user's own business."""
        registry = opened(budgets=paying_for(5))
        registry.catalog.register(secret)
        keys = {"openai": "sk-eves-own-0123456"}
        eve = registry.for_user(mode="byok", user_id="eve", models=[SECRET], api_keys=keys)
        await either(eve.model(SECRET), "hi")
        (row,) = rows_of(registry)
        assert (row["cost"], row["basis"]) == (None, "unknown")
        assert row["input_tokens"] > 0
        assert len(provider.requests) == 1

    async def test_may_be_held_at_a_ceiling(self, opened: Opening, provider: Provider, secret: ModelEntry) -> None:
        """Case 64: with a ceiling of a cent, two calls at once are what two cents pay for."""
        provider.reply(Answer(delay=0.2))
        ada = with_tolls(opened(budgets=paying_for(2), unknown_price="0.01"), secret)
        model = ada.model(SECRET)
        outcomes = await asyncio.gather(*(_aoutcome(model) for _ in range(5)))
        assert outcomes.count("answered") == len(provider.requests) == 2

    async def test_are_nobodys_business_without_a_budget(
        self, opened: Opening, either: Ask, secret: ModelEntry
    ) -> None:
        """The ledger says that it does not know."""
        registry = opened()
        await either(with_tolls(registry, secret).model(SECRET), "hi")
        (row,) = rows_of(registry)
        assert (row["cost"], row["basis"]) == (None, "unknown")


class TestWindows:
    async def test_begin_anew_and_count_for_when_a_call_began(self, opened: Opening, provider: Provider) -> None:
        """Case 65: a call under way at midnight counts for the day before; the new day has all its money."""
        clock = TurnableClock(_micros(dt.datetime(2028, 2, 29, 23, 59, 30, tzinfo=dt.UTC)))
        with Ledger(clock=clock) as ledger:
            registry = opened(ledger=ledger, budgets=paying_for(2, window="day"))
            model = with_tolls(registry).model(TOLL)
            await model.ainvoke("hi")
            provider.reply(Answer(delay=0.3), times=1)
            under_way = asyncio.ensure_future(model.ainvoke("hi"))
            await asyncio.to_thread(wait_until_asked, provider, 2)
            clock.turn(60)
            await under_way
            outcomes = [await _aoutcome(model) for _ in range(3)]
            assert outcomes == ["answered", "answered", "refused"]
            clock.turn(-60)
            assert await _aoutcome(model) == "refused"
            registry.close()

    async def test_admit_no_more_than_their_limit_whatever_month_it_is(self, opened: Opening) -> None:
        """Case 65: over a leap year's months, each admits exactly what it pays for."""
        clock = TurnableClock(_micros(dt.datetime(2028, 1, 15, tzinfo=dt.UTC)))
        with Ledger(clock=clock) as ledger:
            registry = opened(ledger=ledger, budgets=paying_for(1, window="month"))
            model = with_tolls(registry).model(TOLL)
            for here, after in pairwise([dt.datetime(2028, month, 15, tzinfo=dt.UTC) for month in range(1, 8)]):
                assert [await _aoutcome(model) for _ in range(2)] == ["answered", "refused"]
                clock.turn((after - here).total_seconds())
            registry.close()


class TestCorrecting:
    async def test_a_price_that_changes_under_way_does_not_count_for_it(
        self, opened: Opening, provider: Provider
    ) -> None:
        """Case 64: what a call costs is the price that it was sent at."""
        provider.reply(Answer(delay=0.3))
        registry = opened(budgets=paying_for(5))
        model = with_tolls(registry).model(TOLL)
        under_way = asyncio.ensure_future(model.ainvoke("hi"))
        await asyncio.to_thread(wait_until_asked, provider)
        registry.catalog.register(toll(price="0.05"))
        await under_way
        assert spent_by(registry) == CENT * 10**12


def _micros(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _outcome(model: LuckyChatModel) -> str:
    try:
        model.invoke("hi")
    except errors.BudgetExceededError:
        return "refused"
    return "answered"


async def _aoutcome(model: LuckyChatModel) -> str:
    try:
        await model.ainvoke("hi")
    except errors.BudgetExceededError:
        return "refused"
    return "answered"
