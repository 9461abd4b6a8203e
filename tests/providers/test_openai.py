"""OpenAI: both of its interfaces, and clients that are shared whatever the address."""

from __future__ import annotations

import asyncio
import ssl
import threading
from functools import reduce
from operator import add
from typing import Any

import httpx2
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

from langchain_lucky_models.providers import MemberSpec, family_of
from langchain_lucky_models.wire import Wire
from tests.loopback import Answer, Usage
from tests.providers.conftest import Workshop

OPENAI = family_of("openai")
QUESTION = [HumanMessage("hi")]


async def test_the_responses_interface_answers_alike(workshop: Workshop) -> None:
    workshop.server.reply(Answer(usage=Usage(input=11, output=7, reasoning=3)))
    member = workshop.member("openai", use_responses_api=True)
    answers = [
        member.invoke(QUESTION),
        await member.ainvoke(QUESTION),
        reduce(add, member.stream(QUESTION)),
        reduce(add, [chunk async for chunk in member.astream(QUESTION)]),
    ]
    assert {request.path for request in workshop.server.requests} == {"/v1/responses"}
    for answer in answers:
        assert answer.text == "Hello from the loopback model."
        assert answer.usage_metadata == answers[0].usage_metadata
        assert answer.response_metadata["model_name"] == "m-1"
        assert OPENAI.finish(answer) == "completed"
        assert OPENAI.ended(answer)


def test_a_raw_responses_stream_ends_once_and_last(workshop: Workshop) -> None:
    chunks = list(workshop.member("openai", use_responses_api=True)._stream([*QUESTION]))
    assert [OPENAI.ended(chunk) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_a_partners_own_profile_is_kept(workshop: Workshop) -> None:
    known = ChatOpenAI(model="gpt-4o", api_key="sk-any-key-at-all").profile
    assert known
    assert workshop.member("openai", model="gpt-4o").profile == known


def test_usage_is_asked_for_in_every_stream(workshop: Workshop) -> None:
    """T8: the partner asks only its official address."""
    list(workshop.member("openai", stream_usage=False).stream(QUESTION))
    assert workshop.server.requests[0].json["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("streaming", [True, False])
def test_a_member_generates_in_one_piece_whatever_the_handle_prefers(workshop: Workshop, *, streaming: bool) -> None:
    """T3: a partner built with `streaming=True` cannot generate in one piece."""
    member = workshop.member("openai", streaming=streaming)
    assert member._generate([*QUESTION]).generations[0].text == "Hello from the loopback model."
    assert not workshop.server.requests[0].json.get("stream")


def test_two_hundred_addresses_share_one_client_and_one_context(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T18: the partner caches 128 clients by address, and builds a context of 0.7 MB for each further one."""
    workshop.template("openai")
    contexts: list[object] = []
    monkeypatch.setattr(ssl, "SSLContext", lambda *_: contexts.append("built"))
    clients = set()
    for number in range(200):
        spec = MemberSpec("openai", "openai", "m-1", f"http://tenant-{number}.example/v1", (("timeout", number + 1.0),))
        template: Any = OPENAI.template(spec, workshop.wire)
        clients |= {id(template.root_client._client), id(template.root_async_client._client)}
    assert clients == {id(workshop.wire.client("httpx2")), id(workshop.wire.async_client("httpx2"))}
    assert contexts == []


def test_a_member_is_a_copy_and_nothing_is_validated_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    template = workshop.template("openai")

    def construct(*_: object, **__: object) -> None:
        raise AssertionError("a member is never constructed")

    for made in (ChatOpenAI, httpx2.Client, httpx2.AsyncClient):
        monkeypatch.setattr(made, "__init__", construct)
    member: Any = OPENAI.member(template, workshop.ticket())
    assert isinstance(member, ChatOpenAI)
    assert isinstance(member.root_client._client, httpx2.Client)


@pytest.mark.parametrize("kind", ["openai", "groq", "anthropic", "openrouter", "ollama"])
def test_one_member_serves_loop_after_loop(kind: str, workshop: Workshop) -> None:
    """T1: partners keep connections of a loop that is closed, and every second run fails."""
    member = workshop.member(kind)

    async def ask() -> str:
        streamed = [chunk.text async for chunk in member.astream(QUESTION)]
        return (await member.ainvoke(QUESTION)).text + "".join(streamed)

    assert {asyncio.run(ask()) for _ in range(6)} == {"Hello from the loopback model." * 2}
    assert len(workshop.server.requests) == 12


@pytest.mark.parametrize("kind", ["openai", "groq"])
def test_one_member_serves_four_threads_with_loops_of_their_own(kind: str, workshop: Workshop) -> None:
    member = workshop.member(kind)
    texts: list[str] = []

    async def ask() -> None:
        for _ in range(10):
            texts.append((await member.ainvoke(QUESTION)).text)  # noqa: PERF401 - one after the other

    threads = [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello from the loopback model."] * 40
    assert len(workshop.server.requests) == 40


def test_a_member_outlives_its_template(workshop: Workshop) -> None:
    member = OPENAI.member(workshop.template("openai"), workshop.ticket())
    assert member.invoke(QUESTION).text


def test_a_template_pays_for_nothing(workshop: Workshop) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - the SDK wraps what the wire refuses
        workshop.template("openai").invoke(QUESTION)
    assert workshop.server.requests == []


def test_a_wire_of_its_own_makes_a_template_of_its_own(workshop: Workshop) -> None:
    other = Wire()
    first: Any = workshop.template("openai")
    second: Any = OPENAI.template(workshop.spec("openai"), other)
    assert first.root_client._client is not second.root_client._client
    other.close()
