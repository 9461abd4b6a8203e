"""Keywords: taken, put into the request, or refused with the nearest name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_groq import ChatGroq
from langchain_openai import ChatOpenAI
from openai.resources.chat.completions import Completions

from langchain_lucky_models.errors import ConfigError, ForbiddenParameterError
from langchain_lucky_models.providers.keywords import CONNECTION, construct, keywords_for

CREATE: Callable[..., object] = Completions.create


def test_keywords_of_the_class_are_passed_on() -> None:
    given = (("max_tokens", 10), ("temperature", 0.5), ("timeout", 3))
    assert keywords_for(ChatOpenAI, given) == dict(given)


def test_an_alias_of_a_field_is_a_keyword_of_the_class() -> None:
    assert keywords_for(ChatGroq, [("stop_sequences", ["."])]) == {"stop_sequences": ["."]}


def test_a_field_of_the_request_goes_into_the_request() -> None:
    given = [("model_kwargs", {"user": "ada"}), ("prompt_cache_key", "blue")]
    keywords = keywords_for(ChatOpenAI, given, request=CREATE)
    assert keywords == {"model_kwargs": {"user": "ada", "prompt_cache_key": "blue"}}


def test_a_misspelt_keyword_is_refused_with_the_nearest_name() -> None:
    """The partner class itself would put it into the request, and warn at best."""
    with pytest.raises(ConfigError, match=r"ChatOpenAI takes no keyword 'temprature'\. Nearest: temperature") as caught:
        keywords_for(ChatOpenAI, [("temprature", 0)], request=CREATE)
    assert caught.value.field == "temprature"


def test_a_keyword_of_the_handle_does_not_reach_the_member() -> None:
    given = [("max_retries", 3), ("streaming", True), ("stream_usage", False), ("callbacks", []), ("temperature", 0)]
    assert keywords_for(ChatOpenAI, given) == {"temperature": 0}


@pytest.mark.parametrize(
    "name",
    [
        *sorted(CONNECTION),
        "openai_api_key",
        "groq_api_base",
        "anthropic_api_url",
        "openai_proxy",
        "openai_organization",
    ],
)
def test_where_to_connect_and_as_whom_is_no_keyword(name: str) -> None:
    with pytest.raises(ForbiddenParameterError, match="says where to connect or as whom"):
        keywords_for(ChatOpenAI, [(name, "x")])


@pytest.mark.parametrize("body", ["extra_body", "model_kwargs"])
@pytest.mark.parametrize("name", ["api_key", "extra_headers", "model"])
def test_a_body_smuggles_neither_key_nor_model(body: str, name: str) -> None:
    with pytest.raises(ForbiddenParameterError, match=repr(name)):
        keywords_for(ChatOpenAI, [(body, {name: "x"})])


def test_another_model_is_asked_for_by_its_ref() -> None:
    with pytest.raises(ForbiddenParameterError, match="by its ref"):
        keywords_for(ChatOpenAI, [("model", "gpt-5")])


def test_a_refused_value_names_its_field_and_not_the_input() -> None:
    with pytest.raises(ConfigError, match=r"ChatOpenAI refuses temperature: .*valid number") as caught:
        construct(ChatOpenAI, {"temperature": "hot", "api_key": "sk-canary-canary"})
    assert caught.value.field == "temperature"
    assert "sk-canary" not in str(caught.value)
    assert caught.value.__cause__ is None
