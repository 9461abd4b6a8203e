"""What may still be used: budgets that show what is left, limits asked without taking, estimates, alerts."""

from __future__ import annotations

import datetime as dt
import queue
from collections.abc import Iterator
from decimal import Decimal

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.budgets import Budget
from langchain_lucky_models.catalog import ModelEntry, price_at
from langchain_lucky_models.errors import ConfigError, ModelNotAllowedError, UnknownModelError
from langchain_lucky_models.events import BudgetAlert, Event, UsageRecorded
from langchain_lucky_models.limits import Caller, Limit
from tests.accounting.conftest import Make, used, user_of

GPT, MINI = "openai#gpt-4o", "openai#gpt-4o-mini"
PENNY = Decimal("0.01")


@pytest.fixture
def heard(registry: LLMRegistry) -> Iterator[queue.Queue[Event]]:
    """What the registry tells."""
    told: queue.Queue[Event] = queue.Queue()
    with registry.subscribe(told.put):
        yield told


class TestBudgets:
    def test_a_user_sees_what_is_left_of_the_own_budgets(self, registry: LLMRegistry) -> None:
        ada = user_of(registry)
        (before,) = ada.budget()
        registry.record_usage(GPT, used(), user="ada", cost=PENNY)
        registry.record_usage(GPT, used(), user="ben", cost=PENNY / 2)
        (after,) = ada.budget()
        assert (before.left, after.spent, after.left) == (2 * PENNY, PENNY, PENNY)
        assert {row.value: row.spent for row in registry.budgets()} == {"ada": PENNY, "ben": PENNY / 2}

    def test_what_others_have_spent_shows_to_the_operator_alone(self, make: Make) -> None:
        registry = make(
            budgets=[
                Budget(limit=5),
                Budget(scope="model", limit=3),
                Budget(scope="model", user="ada", limit=2, name="hers"),
                Budget(scope="user", user="ben", limit=1),
                Budget(scope="key_owner", limit=4),
            ]
        )
        registry.record_usage(GPT, used(), user="ada", cost=PENNY, key_owner="user:ada")
        labels = [row.budget.label(row.value) for row in user_of(registry).budget()]
        assert sorted(labels) == [
            "the budget of key owner user:ada for a month",
            "the budget of model openai#gpt-4o on user ada for a month",
        ]
        assert len(registry.budgets()) == 5

    async def test_tasks_see_the_same(self, registry: LLMRegistry) -> None:
        ada = user_of(registry)
        await registry.arecord_usage(GPT, used(), user="ada", cost=PENNY)
        assert await ada.abudget() == ada.budget()
        assert await registry.abudgets() == registry.budgets()

    def test_a_reset_gives_the_money_back_and_keeps_the_books(self, registry: LLMRegistry) -> None:
        for user in ("ada", "ben"):
            registry.record_usage(GPT, used(), user=user, cost=PENNY)
        (before,) = registry.reset_budgets("ada", reason="goodwill")
        assert (before.value, before.spent) == ("ada", PENNY)
        assert {row.value: row.left for row in registry.budgets()} == {"ada": 2 * PENNY, "ben": PENNY}
        assert registry.usage(by=())[0].cost == 2 * PENNY
        assert registry._house.accounts.ledger.audit() == []

    async def test_all_budgets_can_be_reset_at_once(self, registry: LLMRegistry) -> None:
        await registry.arecord_usage(GPT, used(), user="ada", cost=PENNY)
        assert [row.spent for row in await registry.areset_budgets()] == [PENNY]
        assert {row.spent for row in registry.budgets()} == {Decimal(0)}

    def test_a_call_made_elsewhere_is_told_and_alerts_once(
        self, registry: LLMRegistry, heard: queue.Queue[Event]
    ) -> None:
        for _ in range(2):
            registry.record_usage(GPT, used(), user="ada", cost="0.008", tags=["batch"])
        told = [heard.get(timeout=30) for _ in range(3)]
        (alert,) = [event for event in told if isinstance(event, BudgetAlert)]
        assert (alert.value, alert.fraction, alert.spent) == ("ada", 0.5, Decimal("0.016"))
        assert [event.tags for event in told if isinstance(event, UsageRecorded)] == [("batch",)] * 2


