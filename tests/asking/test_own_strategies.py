"""A strategy of an application's own is carried out like one of ours, whichever way a handle is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from langchain_lucky_models import Attempt, LLMRegistry, Plan, Rules, Verdict, Wave, errors
from langchain_lucky_models.strategies import consensus, first_success
from tests import homes
from tests.faults.calls import EVERY_WAY, Asked, mark_of
from tests.loopback import Answer, Provider

TWO = (homes.OPENAI, homes.GROQ)


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen


def backwards(candidates: Sequence[Any], rules: Rules[Any, Any]) -> Plan[Any, Any]:
    """The last one first, as long as the table lets the next one follow."""
    made: list[Attempt[Any, Any]] = []
    for candidate in reversed(candidates):
        last = made[-1] if made else None
        if last is None or last.error is None or rules.follows(last.error, last.candidate, candidate):
            made += yield Wave((candidate,))
        if first_success(made):
            return Verdict(made[-1], tuple(made))
    return Verdict(None, tuple(made))


def best_of_three(candidates: Sequence[Any], rules: Rules[Any, Any]) -> Plan[Any, Any]:
    """The same member three times."""
    verdict = yield from consensus([candidates[0]] * 3, rules)
    return verdict


best_of_three.compares_answers = True  # type: ignore[attr-defined]


async def test_it_decides_whom_to_ask_and_our_table_who_may_follow(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    handle = homes.user_of(registry).models(*TWO, strategy=backwards, max_retries=0)
    provider.script("status_503", path=homes.PATHS[homes.GROQ], times=1)
    assert await asked(handle)
    assert [request.path for request in provider.requests] == [homes.PATHS[ref] for ref in reversed(TWO)]
    provider.script("status_400", path=homes.PATHS[homes.GROQ])
    with pytest.raises(errors.AllAttemptsFailedError) as failed:
        await asked(handle)
    assert [attempt.error for attempt in failed.value.attempts] == ["invalid_request"]


async def test_one_member_may_vote_with_itself(provider: Provider, registry: LLMRegistry, asked: Asked) -> None:
    """Three requests to one model; what two of them say."""
    for text in ("Beta", "Alpha", "Alpha"):
        provider.reply(Answer(text), model="gpt-4o", times=1)
    assert await asked(homes.user_of(registry).models(*TWO, strategy=best_of_three, quorum=2)) == "Alpha"
    assert {request.model for request in provider.requests} == {"gpt-4o"}


async def test_a_mistake_of_its_own_is_named_and_costs_nothing(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    mistaken: Any = lambda candidates, _rules: list(candidates)  # noqa: E731 - no plan, whatever its type says
    handle = homes.user_of(registry).models(*TWO, strategy=mistaken)
    with pytest.raises(errors.ConfigError, match="a strategy is a generator function"):
        await asked(handle)
    assert provider.requests == []


def test_who_was_called_off_has_not_failed(provider: Provider, registry: LLMRegistry) -> None:
    """A loser of a race is cancelled; the mark lays no failure at its door."""
    provider.script("hang_before_headers", model="gpt-4o")
    answer = homes.user_of(registry).models(*TWO, strategy="race").invoke("Hi")
    told = {attempt["ref"]: attempt for attempt in mark_of(answer)["attempts"]}
    assert told[homes.OPENAI]["outcome"] == "cancelled"
    assert "error" not in told[homes.OPENAI]
