"""Budgets, limits and the ledger as settings: the same values as in Python, exact and frozen."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from langchain_lucky_models.budgets import Budget
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.limits import Limit
from langchain_lucky_models.settings import RegistryConfig, Source
from langchain_lucky_models.settings.accounts import BudgetConfig, LedgerConfig, LimitConfig


def names(kind: type[Budget | Limit]) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def test_a_file_can_say_whatever_a_budget_and_a_limit_are() -> None:
    assert list(BudgetConfig.model_fields) == names(Budget)
    assert list(LimitConfig.model_fields) == names(Limit)


def test_defaults_are_those_of_python() -> None:
    assert BudgetConfig.read({"limit": 1}).budget() == Budget(limit=1)
    assert LimitConfig.read({"concurrent": 1}).limit() == Limit(concurrent=1)


@pytest.mark.parametrize("text", ["0.1", "'0.1'", '"0.10"', "1e-1"])
def test_an_amount_is_exact_however_it_is_written(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"budgets: [{{limit: {text}}}]")
    (budget,) = Source.of_operator(file).settings(RegistryConfig).budgets
    assert budget.limit == Decimal("0.1")
    assert budget.budget().cap == 10**11


def test_ready_made_values_stand_beside_mappings() -> None:
    settings = RegistryConfig.read(
        {
            "budgets": [Budget(scope="user", limit="2.50", alerts=[0.8]), {"limit": 3}],
            "limits": (Limit(scope="key", concurrent=2),),
            "ledger": Path("usage.db"),
        }
    )
    assert [row.budget() for row in settings.budgets] == [
        Budget(scope="user", limit="2.50", alerts=[0.8]),
        Budget(limit=3),
    ]
    assert settings.limits[0].limit() == Limit(scope="key", concurrent=2)
    assert settings.ledger == LedgerConfig(url="usage.db")


def test_keywords_take_the_place_of_what_the_file_says() -> None:
    settings = RegistryConfig.read({"budgets": [{"limit": 3}], "ledger": "a.db"}).but(budgets=[{"limit": 4}])
    assert [row.limit for row in settings.budgets] == [4]
    assert settings.ledger == LedgerConfig(url="a.db")


def test_what_the_accounts_are_made_of_is_ready_made() -> None:
    settings = RegistryConfig.read(
        {"budgets": [{"limit": 1}], "limits": [{"concurrent": 1}], "ledger": {"durability": "power"}}
    )
    accounts = settings.accounts()
    assert (accounts["budgets"], accounts["limits"]) == ([Budget(limit=1)], [Limit(concurrent=1)])
    with accounts["ledger"] as ledger:
        assert ledger.usage() == []


def test_a_ready_made_ledger_is_the_one_that_is_used() -> None:
    with Ledger() as ledger:
        assert RegistryConfig.read({}).but(ledger=ledger).accounts()["ledger"] is ledger


def test_settings_are_frozen_and_a_password_does_not_show() -> None:
    settings = RegistryConfig.read({"ledger": "postgresql://me:canary@db/usage", "budgets": [{"limit": 1}]})
    assert "canary" not in f"{settings!r} {settings} {settings.ledger!r} {settings.ledger}"
    with pytest.raises(ValidationError):
        settings.budgets[0].limit = Decimal(9)  # type: ignore[misc]


def test_the_example_holds_what_it_says() -> None:
    path = Path(__file__).parents[2] / "docs" / "examples" / "accounts.yaml"
    settings = Source.of_operator(path).settings(RegistryConfig)
    assert [row.budget().label("ada") for row in settings.budgets] == [
        "the budget of the registry for a month",
        "the budget of user ada for a day",
        "the budget of user ada for a day",
        "the budget of experiment ada in all",
    ]
    assert settings.unknown_price == Decimal("0.05")
    assert settings.catalog_limits
