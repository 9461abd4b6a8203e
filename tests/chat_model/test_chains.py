"""A handle is a Runnable among Runnables, and a wish for structure is kept by whoever serves it."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_lucky_models import FALLBACK_ELIGIBLE, UserModels, errors
from tests import homes
from tests.loopback import Answer, Provider

pytestmark = pytest.mark.filterwarnings(
    "ignore:Pydantic serializer warnings"
)  # ChatOpenAI's own, with pydantic classes

HELLO = "Hello from the loopback model."


class Pet(BaseModel):
    """A pet."""

    name: str
    age: int


class PetDict(TypedDict):
    """A pet."""

    name: str
    age: int


PET_SCHEMA: dict[str, Any] = Pet.model_json_schema()
QUESTION = "My cat 'Tom' is (7)"


@tool
def feed(name: str) -> str:
    """Feed a pet."""
    return f"fed {name}"


async def test_a_chain_answers_whole_streamed_and_in_batches(user: UserModels) -> None:
    """`|`, `batch`, `abatch` in the order of the questions, and streams that stay streams."""
    chain = ChatPromptTemplate.from_template("Say {word}") | user.model(homes.OPENAI) | StrOutputParser()
    words = [{"word": str(place)} for place in range(5)]
    assert chain.invoke(words[0]) == HELLO
    assert chain.batch(words) == await chain.abatch(words) == [HELLO] * 5
    assert len(list(chain.stream(words[0]))) > 2
    assert len([piece async for piece in chain.astream(words[0])]) > 2


async def test_a_batch_keeps_its_order_and_its_failures(start_provider: Any) -> None:
    """A failure stands at its question's place, with `return_exceptions`; the others are answered."""
    server = start_provider(echo=True)
    async with homes.registry_on(server) as registry:
        model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
        questions: list[Any] = [f"question {place}" for place in range(6)]
        answers = await model.abatch(questions, {"max_concurrency": 3})
        assert [answer.text.partition(" [")[0] for answer in answers] == questions
        server.script("status_400", times=1)
        mixed = model.batch(questions, {"max_concurrency": 1}, return_exceptions=True)
        assert isinstance(mixed[0], errors.InvalidRequestError)
        assert [answer.text.partition(" [")[0] for answer in mixed[1:]] == questions[1:]


def test_configured_and_retried_handles_still_answer(provider: Provider, user: UserModels) -> None:
    """`with_config` and LangChain's own `with_retry`, which sees our errors as what they are."""
    provider.script("status_503", times=1)
    model = user.model(homes.OPENAI, max_retries=0)
    retried = model.with_retry(retry_if_exception_type=FALLBACK_ELIGIBLE, wait_exponential_jitter=False)
    assert retried.invoke("hi").text == HELLO
    assert model.with_config(tags=["tagged"], run_name="named").invoke("hi").text == HELLO


def test_langchains_own_fallbacks_take_handles(provider: Provider, user: UserModels) -> None:
    """T13: `with_fallbacks().bind_tools` reads annotations at run time; names for the type checker alone would fail."""
    provider.script("status_503", model="gpt-4o")
    pair = user.model(homes.OPENAI, max_retries=0).with_fallbacks(
        [user.model(homes.ANTHROPIC)], exceptions_to_handle=FALLBACK_ELIGIBLE
    )
    calls = pair.bind_tools([feed]).invoke(QUESTION).tool_calls
    assert [(call["name"], call["args"]) for call in calls] == [("feed", {"name": "Tom"})]
    assert pair.with_structured_output(Pet).invoke(QUESTION) == Pet(name="Tom", age=7)


@pytest.mark.parametrize("choice", ["any", "feed", True, {"type": "function", "function": {"name": "feed"}}], ids=str)
@pytest.mark.parametrize("name", [homes.OPENAI, homes.GROQ, homes.OPENROUTER])
def test_tools_may_be_forced_in_every_spelling(user: UserModels, name: str, choice: Any) -> None:
    """Each spelling of `tool_choice` reaches a member in its own form; the binding shows tools as agents read them."""
    bound = user.model(name).bind_tools([feed], tool_choice=choice)
    assert isinstance(bound, RunnableBinding)
    assert bound.kwargs["tools"][0]["function"]["name"] == "feed"
    (call,) = bound.invoke(QUESTION).tool_calls
    assert call["args"] == {"name": "Tom"}


