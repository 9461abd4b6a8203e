"""OpenAI-compatible servers: what they add, what they leave out, and what they say twice."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_lucky_models.providers import MemberSpec, family_of
from tests.loopback import FAULTS, Exchange, Fault
from tests.loopback.dialects import openai_chat
from tests.loopback.exchange import dump
from tests.loopback.talk import Json
from tests.loopback.wire import LAST_CHUNK
from tests.providers.conftest import OPENAI_SHAPED, Workshop

QUESTION = [HumanMessage("hi")]
OPTIONAL = ("id", "object", "created", "usage", "system_fingerprint")


class Colour(BaseModel):
    """A colour."""

    name: str


def speak(*bodies: Json) -> Fault:
    """A stream of these chunks, whatever was asked; the request's model, where a chunk names none."""

    async def say(exchange: Exchange) -> None:
        await exchange.begin()
        for body in bodies:
            await exchange.send_frames([openai_chat.sse("content", {"model": exchange.question.model, **body})])
        await exchange.send_frames([openai_chat.DONE])
        await exchange.line.send(LAST_CHUNK)

    return say


def choice(delta: Json, finish: str | None = None) -> list[Json]:
    return [{"index": 0, "delta": delta, "finish_reason": finish}]


def counted(total: int) -> Json:
    return {"prompt_tokens": 3, "completion_tokens": total - 3, "total_tokens": total}


async def leave_out_what_is_optional(exchange: Exchange) -> None:
    """Answer with nothing that the interface calls optional."""
    if not exchange.question.streams:
        body = {name: value for name, value in json.loads(exchange.body).items() if name not in OPTIONAL}
        await exchange.whole(200, dump(body))
        return
    await speak({"choices": choice({"role": "assistant", "content": "Hello "})}, {"choices": choice({}, "stop")})(
        exchange
    )


@pytest.mark.parametrize("kind", [*OPENAI_SHAPED, "groq"])
async def test_an_answer_without_its_optional_fields_is_an_answer(kind: str, workshop: Workshop) -> None:
    workshop.server.script(leave_out_what_is_optional)
    member = workshop.member(kind)
    whole, streamed = await member.ainvoke(QUESTION), reduce(add, member.stream(QUESTION))
    assert whole.text == "Hello from the loopback model."
    assert streamed.text == "Hello "
    assert whole.usage_metadata is streamed.usage_metadata is None
    assert whole.response_metadata["model_name"] == streamed.response_metadata["model_name"] == "m-1"


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("kind", ["vllm", "openai_compatible"])
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_under_either_name(kind: str, name: str, workshop: Workshop) -> None:
    workshop.server.script(
        speak(
            {"choices": choice({"role": "assistant", name: "Let me "})},
            {"choices": choice({name: "think."})},
            {"choices": choice({"content": "Four."})},
            {"choices": choice({}, "stop")},
        )
    )
    member = workshop.member(kind)
    for answer in (reduce(add, member.stream(QUESTION)), member.stream_events(QUESTION, version="v3").output):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
        assert answer.content_blocks[0]["reasoning"] == "Let me think."  # type: ignore[typeddict-item]


def test_reasoning_is_kept_in_a_whole_answer(workshop: Workshop) -> None:
    async def think(exchange: Exchange) -> None:
        body = json.loads(exchange.body)
        body["choices"][0]["message"]["reasoning_content"] = "Let me think."
        await exchange.whole(200, dump(body))

    workshop.server.script(think)
    answer = workshop.member("vllm").invoke(QUESTION)
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


async def test_a_running_total_in_every_chunk_is_counted_once(workshop: Workshop) -> None:
    workshop.server.script(
        speak(
            {"choices": choice({"role": "assistant", "content": "a"}), "usage": counted(4)},
            {"choices": choice({"content": "b"}), "usage": counted(5)},
            {"choices": choice({}, "stop"), "usage": counted(6)},
        )
    )
    member = workshop.member("openai_compatible")
    for answer in (
        reduce(add, member.stream(QUESTION)),
        reduce(add, [chunk async for chunk in member.astream(QUESTION)]),
    ):
        assert answer.usage_metadata == {
            "input_tokens": 3,
            "output_tokens": 3,
            "total_tokens": 6,
            "input_token_details": {},
            "output_token_details": {},
        }


