"""Anthropic: thinking, its cache, the limit it demands, and clients the partner takes from nobody."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage

from langchain_lucky_models.catalog.entry import ModelEntry, TokenLimits
from langchain_lucky_models.providers import MemberSpec, family_of
from tests.loopback import Answer, Usage
from tests.providers.conftest import Workshop

ANTHROPIC = family_of("anthropic")
QUESTION = [HumanMessage("hi")]
THINKING = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_thinking_is_a_block_however_it_is_asked(workshop: Workshop) -> None:
    member = workshop.member("anthropic", thinking=THINKING, max_tokens=4096)
    for answer in (
        member.invoke(QUESTION),
        await member.ainvoke(QUESTION),
        reduce(add, member.stream(QUESTION)),
        member.stream_events(QUESTION, version="v3").output,
    ):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
        assert ANTHROPIC.finish(answer) == "end_turn"


def test_what_came_from_the_cache_is_counted_apart(workshop: Workshop) -> None:
    workshop.server.reply(Answer(usage=Usage(input=100, output=7, cached=60, written=30)))
    member = workshop.member("anthropic")
    for answer in (member.invoke(QUESTION), reduce(add, member.stream(QUESTION))):
        usage: Any = answer.usage_metadata
        assert (usage["input_tokens"], usage["output_tokens"]) == (100, 7)
        assert usage["input_token_details"]["cache_read"] == 60


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("claude-newer-than-the-partner", {}, 48_000),
        ("claude-newer-than-the-partner", {"max_tokens": 99}, 99),
        ("claude-opus-4-6", {}, 128_000),
    ],
)
def test_the_limit_is_the_callers_else_the_partners_else_the_catalogs(
    model: str, given: dict[str, object], sent: int, workshop: Workshop
) -> None:
    entry = ModelEntry(provider="anthropic", id=model, limits=TokenLimits(output=48_000))
    template = workshop.template("anthropic", entry, model, **given)
    ANTHROPIC.member(template, workshop.ticket()).invoke(QUESTION)
    assert workshop.server.requests[0].json["max_tokens"] == sent


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_an_address_with_the_version_is_the_same(ending: str, workshop: Workshop) -> None:
    spec = MemberSpec("anthropic", "anthropic", "m-1", workshop.server.url + ending)
    ANTHROPIC.member(ANTHROPIC.template(spec, workshop.wire), workshop.ticket()).invoke(QUESTION)
    assert workshop.server.requests[0].path.partition("?")[0] == "/v1/messages"


def test_the_member_is_the_partners_class_on_the_wires_clients(workshop: Workshop) -> None:
    """Middlewares for Anthropic ask `isinstance`, and translators ask for the name."""
    member: Any = workshop.member("anthropic")
    assert isinstance(member, ChatAnthropic)
    assert member._client._client is workshop.wire.client("httpx2")
    assert member._async_client._client is workshop.wire.async_client("httpx2")
    assert member._llm_type == "anthropic-chat"