@pytest.mark.parametrize("schema", [Pet, PetDict, PET_SCHEMA], ids=["pydantic", "typeddict", "json schema"])
@pytest.mark.parametrize("names", [(name,) for name in homes.EVERY] + [(homes.GROQ, homes.ANTHROPIC)], ids=str)
async def test_answers_fit_the_schema(user: UserModels, names: tuple[str, ...], schema: Any) -> None:
    """Pydantic class, TypedDict, JSON schema; whole and streamed, in sync and in async; one member and several."""
    structured = user.models(*names).with_structured_output(schema)
    wanted: Any = Pet(name="Tom", age=7) if schema is Pet else {"name": "Tom", "age": 7}
    assert structured.invoke(QUESTION) == await structured.ainvoke(QUESTION) == wanted
    assert list(structured.stream(QUESTION))[-1] == wanted
    assert [piece async for piece in structured.astream(QUESTION)][-1] == wanted


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_a_method_that_is_asked_for_is_used(provider: Provider, user: UserModels, method: str) -> None:
    """Without one each member uses its best; with one all use that."""
    structured = user.model(homes.OPENAI).with_structured_output(PET_SCHEMA, method=method)
    assert structured.invoke("Give JSON with the keys 'name' and 'age'")
    asked = provider.requests[-1].json
    found = asked["response_format"]["type"] if "response_format" in asked else "function_calling"
    assert found == {"json_mode": "json_object"}.get(method, method)


@pytest.mark.parametrize("names", [(homes.OPENAI,), (homes.OPENAI, homes.ANTHROPIC)], ids=str)
def test_the_raw_answer_may_be_kept(provider: Provider, user: UserModels, names: tuple[str, ...]) -> None:
    """`include_raw` gives message, value and parsing error, and raises no parsing error itself."""
    structured = user.models(*names, strategy="first").with_structured_output(PET_SCHEMA, include_raw=True)
    answer = structured.invoke(QUESTION)
    assert (answer["parsed"], answer["parsing_error"]) == ({"name": "Tom", "age": 7}, None)
    assert answer["raw"].response_metadata["lucky"]["ref"] == homes.OPENAI
    provider.reply(Answer(text="no JSON at all"))
    answer = structured.invoke(QUESTION)
    assert answer["parsed"] is None
    assert isinstance(answer["parsing_error"], Exception)


def test_an_answer_that_does_not_parse_is_asked_elsewhere(provider: Provider, user: UserModels) -> None:
    """With several members it is a failure that moves on; with one it is raised."""
    provider.reply(Answer(text='{"name": "Tom"}'), model="gpt-4o")
    assert user.models(homes.OPENAI, homes.ANTHROPIC).with_structured_output(Pet).invoke(QUESTION).age == 7
    with pytest.raises(errors.ProtocolError, match="age"):
        user.model(homes.OPENAI).with_structured_output(Pet).invoke(QUESTION)


def test_structure_after_tools_is_refused_or_kept(user: UserModels) -> None:
    """`bind_tools(…).with_structured_output(…)` answers in the schema, as the binding passes it on to the handle."""
    structured = user.model(homes.OPENAI).bind_tools([feed]).with_structured_output(Pet)  # type: ignore[attr-defined]
    assert structured.invoke(QUESTION) == Pet(name="Tom", age=7)


def test_a_structure_streams_as_it_grows(user: UserModels) -> None:
    """A single member's stream is parsed while it comes."""
    pieces = list(user.model(homes.OPENAI).with_structured_output(PET_SCHEMA).stream(QUESTION))
    assert len(pieces) > 1
    assert pieces[-1] == {"name": "Tom", "age": 7}
