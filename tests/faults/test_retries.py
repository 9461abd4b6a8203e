"""Retries and fallbacks at real servers: how many requests, how soon, and never too early."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, create_llm_registry, errors
from langchain_lucky_models.asking.meter import Terms
from tests import homes
from tests.clocks import Stopwatch
from tests.faults.calls import EVERY_WAY, Asked, ainvoked, invoked, noting_sleeps, streamed
from tests.loopback import Answer, Provider
from tests.loopback.behaviours import ask_to_wait
from tests.loopback.faults import RETRY_AFTER

RETRIED = [f"status_{code}" for code in (408, 409, 500, 502, 503, 504, 529)]
FINAL = {
    "status_400": errors.InvalidRequestError,
    "status_401": errors.AuthFailedError,
    "status_403": errors.AuthFailedError,
    "status_404": errors.ModelGoneError,
    "status_413": errors.ContextTooLongError,
    "status_422": errors.InvalidRequestError,
}


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    """A registry on one server."""
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen


def keyless(server: Provider, ref: str) -> LLMRegistry:
    """A registry whose key for that model's provider is there, but empty when it is asked for."""
    keys: dict[str, Any] = {**homes.KEYS, ref.partition("#")[0]: lambda: ""}
    providers = {name: {"base_url": server.base_urls[name]} for name in homes.KEYS}
    return create_llm_registry(fallback_keys=keys, providers=providers)


async def test_a_429_is_repeated_once_and_not_before_it_may(provider: Provider, asked: Asked) -> None:
    """Case 1: 429 with Retry-After: one retry, not a moment early; 0 early of 4 ways."""
    provider.script(ask_to_wait("0.3"), model="gpt-4o", times=1)
    with homes.registry_on(provider) as registry:
        assert await asked(homes.user_of(registry).model(homes.OPENAI))
    refused, answered = provider.requests
    # Counted from its arrival: the server may note late that it has answered.
    assert answered.at - refused.at >= 0.3


async def test_a_429_with_somebody_else_there_waits_for_nobody(provider: Provider, asked: Asked) -> None:
    """Case 2: the next member within a second, and no further request to the one that asked for rest."""
    provider.script("retry_after_hour", model="gpt-4o")
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, timeout=30)
        handle.members()  # a partner's import is no part of a call
        for _ in range(5):
            with Stopwatch() as watch:
                assert await asked(handle)
            assert watch.seconds < 1
    assert len(provider.asked("gpt-4o")) == 1


