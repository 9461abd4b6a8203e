"""What a budget may say, and whose calls it is charged with."""

from __future__ import annotations

from decimal import Decimal

import pytest

from langchain_lucky_models.budgets import Budget, Spender
from langchain_lucky_models.budgets.budget import applicable, distinct
from langchain_lucky_models.errors import ConfigError

ADA = Spender(user="ada", model="openai#gpt-4o", provider="openai", key_owner="house", experiment="x", tags=("a", "b"))


@pytest.mark.parametrize(
    ("budget", "keys"),
    [
        (Budget(limit=1), ["registry/month/UTC=all"]),
        (Budget(scope="user", limit=1, window="day"), ["user/day/UTC=ada"]),
        (Budget(scope="user", user="bob", limit=1), []),
        (Budget(scope="user", provider="openai", limit=1), ["user/month/UTC/provider:openai=ada"]),
        (Budget(scope="user", provider="groq", limit=1), []),
        (Budget(scope="tag", limit=1), ["tag/month/UTC=a", "tag/month/UTC=b"]),
        (Budget(scope="tag", tag="b", limit=1), ["tag/month/UTC=b"]),
        (Budget(scope="model", tag="b", limit=1), ["model/month/UTC/tag:b=openai#gpt-4o"]),
        (Budget(scope="experiment", limit=1), ["experiment/month/UTC=x"]),
        (Budget(scope="key_owner", limit=1, zone="Asia/Tokyo"), ["key_owner/month/Asia%2FTokyo=house"]),
    ],
)
def test_a_scope_counts_apart_and_fields_narrow_down(budget: Budget, keys: list[str]) -> None:
    assert budget.keys(ADA) == keys


def test_a_budget_for_one_user_takes_the_place_of_the_one_for_every_user() -> None:
    general, own = Budget(scope="user", limit=1), Budget(scope="user", user="ada", limit=5)
    assert [budget.limit for budget, _ in applicable([general, own], ADA)] == [5]
    assert [budget.limit for budget, _ in applicable([general, own], Spender(user="bob"))] == [1]


def test_a_new_limit_goes_on_counting_where_the_old_one_was() -> None:
    assert Budget(scope="user", limit=1).id == Budget(scope="user", limit=9, mode="expected", alerts=(0.5,)).id


def test_charges_come_in_one_order_whoever_asks() -> None:
    budgets = [Budget(scope=scope, limit=1) for scope in ("user", "registry", "provider", "model")]
    keys = [key for _, key in applicable(budgets, ADA)]
    assert keys == sorted(keys) == [key for _, key in applicable(budgets[::-1], ADA)]


@pytest.mark.parametrize("limit", ["10$", "", "NaN", "inf", -1, "-0.01", True, None, 10**12, [1]])
def test_a_limit_that_is_no_amount_is_refused_by_field(limit: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Budget.read({"limit": limit})
    assert caught.value.field == "limit"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "team"),
        ("mode", "soft"),
        ("on_exceed", "ignore"),
        ("window", "fortnight"),
        ("zone", "Nowhere"),
        ("alerts", (0,)),
        ("alerts", "0.8"),
        ("alerts", ("x",)),
    ],
)
def test_a_field_with_a_value_that_fits_none_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Budget.read({"limit": 1, field: value})
    assert caught.value.field == field


def test_a_field_that_no_budget_has_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Nearest: window"):
        Budget.read({"limit": 1, "windows": "day"})


def test_two_budgets_that_would_count_the_same_need_names() -> None:
    with pytest.raises(ConfigError, match="count the same"):
        distinct([Budget(limit=1), Budget(limit=2)])
    assert len(distinct([Budget(limit=1), Budget(limit=2, name="soft")])) == 2


def test_limits_are_exact_however_they_are_written() -> None:
    assert {Budget(limit=limit).cap for limit in ("0.1", 0.1, Decimal("0.1"))} == {100_000_000_000}


def test_odd_user_ids_stay_apart() -> None:
    budget = Budget(scope="user", limit=1)
    ids = ["a", "a=b", "a/b", "a\0", "a" * 400, "a" * 401, "'; DROP TABLE lucky_slots", "../bob"]
    assert len({budget.keys(Spender(user=name))[0] for name in ids}) == len(ids)
