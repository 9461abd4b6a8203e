"""Limits on handles: exact for threads and tasks, charged before and corrected after, waited for or refused."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_openai import ChatOpenAI

from langchain_lucky_models import LLMRegistry, LuckyChatModel, errors
from langchain_lucky_models.ledger import Ledger
from tests import homes
from tests.loopback import Answer, Provider, Usage
from tests.loopback.behaviours import status
from tests.loopback.exchange import Exchange, answer_whole
from tests.meter.conftest import Ask, Opening, wait_until, wait_until_asked
from tests.services import redis_url

HEADERS = ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "30s")


def limited(**figures: Any) -> list[dict[str, Any]]:
    """Ada's limit."""
    return [{"scope": "user", **figures}]


def taken_by(registry: LLMRegistry, model: str = homes.OPENAI) -> bool:
    """Whether there is no room for ada."""
    return not registry.check_limit(model, 1, user_id="ada").allowed


class Counted:
    """Answers after a while, and knows how many were under way together."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, exchange: Exchange) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        await answer_whole(exchange)


class TestRequests:
    async def test_of_a_hundred_at_once_exactly_as_many_pass_as_the_limit_has(
        self, opened: Opening, provider: Provider
    ) -> None:
        """Case 71: 10 a minute, 50 threads and 50 tasks at once: 10 reach the provider."""
        model = homes.user_of(opened(limits=limited(requests_per_minute=10), limit_wait=0)).model(homes.OPENAI)
        with ThreadPoolExecutor(50) as pool:
            threads = [asyncio.get_running_loop().run_in_executor(pool, _outcome, model) for _ in range(50)]
            outcomes = await asyncio.gather(*threads, *(_aoutcome(model) for _ in range(50)))
        assert outcomes.count("answered") == len(provider.requests) == 10
        assert outcomes.count("refused") == 90

    async def test_two_registries_count_together_through_redis(self, opened: Opening, provider: Provider) -> None:
        """Case 73: the limit is one for all who share its state."""
        shared = {"limits": limited(requests_per_minute=5, name=f"t{time.time_ns()}"), "shared_state": redis_url()}
        models = [homes.user_of(opened(**shared, limit_wait=0)).model(homes.OPENAI) for _ in range(2)]
        outcomes = await asyncio.gather(*(_aoutcome(models[number % 2]) for number in range(20)))
        assert outcomes.count("answered") == len(provider.requests) == 5

    async def test_a_refusal_says_when_and_asks_nobody_else(
        self, opened: Opening, provider: Provider, either: Ask
    ) -> None:
        """Case 27: our own limit never sends a call to another member; nothing stays held."""
        registry = opened(limits=limited(requests_per_minute=1), limit_wait=0, budgets=[{"limit": 10}])
        model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
        await either(model, "hi")
        with pytest.raises(errors.LimitReachedError, match="1 requests a minute for user ada") as refused:
            await either(model, "hi")
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= 61  # it is counted in slots of half a second
        assert len(provider.requests) == 1

    async def test_a_call_that_a_budget_refuses_takes_nothing_of_a_limit(self, opened: Opening, either: Ask) -> None:
        """What was taken before is given back."""
        registry = opened(limits=limited(requests_per_minute=1), budgets=[{"limit": "0.0000001"}])
        for _ in range(2):
            with pytest.raises(errors.BudgetExceededError):
                await either(homes.user_of(registry).model(homes.OPENAI, max_tokens=100), "hi")
        assert not taken_by(registry)

    async def test_a_call_that_was_never_sent_takes_nothing(self, opened: Opening, either: Ask) -> None:
        """Nobody listens there, so the provider has counted nothing."""
        nowhere = {"openai": {"base_url": "http://127.0.0.1:9/v1"}}
        registry = opened(limits=limited(requests_per_minute=1), providers=nowhere)
        with pytest.raises(errors.ProviderDownError):
            await either(homes.user_of(registry).model(homes.OPENAI, max_retries=0), "hi")
        assert not taken_by(registry)

    async def test_each_attempt_counts(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """A retry is a request as well: with room for one, it is refused."""
        provider.script("status_503")
        model = homes.user_of(opened(limits=limited(requests_per_minute=1), limit_wait=0)).model(homes.OPENAI)
        with pytest.raises(errors.LimitReachedError):
            await either(model, "hi")
        assert len(provider.requests) == 1

    async def test_a_day_outlives_the_process(self, opened: Opening, provider: Provider, tmp_path: Any) -> None:
        """Case 82: a new registry on the same ledger goes on counting the day's requests."""
        settings = {"limits": limited(requests_per_day=3), "ledger": tmp_path / "ledger.db", "limit_wait": 0}
        for _ in range(2):
            registry = opened(**settings)
            model = homes.user_of(registry).model(homes.OPENAI)
            outcomes = [await _aoutcome(model) for _ in range(2)]
            registry.close()
        assert outcomes == ["answered", "refused"]
        assert len(provider.requests) == 3


