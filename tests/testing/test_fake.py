"""A fake provider answers and fails as it is told, to whole registries and over real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_lucky_models import LLMRegistry, LuckyChatModel, create_llm_registry, errors
from langchain_lucky_models.testing import Asked, BreaksOff, Fails, FakeProvider, Hangs, Says
from tests.faults.calls import EVERY_WAY, mark_of, streamed
from tests.faults.calls import Asked as AskedWay
from tests.homes import ANTHROPIC, GROQ, OPENAI, user_of

HELLO = "Hello from the fake provider."


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture
def registry(fake: FakeProvider) -> Iterator[LLMRegistry]:
    with create_llm_registry(**fake.settings()) as registry:
        yield registry


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> AskedWay:
    """Every way to ask."""
    chosen: AskedWay = request.param
    return chosen


def lone(registry: LLMRegistry, **params: Any) -> LuckyChatModel:
    """A handle that tries once."""
    return user_of(registry).model(OPENAI, max_retries=0, **params)


async def test_every_provider_is_this_one(fake: FakeProvider, registry: LLMRegistry, asked: AskedWay) -> None:
    for ref in (OPENAI, GROQ, ANTHROPIC):
        assert await asked(user_of(registry).model(ref)) == HELLO
    assert [question.key for question in fake.asked] == ["sk-fake-openai", "sk-fake-groq", "sk-fake-anthropic"]
    assert {question.text for question in fake.asked} == {"Hi"}
    assert {question.streamed for question in fake.asked} == {asked.__name__.endswith("streamed")}


async def test_steps_are_taken_one_by_one_and_the_last_again_and_again(
    fake: FakeProvider, registry: LLMRegistry, asked: AskedWay
) -> None:
    fake.script("One.", "Two.")
    assert [await asked(lone(registry)) for _ in range(3)] == ["One.", "Two.", "Two."]


async def test_a_script_for_one_model_leaves_the_others_alone(
    fake: FakeProvider, registry: LLMRegistry, asked: AskedWay
) -> None:
    """A fallback goes on to the next member, and the breaker of the first one opens in the end."""
    fake.script(Fails(503), model="gpt-4o")
    handle = user_of(registry).models(OPENAI, GROQ)
    assert [await asked(handle) for _ in range(7)] == [HELLO] * 7
    assert sum(question.model == "gpt-4o" for question in fake.asked) == 5
    assert registry.health()["openai"].models["gpt-4o"].status == "down"


async def test_a_function_answers_by_the_question(fake: FakeProvider, registry: LLMRegistry, asked: AskedWay) -> None:
    fake.script(lambda question: f"You said {question.text}")
    assert await asked(lone(registry)) == "You said Hi"


FAILURES = {
    "401": (Fails(401), errors.AuthFailedError),
    "429": (Fails(429, retry_after=3600), errors.RateLimitedError),
    "quota": (Fails(429, code="insufficient_quota"), errors.QuotaExhaustedError),
    "too long": (Fails(400, code="context_length_exceeded"), errors.ContextTooLongError),
    "404": (Fails(404), errors.ModelGoneError),
    "500": (Fails(500, "we are ill"), errors.ProviderDownError),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_is_told_as_the_real_one_would_be(
    fake: FakeProvider, registry: LLMRegistry, asked: AskedWay, failure: str
) -> None:
    step, kind = FAILURES[failure]
    fake.script(step)
    with pytest.raises(errors.CallError) as failed:
        await asked(lone(registry))
    assert type(failed.value) is kind
    assert failed.value.retry_after == step.retry_after


async def test_silence_ends_with_the_callers_patience(
    fake: FakeProvider, registry: LLMRegistry, asked: AskedWay
) -> None:
    fake.script(Hangs(), model="gpt-4o")
    with pytest.raises((errors.DeadlineExceededError, errors.FirstTokenTimeoutError)):
        await asked(lone(registry, timeout=0.2))
    assert await asked(user_of(registry).models(OPENAI, GROQ, timeout=2)) == HELLO


@pytest.mark.parametrize("step", [BreaksOff(after=2), Hangs(after=2)])
def test_a_stream_breaks_after_so_many_words(fake: FakeProvider, registry: LLMRegistry, step: BreaksOff) -> None:
    fake.script(step)
    with pytest.raises(errors.StreamInterruptedError) as broken:
        list(lone(registry, stall_timeout=0.2).stream("Hi"))
    assert broken.value.partial is not None
    assert broken.value.partial.text == "Hello from "


def test_a_whole_answer_that_breaks_off_is_none(fake: FakeProvider, registry: LLMRegistry) -> None:
    fake.script(BreaksOff())
    with pytest.raises(errors.ProtocolError):
        lone(registry).invoke("Hi")


def test_what_was_used_is_what_the_test_says(fake: FakeProvider, registry: LLMRegistry) -> None:
    """Prices are the catalog's, so an application's accounts can be tested to the cent."""
    fake.script(Says("Well.", usage=(1_000_000, 100_000)))
    answer = lone(registry).invoke("Hi")
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (1_000_000, 100_000)
    assert mark_of(answer)["cost"] == pytest.approx(3.5)


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_tools_are_called(fake: FakeProvider, registry: LLMRegistry, way: str) -> None:
    @tool
    def look(place: str) -> str:
        """Look there."""
        return place

    fake.script(Says("", calls=[("look", {"place": "here"}), ("look", {"place": "there"})]))
    handle = lone(registry).bind_tools([look])
    if way == "whole":
        answer = handle.invoke("Hi")
    else:
        first, *rest = handle.stream("Hi")
        answer = sum(rest, first)
    assert [call["args"] for call in answer.tool_calls] == [{"place": "here"}, {"place": "there"}]


def test_structures_are_what_the_text_says(fake: FakeProvider, registry: LLMRegistry) -> None:
    class City(BaseModel):
        """A city."""

        name: str

    fake.script('{"name": "Bonn"}')
    assert lone(registry).with_structured_output(City, method="json_schema").invoke("Where?") == City(name="Bonn")


async def test_nothing_is_left_when_it_ends(asked: AskedWay) -> None:
    """Connections that are kept alive, and one that hangs, end with it; so do their threads."""
    with FakeProvider() as fake, create_llm_registry(**fake.settings()) as registry:
        assert await asked(lone(registry))
        fake.script(Hangs(after=1))
        stream = lone(registry).stream("Hi")
        next(stream)
    with pytest.raises(errors.StreamInterruptedError):
        list(stream)
    assert not [thread for thread in threading.enumerate() if thread.name == "lucky-fake"]


def test_it_is_as_well_as_any_provider_is(registry: LLMRegistry) -> None:
    assert {row.status for row in registry.check_health(["openai", "groq"]).values()} == {"healthy"}


async def test_a_configuration_is_tried_without_its_providers(fake: FakeProvider) -> None:
    """Its tiers stay; the addresses and keys are the fake's, those of providers of its own too."""
    config = {
        "providers": {"mybox": {"kind": "vllm", "base_url": "http://10.0.0.9/v1"}},
        "tiers": {"both": {"models": ["mybox#tiny", OPENAI], "strategy": "fallback"}},
    }
    fake.script(Fails(500), model="tiny")
    with create_llm_registry(config, **fake.settings("mybox")) as registry:
        user = user_of(registry, models=["mybox#tiny", OPENAI])
        assert await streamed(user.tier("both")) == HELLO
    assert [question.model for question in fake.asked] == ["tiny", "gpt-4o"]


