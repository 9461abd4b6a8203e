"""Shadows are charged apart: what a user may use is the user's own."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.rollout import Rollout
from tests.homes import MINI, OPENAI, registry_on, user_of
from tests.loopback import Provider
from tests.reloading.conftest import wait_until
from tests.rollout.homes import NAME


def bounded(server: Provider, **settings: Any) -> LLMRegistry:
    return registry_on(server, rollout={NAME: {"shadow": {}}}, limit_wait=0, **settings)


def called(registry: LLMRegistry, times: int) -> Rollout:
    rollout, ada = registry.rollout(NAME), user_of(registry)
    chain = rollout.runnable(old=ada.model(OPENAI, max_retries=0), new=ada.model(MINI, max_retries=0))
    for _ in range(times):
        assert chain.invoke("hi").text
        assert rollout.wait(30)
    return rollout


def test_a_shadow_takes_nothing_of_what_its_user_may_ask(provider: Provider) -> None:
    """Three requests a minute are three of the user's own, however often a shadow ran beside them."""
    with bounded(provider, limits=[{"scope": "user", "requests_per_minute": 3}]) as registry:
        rollout = called(registry, 3)
        assert [row.verdict for row in rollout.report().rows] == ["same"] * 3


def test_a_shadow_takes_nothing_of_what_its_user_may_spend(provider: Provider) -> None:
    """Three answers at $0.0000725 are what ada has spent; her shadow has its own budget of that kind."""
    with bounded(provider, budgets=[{"scope": "user", "limit": "0.5", "window": "day"}]) as registry:
        called(registry, 3)
        assert [balance.spent for balance in user_of(registry).budget()] == [Decimal("0.0002175")]


def test_the_ledger_books_shadows_apart(provider: Provider) -> None:
    with bounded(provider) as registry:
        called(registry, 2)
        rows = {(row.group["user"], row.group["model"]): row.requests for row in registry.usage(by=("user", "model"))}
        assert rows == {("ada", OPENAI): 2, (f"shadow:{NAME}:ada", MINI): 2}
        [own] = user_of(registry).usage()
        assert own.requests == 2


def test_a_shadow_that_is_refused_costs_nothing(provider: Provider) -> None:
    with bounded(provider, limits=[{"scope": "model", "model": MINI, "requests_per_minute": 1}]) as registry:
        rollout = called(registry, 2)
        report = rollout.report()
    answered, refused = report.rows
    assert (answered.verdict, refused.verdict) == ("same", "new failed")
    assert str(refused.new_error).startswith("LimitReachedError: ")
    assert refused.new_cost == 0
    assert report.spent == answered.new_cost


def test_a_shadow_gives_its_place_at_a_provider_to_a_users_call(provider: Provider) -> None:
    """One call at once: the new path hangs in the only place, and the user's next answer comes all the same."""
    provider.script("hang_before_headers", model="gpt-4o-mini")

    def hangs(times: int) -> bool:
        return len(provider.asked("gpt-4o-mini")) == times

    places = {"openai": {"base_url": provider.base_urls["openai"], "max_concurrency": 1}}
    with bounded(provider, providers=places) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry, models=[OPENAI, MINI])
        chain = rollout.runnable(old=ada.model(OPENAI, timeout=60), new=ada.model(MINI))
        for times in range(1, 4):
            assert chain.invoke("hi").text
            wait_until(partial(hangs, times))
            assert ada.model(OPENAI, timeout=60).invoke("hi").text
            assert rollout.wait(30)
        assert rollout.report().counts == {"old": 3, "shadowed": 3, "dropped: it gave way to a user's call": 3}
        assert registry.health()["openai"].status == "healthy"
