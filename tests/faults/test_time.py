"""Time runs out at the right member, under its own name, and leaves the others their share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, errors
from tests import homes
from tests.clocks import Stopwatch
from tests.faults.calls import EVERY_WAY, Asked, ainvoked, astreamed, invoked, streamed
from tests.loopback import Provider

WHOLE, STREAMED = (invoked, ainvoked), (streamed, astreamed)


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.mark.parametrize("asked", STREAMED)
@pytest.mark.parametrize("ref", homes.PATHS)
async def test_comments_are_no_content(provider: Provider, registry: LLMRegistry, ref: str, asked: Asked) -> None:
    """Case 9: a server that only says that it is still there is left when `first_token_timeout` is over; 8 of 8."""
    provider.script("comments_only", path=homes.PATHS[ref])
    handle = homes.user_of(registry).model(ref, max_retries=0, first_token_timeout=0.3)
    handle.members()  # a partner's import is no part of a call
    began = time.monotonic()
    with pytest.raises(errors.FirstTokenTimeoutError, match="first_token_timeout"):
        await asked(handle)
    assert 0.29 < time.monotonic() - began < 10  # and not after the 600 seconds that the whole may take
    assert provider.wait_until_gone(provider.requests[0], within=5) is not None


@pytest.mark.parametrize("asked", STREAMED)
@pytest.mark.parametrize(
    ("fault", "kind", "name"),
    [
        ("hang_before_headers", errors.FirstTokenTimeoutError, "first_token_timeout"),
        ("hang_after_headers", errors.FirstTokenTimeoutError, "first_token_timeout"),
        ("silent_after_role", errors.FirstTokenTimeoutError, "first_token_timeout"),
        ("stall_after_tokens", errors.StreamInterruptedError, "stall_timeout"),
    ],
)
async def test_a_stream_that_falls_silent_ends_by_the_timer_of_that_moment(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str, kind: type[errors.CallError], name: str
) -> None:
    """Case 10: before content one timer, between contents another, and the error says which."""
    provider.script(fault, model="gpt-4o")
    model = homes.user_of(registry).model(homes.OPENAI, max_retries=0, first_token_timeout=0.5, stall_timeout=0.5)
    with pytest.raises(kind, match=name):
        await asked(model)


@pytest.mark.parametrize("asked", WHOLE)
@pytest.mark.parametrize("fault", ["hang_before_headers", "hang_after_headers"])
async def test_a_whole_answer_that_never_comes_ends_by_the_calls_timeout(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 10: and says so."""
    provider.script(fault, model="gpt-4o")
    with pytest.raises(errors.DeadlineExceededError, match="ran out of its timeout"):
        await asked(homes.user_of(registry).model(homes.OPENAI, max_retries=0, timeout=0.5))


@pytest.mark.parametrize("members", [2, 3])
async def test_members_that_hang_get_the_time_left_divided_by_the_members_left(
    provider: Provider, registry: LLMRegistry, asked: Asked, members: int
) -> None:
    """Case 10: of 0.6 s two get 0.3 each, three 0.2 each; the last one has all that is left."""
    provider.script("hang_before_headers")
    handle = homes.user_of(registry).models(*homes.EVERY[:members], timeout=0.6)
    with Stopwatch() as watch, pytest.raises(errors.CallError) as failed:
        await asked(handle)
    told = failed.value.attempts
    assert [attempt.ref for attempt in told] == list(homes.EVERY[:members])
    assert [attempt.error for attempt in told[:-1]] != ["deadline_exceeded"] * (members - 1)
    assert told[-1].error == "deadline_exceeded"
    assert all(attempt.seconds >= 0.6 / members * 0.95 - watch.late for attempt in told)
    assert watch.seconds < 0.9


@pytest.mark.parametrize("asked", [invoked, astreamed])
async def test_a_member_that_answers_after_others_hung_has_had_its_share(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 10: two of three hang, the third still answers."""
    for ref in homes.EVERY[:2]:
        provider.script("hang_before_headers", path=homes.PATHS[ref])
    assert await asked(homes.user_of(registry).models(*homes.EVERY[:3], timeout=4.5))
    assert len(provider.requests) == 3


async def test_retries_fit_into_what_is_left(provider: Provider, registry: LLMRegistry, asked: Asked) -> None:
    """Case 10: one hangs, one is down: its retries, too, end with the call's timeout, three requests at most."""
    provider.script("hang_before_headers", path=homes.PATHS[homes.OPENAI])
    provider.script("status_503", path=homes.PATHS[homes.GROQ])
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, timeout=0.6)
    with Stopwatch() as watch, pytest.raises(errors.CallError) as failed:
        await asked(handle)
    assert watch.seconds < 0.9
    assert [attempt.ref for attempt in failed.value.attempts[:2]] == [homes.OPENAI, homes.GROQ]
    assert failed.value.attempts[0].seconds >= 0.28
    assert len(provider.requests) <= 3


def patient(provider: Provider, **seconds: float) -> LLMRegistry:
    """A registry some of whose providers have a timeout of their own."""
    rows: dict[str, dict[str, Any]] = {name: {"base_url": provider.base_urls[name]} for name in homes.KEYS}
    return homes.registry_on(provider, providers={**rows, **{k: {**rows[k], "timeout": v} for k, v in seconds.items()}})


async def test_a_providers_own_timeout_bounds_the_calls_of_whoever_says_nothing(
    provider: Provider, asked: Asked
) -> None:
    """Not the two minutes, or ten, that a call has otherwise; and a word of the caller counts for more."""
    provider.script("hang_before_headers", model="gpt-4o")
    with patient(provider, openai=0.3) as registry:
        handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
        with Stopwatch() as watch, pytest.raises(errors.CallError, match="timeout"):
            await asked(handle)
        assert watch.seconds < 10
        assert handle.line().timeouts(streams=False).total == 0.3
        longer = homes.user_of(registry).model(homes.OPENAI, max_retries=0, timeout=0.9)
        with pytest.raises(errors.CallError) as failed:
            await asked(longer)
    assert failed.value.attempts[0].seconds > 0.8


async def test_an_impatient_provider_leaves_the_others_their_time(provider: Provider, asked: Asked) -> None:
    """The call has as long as its most patient member; each member no longer than its own provider's timeout."""
    provider.script("hang_before_headers", model="gpt-4o")
    with patient(provider, openai=0.3, groq=200) as registry:
        handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
        with Stopwatch() as watch:
            assert await asked(handle)
        assert watch.seconds < 10
        lines = [homes.user_of(registry).models(*refs).line() for refs in (homes.EVERY[:2], homes.EVERY[:3])]
    assert [line.timeouts(streams=True).total for line in lines] == [200, 600]
    assert [request.model for request in provider.requests] == ["gpt-4o", "openai/gpt-oss-20b"]


@pytest.mark.parametrize("strategy", ["first", "fallback", "race", "consensus"])
async def test_who_would_wait_for_ever_is_answered(
    provider: Provider, registry: LLMRegistry, asked: Asked, strategy: str
) -> None:
    """No clock knows infinity: a week stands for it."""
    forever = {"timeout": float("inf"), "first_token_timeout": 1e300, "stall_timeout": 1e12, "stagger": float("inf")}
    assert await asked(homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy=strategy, **forever))


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen
