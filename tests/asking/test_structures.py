"""An answer that does not fit what was wished for is asked for elsewhere, and makes nobody ill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from langchain_lucky_models import LLMRegistry, errors
from tests import homes
from tests.loopback import Answer, Provider

TWO = (homes.OPENAI, homes.GROQ)
UNFIT = {
    "no JSON": Answer("no JSON at all"),
    "a field is missing": Answer('{"name": "Bonn"}'),
    "a field is of another kind": Answer('{"name": "Bonn", "people": "many"}'),
    "cut at max_tokens": Answer('{"name": "Bonn", "peo', finish="length"),
}

Ask = Callable[[Runnable[Any, Any]], Awaitable[Any]]


class City(BaseModel):
    """A city."""

    name: str
    people: int


BONN = City(name="Bonn", people=3)


async def invoked(chain: Runnable[Any, Any]) -> Any:
    return await asyncio.to_thread(chain.invoke, "Where?")


async def ainvoked(chain: Runnable[Any, Any]) -> Any:
    return await chain.ainvoke("Where?")


async def streamed(chain: Runnable[Any, Any]) -> Any:
    return (await asyncio.to_thread(lambda: list(chain.stream("Where?"))))[-1]


async def astreamed(chain: Runnable[Any, Any]) -> Any:
    return [piece async for piece in chain.astream("Where?")][-1]


@pytest.fixture(params=[invoked, ainvoked, streamed, astreamed])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Every way to ask."""
    chosen: Ask = request.param
    return chosen


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.mark.parametrize("said", UNFIT)
async def test_ones_schema_makes_nobody_else_wait(
    provider: Provider, registry: LLMRegistry, ask: Ask, said: str
) -> None:
    """Six answers that do not fit ada's schema, and bob is answered: the provider has answered every time."""
    provider.reply(UNFIT[said], model="gpt-4o")
    adas = homes.user_of(registry).model(homes.OPENAI, max_retries=0).with_structured_output(City, method="json_schema")
    for _ in range(6):
        with pytest.raises(errors.UnfitAnswerError, match="openai#gpt-4o"):
            await ask(adas)
    assert registry.health()["openai"].status == "healthy"
    provider.clear()
    assert homes.user_of(registry, "bob").model(homes.OPENAI).invoke("Hi").text


@pytest.mark.parametrize("strategy", ["fallback", "race", "consensus"])
@pytest.mark.parametrize("said", UNFIT)
async def test_the_next_member_is_asked_whichever_way(
    provider: Provider, registry: LLMRegistry, ask: Ask, strategy: str, said: str
) -> None:
    """In a stream too: nothing of the answer that does not fit is shown."""
    provider.reply(UNFIT[said], model="gpt-4o")
    provider.reply(Answer(BONN.model_dump_json(), delay=0.02), path=homes.PATHS[homes.GROQ])
    handle = homes.user_of(registry).models(*TWO, strategy=strategy, max_retries=0, quorum=1)
    assert await ask(handle.with_structured_output(City, method="json_schema")) == BONN


async def test_an_envelope_that_is_none_is_the_providers_fault_whatever_was_wished_for(
    provider: Provider, registry: LLMRegistry, ask: Ask
) -> None:
    """HTML five times, and the model rests."""
    provider.script("html_200", model="gpt-4o")
    chain = homes.user_of(registry).model(homes.OPENAI, max_retries=0).with_structured_output(City)
    for _ in range(5):
        with pytest.raises(errors.ProtocolError) as refused:
            await ask(chain)
        assert type(refused.value) is errors.ProtocolError
    with pytest.raises(errors.CircuitOpenError):
        await ask(chain)


async def test_the_error_tells_of_the_attempt(provider: Provider, registry: LLMRegistry, ask: Ask) -> None:
    provider.reply(Answer(json.dumps({"name": "Bonn"})), model="gpt-4o")
    with pytest.raises(errors.UnfitAnswerError, match="people") as refused:
        await ask(homes.user_of(registry).model(homes.OPENAI, max_retries=0).with_structured_output(City))
    assert [(attempt.ref, attempt.error, attempt.status) for attempt in refused.value.attempts] == [
        (homes.OPENAI, "unfit_answer", 200)
    ]