def test_a_question_shows_its_words_and_hides_its_key(fake: FakeProvider, registry: LLMRegistry) -> None:
    lone(registry).invoke([("system", "Be brief."), ("user", [{"type": "text", "text": "Hi"}])])
    (question,) = fake.asked
    assert [message["role"] for message in question.messages] == ["system", "user"]
    assert (question.text, "sk-fake" in repr(question)) == ("Hi", False)
    fake.clear()
    assert fake.asked == []


def test_a_step_that_fails_is_the_tests_own_mistake() -> None:
    def mistaken(question: Asked) -> str:
        raise ZeroDivisionError

    fake = FakeProvider()
    with pytest.raises(ZeroDivisionError):
        _ask_in_vain(fake, mistaken)


def _ask_in_vain(fake: FakeProvider, mistaken: Callable[[Asked], str]) -> None:
    with fake, create_llm_registry(**fake.settings()) as registry:
        fake.script(mistaken)
        with pytest.raises(errors.ProviderDownError, match="a step of the script failed"):
            lone(registry).invoke("Hi")


def test_what_makes_no_sense_is_refused(fake: FakeProvider) -> None:
    with pytest.raises(errors.ConfigError, match="at least one step"):
        fake.script()
    with pytest.raises(errors.ConfigError, match="with FakeProvider"):
        FakeProvider().settings()
