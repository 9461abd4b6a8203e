"""A cache never gives one model's, one setting's or one user's answer to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.runnables import ConfigurableField

from langchain_lucky_models import LLMRegistry, UserModels
from tests import homes
from tests.chat_model.conftest import Asking
from tests.loopback import Provider

pytestmark = pytest.mark.usefixtures("global_cache")


@pytest.fixture
def global_cache() -> Iterator[None]:
    """One cache for the whole process, as applications set it."""
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


async def test_the_same_question_is_asked_once(provider: Provider, user: UserModels) -> None:
    """The cache works at all: two handles alike share one answer, in sync and in async."""
    user.model(homes.OPENAI).invoke("hi")
    again = await user.model("gpt-4o").ainvoke("hi")
    assert again.text == "Hello from the loopback model."
    assert len(provider.requests) == 1


async def test_two_users_share_no_answer(provider: Provider, registry: LLMRegistry, ask: Asking) -> None:
    """T6: the cache strings of two tenants' ChatOpenAI are equal, so one tenant gets the other's answer."""
    for user_id in ("ada", "bob"):
        keys = {"openai": f"sk-of-{user_id}-0123456789"}
        user = homes.user_of(registry, user_id, mode="byok", api_keys=keys, models=[homes.OPENAI])
        await ask(user.model(homes.OPENAI))
    assert len(provider.requests) == len(provider.keys_seen()) == 2


async def test_two_models_share_no_answer(provider: Provider, user: UserModels, ask: Asking) -> None:
    """T6: a naive wrapper answers model 2 with "Hello from model 1"."""
    for name in ("gpt-4o", "gpt-4.1"):
        answer = await ask(user.model(name))
        assert answer.response_metadata["model_name"] == name
    assert [request.model for request in provider.requests] == ["gpt-4o", "gpt-4.1"]


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.7}, {"max_tokens": 5}, {"stop": ["x"]}, {"seed": 4}, {"model": "gpt-4.1"}],
    ids=str,
)
def test_a_changed_setting_is_asked_anew(provider: Provider, user: UserModels, change: dict[str, Any]) -> None:
    """T6: at construction, by a copy, by a keyword of the call: what was set decides."""
    handle = user.model(homes.OPENAI, temperature=0.1)
    handle.invoke("hi")
    if "model" not in change:
        user.model(homes.OPENAI, **{"temperature": 0.1, **change}).invoke("hi")
        assert len(provider.requests) == 2
    handle.invoke("hello", **change)
    handle.invoke("hello")
    assert len(provider.requests) == (3 if "model" in change else 4)


def test_a_copy_and_an_assignment_are_asked_anew(provider: Provider, user: UserModels) -> None:
    """T7: a copy keeps what LangChain memoised of the first, and so gets the first one's answer."""
    handle = user.model(homes.OPENAI)
    handle.invoke("hi")
    handle.model_copy(update={"model": "gpt-4.1"}).invoke("hi")
    handle.model_copy(update={"temperature": 0.4}).invoke("hi")
    handle.temperature = 0.9
    handle.invoke("hi")
    sent = [(request.model, request.json.get("temperature")) for request in provider.requests]
    assert sent == [("gpt-4o", None), ("gpt-4.1", None), ("gpt-4o", 0.4), ("gpt-4o", 0.9)]


def test_what_a_run_configures_is_part_of_the_key(provider: Provider, user: UserModels) -> None:
    """T6: the model of a run's configuration reaches the cache, declared with `configurable_fields` or not."""
    handle = user.model(homes.OPENAI)
    declared = handle.configurable_fields(temperature=ConfigurableField(id="heat"))
    handle.invoke("hi")
    handle.invoke("hi", {"configurable": {"model": "gpt-4.1"}})
    declared.invoke("hi", {"configurable": {"heat": 0.3}})
    declared.invoke("hi", {"configurable": {"heat": 0.3}})
    assert len(provider.requests) == 3


def test_a_rotated_key_is_not_answered_for_the_old_one(provider: Provider, registry: LLMRegistry) -> None:
    """T6: whoever holds the new key may be somebody else."""
    keys = iter(("sk-first-0123456789", "sk-second-0123456789"))
    current = {"key": next(keys)}
    user = homes.user_of(registry, mode="byok", api_keys={"openai": lambda: current["key"]}, models=[homes.OPENAI])
    handle = user.model(homes.OPENAI)
    handle.invoke("hi")
    current["key"] = next(keys)
    handle.invoke("hi")
    handle.invoke("hi")
    assert [request.key for request in provider.requests] == ["sk-first-0123456789", "sk-second-0123456789"]


def test_strategies_and_schemas_share_no_answer(provider: Provider, user: UserModels) -> None:
    """T6: who is asked in which order, and for which schema, is part of the key; the same again is not asked."""
    one = {"title": "One", "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    two = {"title": "Two", "type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    handle = user.models("gpt-4o", "gpt-4.1")
    handle.invoke("hi")
    user.models("gpt-4.1", "gpt-4o").invoke("hi")
    assert len(provider.requests) == 2
    for schema in (one, two, one, two):
        assert set(handle.with_structured_output(schema).invoke("hi")) == set(schema["properties"])
    assert len(provider.requests) == 4


def test_tools_with_other_options_are_asked_anew(provider: Provider, user: UserModels) -> None:
    """T6: the key shows the tools as they look, and how they are bound beside it; the same again is not asked."""
    tool = {"title": "look", "description": "Look.", "type": "object", "properties": {"at": {"type": "string"}}}
    for _ in range(2):
        user.model(homes.OPENAI).bind_tools([tool]).invoke("hi")
        user.model(homes.OPENAI).bind_tools([tool], parallel_tool_calls=False).invoke("hi")
        user.model(homes.OPENAI).bind_tools([tool], tool_choice="look").invoke("hi")
    assert len(provider.requests) == 3


def test_no_key_stands_in_a_cache_key(user: UserModels) -> None:
    """A cache may be a database that others read."""
    text = user.models(homes.OPENAI, homes.GROQ)._get_llm_string(stop=None)
    assert not any(key in text for key in homes.KEYS.values())
