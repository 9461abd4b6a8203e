"""What an experiment may cost: beside what the operator allows, and nobody else's business."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.budgets import Budget
from langchain_lucky_models.budgets.budget import Spender, applicable, finder
from langchain_lucky_models.errors import BudgetExceededError, ConfigError
from tests.homes import MINI, OPENAI, registry_on, user_of
from tests.loopback import Provider


def experiments(**budget: Any) -> dict[str, object]:
    """Two experiments with the same models, of which one has a budget."""
    return {"experiments": {"careful": {"models": [MINI], **budget}, "free": {"models": [MINI]}}}


def left_of(registry: LLMRegistry, user_id: str = "ada") -> dict[str, Decimal]:
    """What a user's budgets have left."""
    return {row.value: row.left for row in user_of(registry, user_id=user_id).budget()}


def cost_of(answer: AIMessage) -> Decimal:
    """What a call cost, to the digit that is shown."""
    return Decimal(str(answer.response_metadata["lucky"]["cost"]))


def test_it_is_kept_for_this_experiment_and_no_other_call(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", experiments(budget=0.00001))
        ada = user_of(registry)
        with pytest.raises(BudgetExceededError, match=r"The budget of experiment user:ada:careful in all has no room"):
            ada.experiment("careful").invoke("hi")
        assert ada.experiment("free").invoke("hi").text
        assert ada.model(MINI).invoke("hi").text
    assert len(provider.requests) == 2, "what is refused is not sent"


def test_what_its_calls_cost_is_gone_from_it(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", experiments(budget={"limit": "1", "window": "day"}))
        answer = user_of(registry).experiment("careful").invoke("hi")
        cost = cost_of(answer)
        assert cost > 0
        assert left_of(registry) == {"user:ada:careful": 1 - cost}


def test_variants_share_it(provider: Provider) -> None:
    config = experiments(budget=1, variants={"a": {}, "b": {"models": [OPENAI]}})
    with registry_on(provider) as registry:
        registry.load_user_config("ada", config)
        ada = user_of(registry)
        costs = [cost_of(ada.model(f"user:ada:careful@{name}").invoke("hi")) for name in "ab"]
        assert left_of(registry) == {"user:ada:careful": 1 - sum(costs)}


def test_it_never_takes_the_place_of_the_operators(provider: Provider) -> None:
    """Both hold, whichever is smaller, even for the same window."""
    operators = {"scope": "experiment", "limit": "0.00001", "window": "day"}
    with registry_on(provider, budgets=[operators]) as registry:
        registry.load_user_config("ada", experiments(budget={"limit": 1000, "window": "day"}))
        with pytest.raises(BudgetExceededError, match=r"of 0\.00001 dollars"):
            user_of(registry).experiment("careful").invoke("hi")


def test_another_limit_holds_from_the_next_call_and_what_was_spent_stays_spent(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", experiments(budget=1))
        ada = user_of(registry)
        cost = cost_of(ada.experiment("careful").invoke("hi"))
        registry.load_user_config("ada", experiments(budget=2))
        assert left_of(registry) == {"user:ada:careful": 2 - cost}
        registry.load_user_config("ada", experiments())
        assert left_of(registry) == {}
        assert ada.experiment("careful").invoke("hi").text


def test_nobody_else_sees_it(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", experiments(budget=1))
        registry.load_user_config("ad", experiments(budget=2))
        assert left_of(registry) == {"user:ada:careful": 1}
        assert left_of(registry, "ad") == {"user:ad:careful": 2}
        assert left_of(registry, "bob") == {}
        assert {row.value for row in registry.budgets()} == {"user:ada:careful", "user:ad:careful"}


def test_without_records_there_is_none(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "ada.yaml"
    file.write_text("experiments:\n  careful: {models: [openai#gpt-4o], budget: 1}\n")
    with registry_on(provider, config={"track": {"usage": False}}) as registry:
        with pytest.raises(ConfigError, match=r"user:ada:careful has a budget.*track\.usage"):
            registry.load_user_config("ada", file)
        registry.load_user_config("ada", experiments())


def test_thousands_of_them_are_found_by_name() -> None:
    """A call looks at its own experiment's budgets, not at everybody's; and finds what a look at all of them finds."""
    names = [f"user:user-{number}:careful" for number in range(3_000)]
    budgets = [Budget(scope="experiment", experiment=name, name="own", limit=1) for name in names]
    budgets += [Budget(limit=9), Budget(scope="experiment", limit=5)]
    find = finder(budgets)
    for experiment in [names[7], None, "user:nobody:careful"]:
        spender = Spender(user="ada", model="openai#gpt-4o", experiment=experiment)
        assert find(spender) == applicable(budgets, spender)