async def test_a_429_that_outlasts_the_deadline_is_raised_at_once(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 3: no second member, an hour asked for, thirty seconds left: one request, no sleep, raised in 50 ms."""
    slept = noting_sleeps(registry)
    provider.script("retry_after_hour", model="gpt-4o")
    handle = homes.user_of(registry).model(homes.OPENAI, timeout=30)
    handle.members()  # a partner's import is no part of a call
    with Stopwatch() as watch, pytest.raises(errors.RateLimitedError) as refused:
        await asked(handle)
    assert watch.seconds < 0.05
    assert refused.value.retry_after == 3600
    assert (len(provider.requests), slept) == (1, [])


@pytest.mark.parametrize("form", RETRY_AFTER)
async def test_no_form_of_retry_after_sleeps_past_the_deadline(
    provider: Provider, registry: LLMRegistry, asked: Asked, form: str
) -> None:
    """Case 4: 14 forms in 4 ways: only errors of ours, no sleep beyond the five seconds that the call has."""
    slept = noting_sleeps(registry)
    provider.script(form, model="gpt-4o", times=1)
    with suppress(errors.RateLimitedError, errors.CircuitOpenError):
        await asked(homes.user_of(registry).model(homes.OPENAI, timeout=5))
    assert all(0 <= seconds < 5 for seconds in slept)


@pytest.mark.parametrize("fault", RETRIED)
async def test_failures_that_may_pass_are_repeated_twice_at_most(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 6: three requests in all, with jitter below 0.5 and 1 s between them."""
    slept = noting_sleeps(registry)
    provider.script(fault, model="gpt-4o")
    with pytest.raises(errors.ProviderDownError) as failed:
        await asked(homes.user_of(registry).model(homes.OPENAI))
    assert [attempt.error for attempt in failed.value.attempts] == ["provider_down"] * 3
    assert len(provider.requests) == 3
    assert len(slept) == 2
    assert slept[0] <= 0.5
    assert slept[1] <= 1.0


@pytest.mark.parametrize("fault", FINAL)
async def test_failures_that_stay_are_not_repeated(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 7: one request, and the sole member's own class."""
    provider.script(fault, model="gpt-4o")
    with pytest.raises(FINAL[fault]) as failed:
        await asked(homes.user_of(registry).model(homes.OPENAI))
    assert len(provider.requests) == 1
    assert type(failed.value) is FINAL[fault]


async def test_every_member_is_asked_once_before_the_call_gives_up(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 25: dead, dead, dead, well: one request each, in order, four in all and none slept for."""
    slept = noting_sleeps(registry)
    *dead, well = homes.EVERY
    provider.script("status_503")
    provider.reply(Answer(), path=homes.PATHS[well])
    assert await asked(homes.user_of(registry).models(*dead, well))
    assert [request.path for request in provider.requests] == [homes.PATHS[ref] for ref in homes.EVERY]
    assert slept == []


@pytest.mark.parametrize("asked", [invoked, ainvoked])
async def test_langchains_retries_around_ours_repeat_them_and_no_more(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 25: three tries of `.with_retry` are twelve requests at most, as the page says that they are."""
    noting_sleeps(registry)
    provider.script("status_500")
    handle = homes.user_of(registry).models(*homes.EVERY)
    with pytest.raises(errors.CallError):
        await asked(handle.with_retry(stop_after_attempt=3, wait_exponential_jitter=False))  # type: ignore[arg-type]
    assert len(provider.requests) <= 12


async def test_a_date_of_a_clock_that_is_wrong_is_waited_for_by_that_clock(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 5: a server an hour ahead that asks for two seconds gets them, to the second that a date can tell."""
    slept = noting_sleeps(registry)
    provider.script("retry_after_skewed", model="gpt-4o", times=1)
    assert await asked(homes.user_of(registry).model(homes.OPENAI, timeout=60))
    assert [seconds for seconds in slept if not 1.0 <= seconds <= 3.3] == []
    assert len(slept) == 1


async def test_a_call_makes_four_requests_at_most_and_tells_of_each(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Cases 25 and 33: with everybody dead, one error with every attempt: class, status, request id, seconds."""
    noting_sleeps(registry)
    provider.script("status_503")
    with pytest.raises(errors.AllAttemptsFailedError) as failed:
        await asked(homes.user_of(registry).models(*homes.EVERY))
    assert len(provider.requests) == 4
    assert [attempt.ref for attempt in failed.value.attempts] == list(homes.EVERY)
    for attempt in failed.value.attempts:
        assert (attempt.error, attempt.status, attempt.outcome) == ("provider_down", 503, "failed")
        assert attempt.seconds > 0
    assert all(attempt.request_id for attempt in failed.value.attempts)
    assert [type(cause) for cause in failed.value.causes] == [errors.ProviderDownError] * 4
    assert failed.value.is_retryable


async def test_a_fallback_costs_milliseconds(provider: Provider, registry: LLMRegistry) -> None:
    """The next member is asked within 50 ms of the failure: the median of 20 calls."""
    provider.script("status_429", model="gpt-4o")
    gaps: list[float] = []
    with Stopwatch() as watch:
        for place in range(20):
            provider.requests.clear()
            handle = homes.user_of(registry, f"user-{place}").models(homes.OPENAI, homes.GROQ)
            handle.invoke("Hi")
            if len(provider.requests) == 2:
                refused, answered = provider.requests
                gaps.append(answered.at - refused.at)
    assert gaps
    assert sorted(gaps)[len(gaps) // 2] < 0.05 + watch.late


@pytest.mark.parametrize("asked", [ainvoked, streamed])
async def test_a_hanging_member_costs_its_share_and_then_nothing(provider: Provider, asked: Asked) -> None:
    """Case 83: 20 calls with a dead first member and one second: all answered, 6 s and 5 requests to it at most."""
    provider.script("hang_before_headers", model="gpt-4o")
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, timeout=2, first_token_timeout=1)
        handle.members()
        with Stopwatch() as watch:
            for _ in range(20):
                assert await asked(handle)
            dead = provider.asked("gpt-4o")
            left = [await asyncio.to_thread(provider.wait_until_gone, request) for request in dead]
    assert len(dead) <= 5
    # What the twenty good answers took is the machine's affair.
    assert sum((at or request.at + 9) - request.at for at, request in zip(left, dead, strict=True)) < 6 + watch.late


async def test_the_deadline_holds_whatever_drips(provider: Provider, asked: Asked) -> None:
    """Case 8: a byte every quarter of a second for ten seconds ends between 1.0 and 1.3 s, and the line is closed."""
    provider.script("drip", model="gpt-4o")
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).model(homes.OPENAI, timeout=1, max_retries=0)
        handle.members()
        began = time.monotonic()
        with Stopwatch() as watch, pytest.raises(errors.CallError):
            await asked(handle)
        assert time.monotonic() - began >= 0.99
        assert watch.seconds < 1.3
        assert provider.wait_until_gone(provider.requests[0]) is not None


async def test_an_endpoint_is_not_burdened_with_more_retries_than_its_budget(
    provider: Provider, registry: LLMRegistry
) -> None:
    """One bucket an endpoint: ten retries, and one more for every ten first attempts."""
    noting_sleeps(registry)
    provider.script("status_409", model="gpt-4o")
    meter = homes.user_of(registry).tenant.house.meter
    candidate = homes.user_of(registry).model(homes.OPENAI).line().candidates[0]
    retries = 0
    while meter.may_retry(candidate):
        meter.admit(candidate, Terms(lease=1.0, again=True)).settle(cancelled=True)
        retries += 1
    assert retries == 10
    with pytest.raises(errors.ProviderDownError):
        homes.user_of(registry).model(homes.OPENAI).invoke("Hi")
    assert len(provider.requests) == 1


@pytest.mark.parametrize("way", [homes.OPENAI, homes.GROQ])
async def test_a_refusal_of_ours_never_reaches_a_second_member(provider: Provider, asked: Asked, way: str) -> None:
    """Case 27: a key that is missing when it is asked for: no request at all, to anybody."""
    other = homes.GROQ if way == homes.OPENAI else homes.OPENAI
    with keyless(provider, way) as registry, pytest.raises(errors.LocalRefusalError):
        await asked(homes.user_of(registry).models(way, other))
    assert provider.requests == []


async def test_a_users_refused_key_is_never_replaced_by_the_houses(provider: Provider, asked: Asked) -> None:
    """Case 28: byok and 401, a hundred calls: the house's key is seen 0 times."""
    provider.script("status_401", key="sk-ada-0123456789")
    with homes.registry_on(provider) as registry:
        ada = registry.for_user(
            mode="byok", user_id="ada", models=homes.MODELS, api_keys={"openai": "sk-ada-0123456789"}
        )
        handle = ada.models(homes.OPENAI, homes.MINI)
        for _ in range(100):
            with pytest.raises((errors.AuthFailedError, errors.CircuitOpenError, errors.AllAttemptsFailedError)):
                await asked(handle)
    assert provider.keys_seen() == {"sk-ada-0123456789"}


async def test_the_caller_may_say_what_moves_on_but_not_for_our_refusals(provider: Provider, asked: Asked) -> None:
    """A second opinion after a content refusal, none after a 503, and never past a refusal of ours."""
    provider.script("content_refused", model="gpt-4o")
    with homes.registry_on(provider) as registry:
        user = homes.user_of(registry)
        opted_in = user.models(
            homes.OPENAI,
            homes.GROQ,
            moves_on=lambda error: True if isinstance(error, errors.ContentRefusedError) else None,
        )
        assert await asked(opted_in)
        provider.script("status_503", model="gpt-4o-mini")
        with pytest.raises(errors.ProviderDownError):
            await asked(user.models(homes.MINI, homes.GROQ, moves_on=lambda _error: False, max_retries=0))
    with keyless(provider, homes.OPENAI) as registry, pytest.raises(errors.LocalRefusalError):
        await asked(homes.user_of(registry).models(homes.OPENAI, homes.GROQ, moves_on=lambda _error: True))