class TestTokens:
    async def test_are_charged_before_the_answer(self, opened: Opening, provider: Provider) -> None:
        """Case 72: 3,000 a minute, answers of 2,000, 100 at once: what the provider serves is never beyond 3,000."""
        provider.reply(Answer(usage=Usage(input=10, output=2_000)))
        registry = opened(limits=limited(tokens_per_minute=3_000), limit_wait=0)
        model = homes.user_of(registry).model(homes.OPENAI, max_tokens=2_000)
        outcomes = await asyncio.gather(*(_aoutcome(model) for _ in range(100)))
        assert outcomes.count("answered") == len(provider.requests) == 1

    @pytest.mark.parametrize(("output", "rooms"), [(10, True), (5_000, False)])
    async def test_are_corrected_after_it(
        self, opened: Opening, provider: Provider, either: Ask, output: int, *, rooms: bool
    ) -> None:
        """Case 79: an answer of a hundredth of what was charged gives room back; one of five times as much takes it."""
        provider.reply(Answer(usage=Usage(input=10, output=output)))
        registry = opened(limits=limited(tokens_per_minute=2_000))
        await either(homes.user_of(registry).model(homes.OPENAI, max_tokens=1_000), "hi")
        assert registry.check_limit(homes.OPENAI, 1_900, user_id="ada").allowed == rooms

    async def test_a_question_larger_than_the_limit_is_refused_at_once(
        self, opened: Opening, provider: Provider, either: Ask
    ) -> None:
        """Case 80: no eternal wait for a call that never fits."""
        model = homes.user_of(opened(limits=limited(tokens_per_minute=100))).model(homes.OPENAI)
        with pytest.raises(errors.LimitReachedError, match="never fits"):
            await either(model, "word " * 1_000)
        assert provider.requests == []


class TestWaiting:
    async def test_calls_at_once_wait_for_their_place_and_all_are_answered(
        self, opened: Opening, provider: Provider
    ) -> None:
        """Two places for twelve threads and tasks: never three at the provider, nobody refused."""
        counted = Counted()
        provider.script(counted)
        model = homes.user_of(opened(limits=limited(concurrent=2))).model(homes.OPENAI)
        with ThreadPoolExecutor(6) as pool:
            threads = [asyncio.get_running_loop().run_in_executor(pool, _outcome, model) for _ in range(6)]
            outcomes = await asyncio.gather(*threads, *(_aoutcome(model) for _ in range(6)))
        assert outcomes == ["answered"] * 12
        assert counted.most == 2

    async def test_a_cancelled_waiter_frees_its_place(self, opened: Opening, provider: Provider) -> None:
        """Case 80: whoever stood behind it is next."""
        provider.script("hang_before_headers", times=1)
        registry = opened(limits=limited(concurrent=1))
        model = homes.user_of(registry).model(homes.OPENAI)
        holder = asyncio.ensure_future(model.ainvoke("hi"))
        await asyncio.to_thread(wait_until_asked, provider)
        waiter = asyncio.ensure_future(model.ainvoke("hi"))
        last = asyncio.ensure_future(model.ainvoke("hi"))
        line = registry._house.accounts.limiter._gate.line
        await asyncio.to_thread(wait_until, lambda: len(line._places) == 2)
        for call in (waiter, holder):
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert (await last).text
        assert len(provider.requests) == 2

    async def test_the_wait_fits_the_calls_timeout(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """What no wait within it can help is refused without one."""
        model = homes.user_of(opened(limits=limited(requests_per_minute=1))).model(homes.OPENAI, timeout=5)
        await either(model, "hi")
        started = time.monotonic()
        with pytest.raises(errors.LimitReachedError):
            await either(model, "hi")
        assert time.monotonic() - started < 5
        assert len(provider.requests) == 1


class TestProviders:
    async def test_a_providers_own_word_is_heeded(self, opened: Opening, provider: Provider, either: Ask) -> None:
        """Case 81: told that nothing is left for 30 s, the next call goes to the other member at once."""
        registry = opened(limits=[{"scope": "registry", "requests_per_minute": 1_000}], limit_wait=0)
        provider.script(status(429, *HEADERS), path=homes.PATHS[homes.OPENAI])
        model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, max_retries=0)
        await either(model, "hi")
        await either(model, "hi")
        assert [request.path for request in provider.requests].count(homes.PATHS[homes.OPENAI]) == 1
        assert len(provider.requests) == 3

    @pytest.mark.parametrize("keeps", [True, False], ids=["kept", "left"])
    async def test_published_limits_are_kept_where_the_operator_says_so(
        self, opened: Opening, provider: Provider, *, keeps: bool
    ) -> None:
        """Each key has what its provider publishes; another user's own key has its own."""
        registry = opened(catalog_limits=keeps, limit_wait=0)
        registry.catalog.update(homes.OPENAI, {"rate_limits": {"requests_per_minute": 2}})
        house = homes.user_of(registry).model(homes.OPENAI)
        outcomes = [await _aoutcome(house) for _ in range(4)]
        assert outcomes.count("answered") == (2 if keeps else 4)
        keys = {"openai": "sk-eves-own-0123456"}
        eve = registry.for_user(mode="byok", user_id="eve", models=homes.MODELS, api_keys=keys)
        assert await _aoutcome(eve.model(homes.OPENAI)) == "answered"