class TestLimits:
    def test_asking_takes_nothing(self, make: Make) -> None:
        registry = make(limits=[Limit(scope="user", requests_per_minute=1, tokens_per_minute=100)])
        ada = user_of(registry)
        assert all(ada.check_limit("gpt-4o", 60).allowed for _ in range(5))
        verdict = registry.check_limit(GPT, 101, user_id="ada")
        assert (verdict.allowed, verdict.limit) == (False, "100 tokens a minute for user ada")
        assert registry.check_limit(GPT, 101).allowed

    async def test_tasks_ask_alike(self, make: Make) -> None:
        registry = make(limits=[Limit(scope="model", model=GPT, tokens_per_day=10)])
        assert not (await registry.acheck_limit(GPT, 11)).allowed
        assert not (await user_of(registry).acheck_limit(GPT, 11)).allowed
        assert (await user_of(registry).acheck_limit(MINI, 11)).allowed

    def test_published_limits_count_where_the_operator_says_so(self, make: Make) -> None:
        ref = "groq#openai/gpt-oss-20b"
        for keeps in (True, False):
            registry = make(catalog_limits=keeps)
            registry.catalog.update(ref, {"rate_limits": {"requests_per_minute": 5, "tokens_per_minute": 100}})
            assert registry.check_limit(ref, 101).allowed != keeps

    def test_a_provider_that_there_is_not_is_named_with_the_nearest(self, registry: LLMRegistry) -> None:
        with pytest.raises(ConfigError, match=r"'opnai'.*openai"):
            registry.check_limit("opnai#gpt-4o")
        with pytest.raises(ModelNotAllowedError):
            user_of(registry).check_limit("openai#gpt-4.1")


class TestEstimates:
    def test_the_most_is_what_a_bounded_answer_cannot_exceed(self, registry: LLMRegistry) -> None:
        found = user_of(registry).estimate_cost("Hello, how are you?", model=GPT, max_tokens=50)
        (member,) = found.members
        entry = registry.catalog.get(GPT)
        price = price_at(entry, dt.datetime.now(dt.UTC).date())
        assert price is not None
        assert price.output is not None
        assert found.usual is not None
        assert found.most is not None
        assert price.output * 50 / 1_000_000 < found.usual <= found.most
        assert (member.ref, member.max_output_tokens, member.most) == (GPT, 50, found.most)

    def test_several_are_summed_where_they_are_asked_at_once(self, registry: LLMRegistry) -> None:
        ada = user_of(registry)
        first, fallback, race = (
            ada.estimate_cost("Hi", model="tier:cheap", strategy=strategy, max_tokens=10)
            for strategy in ("first", "fallback", "race")
        )
        assert [len(found.members) for found in (first, fallback, race)] == [1, 3, 3]
        assert fallback.usual == first.usual == first.members[0].usual
        assert race.usual == sum(row.usual or 0 for row in race.members)
        assert fallback.most == race.most

    @pytest.mark.parametrize(
        "question",
        [
            "Hello",
            [SystemMessage("Be brief."), HumanMessage("Hello")],
            [("system", "Be brief."), ("human", "Hello")],
            ChatPromptTemplate.from_messages([("human", "Hello {name}")]).invoke({"name": "Ada"}),
        ],
    )
    def test_whatever_a_model_may_be_asked_can_be_estimated(self, registry: LLMRegistry, question: object) -> None:
        found = registry.estimate_cost(question, model=GPT, max_tokens=10)  # type: ignore[arg-type]
        assert found.input_tokens > 0
        assert found.most is not None

    def test_nobody_knows_what_an_unpriced_model_costs(self, make: Make) -> None:
        registry = make()
        registry.catalog.register(ModelEntry(provider="openai", id="secret", price_state="unknown"))
        found = registry.for_user(mode="shared", user_id="ada", models=["openai#secret", GPT]).estimate_cost(
            "Hi", model="openai#secret"
        )
        assert (found.usual, found.most) == (None, None)
        assert str(found).startswith("usually unknown, at most unknown\n")
        assert "unknown" in found._repr_html_()

    def test_a_name_that_leads_nowhere_is_an_error(self, registry: LLMRegistry) -> None:
        with pytest.raises(UnknownModelError):
            registry.estimate_cost("Hi", model="openai#gpt-nonsense")
        with pytest.raises(ModelNotAllowedError):
            user_of(registry).estimate_cost("Hi", model="openai#gpt-4.1")


class TestExplained:
    def test_what_stands_in_the_way_is_named(self, make: Make) -> None:
        registry = make(
            budgets=[
                Budget(scope="user", limit=PENNY, window="day"),
                Budget(scope="model", limit=PENNY, window="total", on_exceed="warn"),
            ],
            limits=[Limit(scope="user", requests_per_minute=1)],
        )
        ada = user_of(registry)
        assert [member.in_the_way for member in ada.explain(GPT).order] == [()]
        registry.record_usage(GPT, used(), user="ada", cost=PENNY)
        limiter = registry._house.accounts.limiter
        limiter.acquire(Caller(user="ada"))
        limit, budget = ada.explain(GPT).order[0].in_the_way
        assert limit.startswith("the limit of 1 requests a minute for user ada is reached, for ")
        assert budget.startswith("the budget of user ada for a day is used up; it begins anew at ")
        assert budget in str(ada.explain(GPT))
        assert [member.in_the_way for member in user_of(registry, "ben").explain(GPT).order] == [()]

    def test_without_budgets_and_limits_nothing_is_asked(self, make: Make) -> None:
        registry = make()
        assert user_of(registry).explain(GPT).order[0].in_the_way == ()
