"""Ollama: its own dialect, keys where a proxy in front of it wants one, and no cookies."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_ollama import ChatOllama

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.providers import MemberSpec, family_of, origin_of
from tests.loopback import Provider
from tests.providers.conftest import Workshop

OLLAMA = family_of("ollama")
QUESTION = [HumanMessage("hi")]


async def test_reasoning_is_a_block_where_it_is_asked_for(workshop: Workshop) -> None:
    member = workshop.member("ollama", reasoning=True)
    for answer in (member.invoke(QUESTION), await member.ainvoke(QUESTION), reduce(add, member.stream(QUESTION))):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_the_address_of_its_openai_side_is_the_same_server(ending: str, workshop: Workshop) -> None:
    spec = MemberSpec("ollama", "ollama", "m-1", workshop.server.url + ending)
    OLLAMA.member(OLLAMA.template(spec, workshop.wire), workshop.ticket()).invoke(QUESTION)
    assert workshop.server.requests[0].path == "/api/chat"


async def test_a_cookie_is_never_sent_back(start_provider: Callable[..., Provider], workshop: Workshop) -> None:
    server = start_provider(cookies=True)
    assert origin_of(server.url) != origin_of(workshop.server.url)
    workshop.server = server
    member = workshop.member("ollama")
    for _ in range(2):
        member.invoke(QUESTION)
        await member.ainvoke(QUESTION)
    assert [request.header("cookie") for request in server.requests] == [None] * 4


def test_the_member_is_the_partners_class_on_the_wires_transport(workshop: Workshop) -> None:
    member: Any = workshop.member("ollama")
    assert isinstance(member, ChatOllama)
    assert member._client._client._transport is workshop.wire.transport("httpx")
    assert member._async_client._client._transport is workshop.wire.async_transport("httpx")


def test_an_unknown_keyword_is_not_swallowed(workshop: Workshop) -> None:
    """The partner ignores it without a word."""
    with pytest.raises(ConfigError, match=r"takes no keyword 'num_cttx'\. Nearest: num_ctx"):
        workshop.template("ollama", num_cttx=4096)