# The SDK warns of figures that are none whenever it dumps them.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("usage_")])
def test_an_answer_outlives_a_usage_that_makes_no_sense(fault: str, workshop: Workshop) -> None:
    workshop.server.script(fault)
    member = workshop.member("openai_compatible")
    for answer in (member.invoke(QUESTION), reduce(add, member.stream(QUESTION))):
        assert answer.text == "Hello from the loopback model."
        counts: dict[str, object] = dict(answer.usage_metadata or {})
        assert all(type(count) in {int, dict} for count in counts.values())


def test_an_end_that_is_said_twice_reads_as_one(workshop: Workshop) -> None:
    workshop.server.script(
        speak(
            {"choices": choice({"role": "assistant", "content": "a"})},
            {"choices": choice({}, "stop")},
            {"choices": choice({}, "stop"), "usage": counted(4)},
        )
    )
    answer: Any = reduce(add, workshop.member("openai_compatible").stream(QUESTION))
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"] == "m-1"


def test_a_call_after_some_text_stays_a_call(workshop: Workshop) -> None:
    """In LangChain's v1 content a call that begins at place 0 would be poured into the text there."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    workshop.server.script(
        speak(
            {"choices": choice({"role": "assistant", "content": "Let me look. "})},
            {"choices": choice({"tool_calls": [call]})},
            {"choices": choice({}, "tool_calls")},
        )
    )
    answer: Any = reduce(add, workshop.member("openai_compatible", output_version="v1").stream(QUESTION))
    assert [block["type"] for block in answer.content] == ["text", "tool_call"]
    assert answer.tool_calls[0]["args"] == {"at": "sky"}


@pytest.mark.parametrize(
    ("kind", "method"),
    [("vllm", "json_schema"), ("openai_compatible", "function_calling"), ("openrouter", "function_calling")],
)
def test_structured_output_is_asked_for_as_the_server_does_it_best(kind: str, method: str, workshop: Workshop) -> None:
    member = workshop.member(kind)
    member.with_structured_output(Colour).invoke([HumanMessage("Name 'red'.")])
    member.with_structured_output(Colour, method="json_mode", include_raw=True).invoke([HumanMessage("'name' it")])
    chosen, told = (request.json for request in workshop.server.requests)
    assert ("tools" in chosen, "response_format" in chosen) == (method == "function_calling", method == "json_schema")
    assert told["response_format"] == {"type": "json_object"}


def test_a_famous_name_on_another_server_has_no_famous_profile(workshop: Workshop) -> None:
    assert workshop.member("vllm", model="gpt-4o").profile is None


def test_a_codex_by_name_is_asked_by_chat_completions(workshop: Workshop) -> None:
    """The partner guesses the interface from the name; here only OpenAI's own server has the other one."""
    list(workshop.member("openai_compatible", model="codex-7b").stream(QUESTION))
    workshop.member("openai_compatible", use_responses_api=True).invoke(QUESTION)
    workshop.member("openai_compatible", model="gpt-6-imitation").invoke(QUESTION)
    assert {request.path for request in workshop.server.requests} == {"/v1/chat/completions"}


@pytest.mark.parametrize(("name", "named"), [("deepseek", "deepseek"), ("anthropic", "openai_compatible")])
def test_answers_name_their_provider_but_never_borrow_a_name(name: str, named: str, workshop: Workshop) -> None:
    """LangChain reads content by that name; a server called `anthropic` does not write as Anthropic does."""
    family = family_of("openai_compatible")
    spec = MemberSpec(name, "openai_compatible", "m-1", f"{workshop.server.url}/v1")
    member = family.member(family.template(spec, workshop.wire), workshop.ticket())
    assert member.invoke(QUESTION).response_metadata["model_provider"] == named
    assert member._get_ls_params()["ls_provider"] == named
