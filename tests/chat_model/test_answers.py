"""What an answer carries: whole and streamed alike, each fact once, and from whoever gave it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.language_models import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.messages.ai import add_usage

from langchain_lucky_models import UserModels
from tests import homes
from tests.chat_model.conftest import Asking
from tests.loopback import Answer, Provider

STRATEGIES = ("first", "fallback", "race", "consensus")
THINKING: Mapping[str, dict[str, Any]] = {
    homes.OPENAI: {"reasoning": {"effort": "low", "summary": "auto"}},
    homes.OPENROUTER: {"reasoning": {"effort": "low"}},
    homes.ANTHROPIC: {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048},
}


def told(message: AIMessage) -> dict[str, Any]:
    """What a message says of itself that does not depend on the time it took."""
    lucky = dict(message.response_metadata["lucky"])
    lucky["attempts"] = [{**made, "seconds": 0} for made in lucky["attempts"]]
    names = ("model_name", "model_provider", "finish_reason", "stop_reason", "cost")
    return {name: message.response_metadata.get(name) for name in names} | {"lucky": lucky}


def counted(usage: object) -> object:
    """A usage without what was not used: partners leave that out in one way of asking and name it in the other."""
    if isinstance(usage, Mapping):
        return {name: rest for name, value in usage.items() if (rest := counted(value))}
    return usage


def numbers(usage: object) -> list[object]:
    if isinstance(usage, Mapping):
        return [number for value in usage.values() for number in numbers(value)]
    return [usage]


@pytest.mark.parametrize("name", homes.EVERY)
async def test_a_stream_tells_what_a_whole_answer_tells(user: UserModels, ask: Asking, name: str) -> None:
    """T8, T10: usage in every stream; texts are not concatenated to "stopstop"; the model that answered is named."""
    handle = user.model(name)
    whole, asked = handle.invoke("hi"), await ask(handle)
    assert told(asked) == told(whole)
    assert counted(asked.usage_metadata) == counted(whole.usage_metadata)
    assert asked.text == whole.text
    assert whole.usage_metadata is not None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_exactly_one_chunk_is_marked(user: UserModels, strategy: str) -> None:
    """T10: merging adds whole numbers, joins texts and refuses floats, so each key stands on one chunk."""
    chunks = list(user.models(homes.OPENAI, homes.OPENROUTER, homes.GROQ, strategy=strategy).stream("hi"))
    marked = [place for place, chunk in enumerate(chunks) if "lucky" in chunk.response_metadata]
    assert len(marked) == 1
    assert not any(chunk.text for chunk in chunks[marked[0] + 1 :])
    assert sum(bool(chunk.usage_metadata) for chunk in chunks) == 1
    assert chunks[-1].chunk_position == "last"


@pytest.mark.parametrize("name", homes.EVERY)
def test_usage_holds_whole_numbers_only(user: UserModels, name: str) -> None:
    """T9: a float among them makes `add_usage` raise; costs stand in `response_metadata`."""
    first, second = (user.model(name).invoke("hi").usage_metadata for _ in range(2))
    assert all(isinstance(number, int) for number in numbers(first))
    assert first is not None
    assert add_usage(first, second)["total_tokens"] == 2 * first["total_tokens"]


def test_a_cost_is_the_providers_own_where_it_says_one(provider: Provider, user: UserModels) -> None:
    """The provider's figure comes before any price list, in a stream as in a whole answer."""
    provider.reply(Answer(cost=0.00042), path="/api/v1/chat/completions")
    handle = user.model(homes.OPENROUTER)
    streamed = sum(handle.stream("hi"), AIMessageChunk(content=""))
    for answer in (handle.invoke("hi"), streamed):
        lucky = answer.response_metadata["lucky"]
        assert (lucky["cost"], lucky["cost_basis"]) == (0.00042, "provider")


@pytest.mark.parametrize("name", homes.EVERY)
def test_a_name_is_bare_where_agents_look(user: UserModels, name: str) -> None:
    """T11: "openai#gpt-4o" is no model to LangChain's agents, "gpt-4o" is."""
    handle = user.model(name)
    assert handle.model_name == name.partition("#")[2]
    assert handle.ref == name


async def test_the_served_models_own_name_is_told(provider: Provider, user: UserModels, ask: Asking) -> None:
    """T20: an alias is asked for, a dated snapshot answers, and that is what is told."""
    provider.reply(Answer(served="gpt-4o-2024-08-06"))
    for name in (homes.OPENAI, homes.GROQ, homes.OPENROUTER):
        answer = await ask(user.model(name))
        assert answer.response_metadata["model_name"] == "gpt-4o-2024-08-06"
        assert answer.response_metadata["lucky"]["ref"] == name