class TestLangChains:
    async def test_limiters_of_others_are_asked_before_each_attempt(self, opened: Opening, either: Ask) -> None:
        """`rate_limiter=` on a handle."""
        asked: list[str] = []

        class Listed(BaseRateLimiter):
            def acquire(self, *, blocking: bool = True) -> bool:
                asked.append("thread" if blocking else "")
                return True

            async def aacquire(self, *, blocking: bool = True) -> bool:
                asked.append("task" if blocking else "")
                return True

        await either(homes.user_of(opened()).model(homes.OPENAI, rate_limiter=Listed()), "hi")
        assert asked in (["thread"], ["task"])

    async def test_ours_serve_models_of_others(self, opened: Opening, provider: Provider) -> None:
        """A plain ChatOpenAI and a handle take from the same limit."""
        registry = opened(limits=limited(requests_per_minute=3), limit_wait=0)
        plain = ChatOpenAI(
            model="gpt-4o",
            api_key="sk-plain",
            base_url=provider.base_urls["openai"],
            rate_limiter=registry.rate_limiter(homes.OPENAI, user_id="ada"),
        )
        plain.invoke("hi")
        await plain.ainvoke("hi")
        handle = homes.user_of(registry).model(homes.OPENAI)
        assert [await _aoutcome(handle) for _ in range(2)] == ["answered", "refused"]
        limiter = registry.rate_limiter(homes.OPENAI, user_id="ada")
        assert not limiter.acquire(blocking=False)
        assert not await limiter.aacquire(blocking=False)

    def test_ours_refuse_what_no_wait_helps(self, opened: Opening) -> None:
        """Tokens are charged as they are given; more than the limit never pass."""
        registry = opened(limits=limited(tokens_per_minute=100))
        with pytest.raises(errors.LimitReachedError, match="never fits"):
            registry.rate_limiter(homes.OPENAI, 200, user_id="ada").acquire()


async def test_what_one_registry_counts_is_none_of_anothers(opened: Opening, provider: Provider) -> None:
    """Limits are a registry's own, never the process's."""
    for _ in range(2):
        model = homes.user_of(opened(limits=limited(requests_per_minute=1), limit_wait=0)).model(homes.OPENAI)
        assert await _aoutcome(model) == "answered"
    assert len(provider.requests) == 2


async def test_a_lent_ledger_stays_open(opened: Opening) -> None:
    """Whoever made it closes it, before or after the registry."""
    with Ledger() as ledger:
        for _ in range(2):
            registry = opened(ledger=ledger)
            await homes.user_of(registry).model(homes.OPENAI).ainvoke("hi")
            registry.close()
        assert ledger.usage()[0].requests == 2


def _outcome(model: LuckyChatModel) -> str:
    try:
        model.invoke("hi")
    except errors.LimitReachedError:
        return "refused"
    return "answered"


async def _aoutcome(model: LuckyChatModel) -> str:
    try:
        await model.ainvoke("hi")
    except errors.LimitReachedError:
        return "refused"
    return "answered"
