"""What every family's members do alike, asked of a real server in each one's own dialect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_lucky_models.catalog.entry import Capabilities, ModelEntry, TokenLimits
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.providers import family_of
from tests.clocks import Stopwatch
from tests.loopback import Answer, Usage
from tests.providers.conftest import KINDS, Workshop

HELLO = "Hello from the loopback model."
QUESTION = [HumanMessage("What is the weather in 'Rome' (21)?")]

every_family = pytest.mark.parametrize("kind", KINDS)
# The SDK warns of a type that its own structured stream puts there.
structured_stream = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


class Weather(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


@tool
def get_weather(city: str, degrees: int) -> str:
    """Tell the weather."""
    return f"{city}: {degrees}"


def streamed(model: BaseChatModel, question: Any = QUESTION) -> AIMessageChunk:
    return reduce(add, model.stream(question))


@contextmanager
def times_out(*, after: float) -> Iterator[None]:
    began = time.monotonic()
    with Stopwatch() as watch, pytest.raises(Exception) as caught:  # noqa: PT011 - every SDK has its own class
        yield
    assert "Timeout" in type(caught.value).__name__
    assert time.monotonic() - began > after - 0.1
    assert watch.seconds < after + 1.1


@every_family
async def test_all_four_ways_of_asking_give_the_same_answer(kind: str, workshop: Workshop) -> None:
    workshop.server.reply(Answer(served="m-1-dated", usage=Usage(input=11, output=7)))
    member = workshop.member(kind)
    answers = [
        member.invoke(QUESTION),
        await member.ainvoke(QUESTION),
        streamed(member),
        reduce(add, [chunk async for chunk in member.astream(QUESTION)]),
    ]
    family = family_of(kind)
    for answer in answers:
        assert isinstance(answer, AIMessage)
        assert answer.text == HELLO
        assert answer.response_metadata["model_name"] == "m-1-dated"
        assert answer.response_metadata["model_provider"] == kind
        assert family.ended(answer)
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["input_tokens"] == 11
        assert answer.usage_metadata["output_tokens"] == 7
    assert (
        answers[2].usage_metadata == answers[0].usage_metadata == answers[1].usage_metadata == answers[3].usage_metadata
    )
    assert len({family.finish(answer) for answer in answers}) == 1


@every_family
def test_usage_stands_in_exactly_one_chunk(kind: str, workshop: Workshop) -> None:
    chunks = list(workshop.member(kind).stream(QUESTION))
    assert sum(1 for chunk in chunks if chunk.usage_metadata and chunk.usage_metadata["input_tokens"]) == 1


@every_family
def test_text_comes_as_it_is_written(kind: str, workshop: Workshop) -> None:
    assert sum(1 for chunk in workshop.member(kind).stream(QUESTION) if chunk.text) > 2


@every_family
async def test_tools_are_called_alike_in_one_piece_and_streamed(kind: str, workshop: Workshop) -> None:
    bound = workshop.member(kind).bind_tools([get_weather])
    whole = await bound.ainvoke(QUESTION)
    pieces: Any = reduce(add, bound.stream(QUESTION))
    for answer in (whole, pieces):
        assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
            ("get_weather", {"city": "Rome", "degrees": 21})
        ]
        assert family_of(kind).ended(answer)


@structured_stream
@every_family
async def test_structured_output_is_parsed_alike_in_one_piece_and_streamed(kind: str, workshop: Workshop) -> None:
    asked = workshop.member(kind).with_structured_output(Weather)
    wanted = Weather(city="Rome", degrees=21)
    assert await asked.ainvoke(QUESTION) == wanted
    assert list(asked.stream(QUESTION))[-1] == wanted


@structured_stream
@every_family
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_a_structured_stream_says_each_thing_once(kind: str, method: str, workshop: Workshop) -> None:
    asked = workshop.member(kind).with_structured_output(Weather, method=method, include_raw=True)
    whole: Any = asked.invoke(QUESTION)
    parts: Any = asked.stream(QUESTION)
    raw = reduce(add, [part["raw"] for part in parts if "raw" in part])
    assert raw.response_metadata["model_name"] == "m-1"
    assert family_of(kind).finish(raw) == family_of(kind).finish(whole["raw"])
    assert raw.usage_metadata == whole["raw"].usage_metadata


@every_family
def test_each_member_of_a_template_pays_for_itself(kind: str, workshop: Workshop) -> None:
    template = workshop.template(kind)
    family = family_of(kind)
    ada = family.member(template, workshop.ticket("sk-of-ada-0001"))
    bob = family.member(template, workshop.ticket("sk-of-bob-0002"))
    for member in (ada, bob, ada):
        member.invoke(QUESTION)
        list(member.stream(QUESTION))
    assert [request.key for request in workshop.server.requests] == [
        key for key in ("sk-of-ada-0001", "sk-of-bob-0002", "sk-of-ada-0001") for _ in range(2)
    ]


@every_family
def test_a_member_of_a_member_pays_with_its_own_ticket(kind: str, workshop: Workshop) -> None:
    """T4: a copy never goes on sending the key of what it was copied from."""
    first = workshop.member(kind, key="sk-of-ada-0001")
    first.invoke(QUESTION)
    second = family_of(kind).member(first, workshop.ticket("sk-of-bob-0002"))
    second.invoke(QUESTION)
    assert [request.key for request in workshop.server.requests] == ["sk-of-ada-0001", "sk-of-bob-0002"]


@every_family
def test_the_callers_parameters_reach_the_server(kind: str, workshop: Workshop) -> None:
    workshop.member(kind, temperature=0.25, max_tokens=77, stop=["END"]).invoke(QUESTION)
    body = workshop.server.requests[0].json
    sent = body.get("options", body)
    limits = ("max_tokens", "max_completion_tokens", "num_predict")
    assert sent["temperature"] == 0.25
    assert [sent[name] for name in limits if name in sent] == [77]
    assert next(sent[name] for name in ("stop", "stop_sequences") if name in sent) == ["END"]


@every_family
async def test_a_timeout_is_in_seconds(kind: str, workshop: Workshop) -> None:
    """T15: milliseconds would fail at once, a retrying SDK much later; both are outside the bounds."""
    member = workshop.member(kind, timeout=0.3)
    workshop.server.script("hang_before_headers")
    with times_out(after=0.3):
        member.invoke(QUESTION)
    with times_out(after=0.3):
        await member.ainvoke(QUESTION)
    workshop.server.script("silent_after_role")
    with times_out(after=0.3):
        list(member.stream(QUESTION))


@every_family
def test_an_sdk_never_asks_twice(kind: str, workshop: Workshop) -> None:
    """The one retry layer stands above; SDKs have none of their own."""
    workshop.server.script("status_503")
    member = workshop.member(kind, max_retries=5)
    with pytest.raises(Exception, match="loopback says 503"):
        member.invoke(QUESTION)
    assert len(workshop.server.requests) == 1


@every_family
@pytest.mark.parametrize("fault", ["ends_without_finish", "ends_without_finish_done"])
def test_a_stream_that_merely_stops_has_not_ended(kind: str, fault: str, workshop: Workshop) -> None:
    workshop.server.script(fault)
    family, member = family_of(kind), workshop.member(kind)
    chunks: list[ChatGenerationChunk] = []
    try:
        chunks.extend(member._stream([*QUESTION]))
    except Exception:  # noqa: BLE001 - a partner that notices by itself is right as well
        return
    assert chunks
    assert not any(family.ended(chunk) for chunk in chunks)


@every_family
def test_a_healthy_raw_stream_ends_once(kind: str, workshop: Workshop) -> None:
    chunks = list(workshop.member(kind)._stream([*QUESTION]))
    assert sum(1 for chunk in chunks if family_of(kind).ended(chunk)) == 1


@every_family
def test_a_member_shares_no_memory_of_who_it_was_copied_from(kind: str, workshop: Workshop) -> None:
    """T7: LangChain memoises a model's serial form, and a plain copy would keep the first one's."""
    template = workshop.template(kind)
    template._serialized  # noqa: B018 - filling the memory is the point
    template.metadata = {"lc_versions": {}}
    member = family_of(kind).member(template, workshop.ticket())
    assert "_serialized" not in vars(member)
    member.metadata["who"] = "ada"  # type: ignore[index]
    assert "who" not in template.metadata


@every_family
def test_members_cache_nothing_and_hold_no_key(kind: str, workshop: Workshop) -> None:
    member = workshop.member(kind, key="sk-canary-0123456789")
    member.invoke(QUESTION)
    assert member.cache is False
    assert workshop.server.keys_seen() == {"sk-canary-0123456789"}
    assert "sk-canary" not in f"{member!r} {vars(member)} {member._serialized} {member._identifying_params}"


@every_family
def test_a_profile_comes_from_the_catalog_where_the_partner_knows_none(kind: str, workshop: Workshop) -> None:
    entry = ModelEntry(
        provider=kind, id="m-1", limits=TokenLimits(context=9_000), capabilities=Capabilities(tools=True)
    )
    template = workshop.template(kind, entry)
    member = family_of(kind).member(template, workshop.ticket())
    assert member.profile is not None
    assert member.profile["max_input_tokens"] == 9_000
    assert member.profile["tool_calling"] is True


@every_family
def test_a_misspelt_keyword_is_refused(kind: str, workshop: Workshop) -> None:
    with pytest.raises(ConfigError, match=r"takes no keyword 'temprature'\. Nearest: temperature"):
        workshop.template(kind, temprature=0)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@every_family
def test_v3_events_carry_the_answer_its_usage_and_its_model(kind: str, workshop: Workshop) -> None:
    member = workshop.member(kind)
    answer = member.stream_events(QUESTION, version="v3").output
    assert answer.text == HELLO
    assert answer.usage_metadata == member.invoke(QUESTION).usage_metadata
    assert answer.response_metadata["model_name"] == "m-1"
    assert family_of(kind).ended(answer)