@pytest.mark.parametrize("name", homes.EVERY)
def test_a_handle_can_what_its_member_can(user: UserModels, name: str) -> None:
    """T12: the profile is the member's, and holds no key that would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        handle = user.model(name)
        assert handle.profile == user.resolve(name).profile
    assert set(handle.profile or {}) <= set(ModelProfile.__annotations__)


def test_several_can_what_all_of_them_can(user: UserModels) -> None:
    """Abilities that every member has, the smallest of their limits, and nothing that one of them lacks."""
    handle = user.models(homes.OPENAI, homes.GROQ)
    profiles = [user.resolve(name).profile or {} for name in (homes.OPENAI, homes.GROQ)]
    assert handle.profile is not None
    assert handle.profile["max_input_tokens"] == min(profile["max_input_tokens"] for profile in profiles)
    assert handle.profile["image_inputs"] is False
    assert handle.profile["tool_calling"] is True
    assert "tool_choice" not in handle.profile  # Groq's does not say
    assert handle._llm_type == "lucky-chat"


def test_a_profile_that_is_given_stays(user: UserModels) -> None:
    """A caller who knows better is believed."""
    assert user.model(homes.OPENAI, profile={"max_input_tokens": 7}).profile == {"max_input_tokens": 7}


@pytest.mark.parametrize("name", THINKING)
async def test_thinking_is_a_block_of_its_own(user: UserModels, ask: Asking, name: str) -> None:
    """`content_blocks` finds its translator by the real provider's name; OpenRouter's thoughts survive as well."""
    answer = await ask(user.model(name, **THINKING[name]))
    thoughts = [block["reasoning"] for block in answer.content_blocks if block["type"] == "reasoning"]
    assert "".join(thoughts) == "Considering the question."
    assert answer.text == "Hello from the loopback model."
    assert not [block for block in answer.content_blocks if block["type"] == "non_standard"]


@pytest.mark.parametrize("name", homes.EVERY)
@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_events_of_version_3_bring_the_same_answer(user: UserModels, name: str) -> None:
    """`stream_events(version="v3")` and its twin go through the same stream, and carry the mark."""
    handle = user.model(name, **THINKING.get(name, {}))
    stream = handle.stream_events("hi", version="v3")
    said = "".join(stream.text)
    along = await handle.astream_events("hi", version="v3")
    said_along = "".join([text async for text in along.text])
    assert said == said_along == "Hello from the loopback model."
    for message in (stream.output, await along.output):
        assert message.response_metadata["lucky"]["ref"] == name
        assert message.usage_metadata["total_tokens"] > 0
        types = [block["type"] for block in message.content]
        assert types == (["reasoning", "text"] if name in THINKING else ["text"])


@pytest.mark.parametrize("name", homes.EVERY)
async def test_output_version_1_is_written_once(user: UserModels, ask: Asking, name: str) -> None:
    """Content of version v1 comes as blocks, not as blocks within blocks."""
    answer = await ask(user.model(name, output_version="v1"))
    assert [block["type"] for block in answer.content if isinstance(block, dict)] == ["text"]
    assert answer.text == "Hello from the loopback model."


async def test_the_responses_api_is_a_keyword_away(provider: Provider, user: UserModels, ask: Asking) -> None:
    """`use_responses_api=True` works as with the partner itself, usage, mark and all."""
    answer = await ask(user.model(homes.OPENAI, use_responses_api=True))
    assert provider.requests[-1].path == "/v1/responses"
    assert answer.text == "Hello from the loopback model."
    assert answer.response_metadata["lucky"]["ref"] == homes.OPENAI
    assert answer.usage_metadata is not None


def test_pictures_and_files_reach_the_member(provider: Provider, user: UserModels) -> None:
    """LangChain's blocks become each provider's own form: the member formats them."""
    picture = {"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png"}
    message = HumanMessage([{"type": "text", "text": "What is this?"}, picture])
    for name in (homes.OPENAI, homes.OPENROUTER, homes.ANTHROPIC):
        user.model(name).invoke([message])
    openai, openrouter, anthropic = (request.json["messages"][0]["content"][1] for request in provider.requests)
    assert openai == openrouter == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    assert anthropic["source"] == {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}


def test_keywords_reach_the_member_at_construction_and_at_call(provider: Provider, user: UserModels) -> None:
    """Whatever the partner or its request takes; a call's keyword comes before the handle's."""
    handle = user.model(homes.OPENAI, seed=3, frequency_penalty=0.5, stop=["END"])
    handle.invoke("hi", seed=4, logprobs=True)
    handle.invoke("hi", stop=["STOP"])
    first, second = (request.json for request in provider.requests)
    assert (first["seed"], first["frequency_penalty"], first["logprobs"], first["stop"]) == (4, 0.5, True, ["END"])
    assert second["stop"] == ["STOP"]
    user.model(homes.ANTHROPIC, top_k=5).invoke("hi")
    assert provider.requests[-1].json["top_k"] == 5
