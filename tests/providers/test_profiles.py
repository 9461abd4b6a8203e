"""Profiles from catalog entries."""

from __future__ import annotations

import datetime as dt
import warnings

import pytest
from langchain_core.language_models import BaseChatModel, ModelProfile
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from langchain_lucky_models.catalog.entry import Capabilities, Modalities, ModelEntry, Support, TokenLimits
from langchain_lucky_models.providers.profiles import profile_of

FULL = ModelEntry(
    provider="xai",
    id="grok-9",
    name="Grok 9",
    release_date=dt.date(2026, 5, 1),
    open_weights=False,
    limits=TokenLimits(context=256_000, input=200_000, output=32_000),
    modalities=Modalities(input=("text", "image", "pdf"), output=("text",)),
    capabilities=Capabilities(tools=True, json_schema=True, reasoning=False, temperature=True),
)


def test_a_full_entry_fills_the_profile() -> None:
    profile = profile_of(FULL)
    assert profile == {
        "name": "Grok 9",
        "release_date": "2026-05-01",
        "open_weights": False,
        "max_input_tokens": 200_000,
        "max_output_tokens": 32_000,
        "text_inputs": True,
        "image_inputs": True,
        "audio_inputs": False,
        "video_inputs": False,
        "pdf_inputs": True,
        "text_outputs": True,
        "image_outputs": False,
        "audio_outputs": False,
        "video_outputs": False,
        "reasoning_output": False,
        "tool_calling": True,
        "structured_output": True,
        "temperature": True,
    }


def test_the_context_stands_in_where_no_input_limit_is_known() -> None:
    entry = ModelEntry(provider="xai", id="grok-9", limits=TokenLimits(context=256_000))
    assert profile_of(entry)["max_input_tokens"] == 256_000


def test_what_is_unknown_is_left_out() -> None:
    profile = profile_of(ModelEntry(provider="xai", id="grok-9"))
    assert not {"name", "max_input_tokens", "max_output_tokens", "tool_calling", "structured_output"} & profile.keys()


@pytest.mark.parametrize(("support", "promised"), [(True, True), (False, False), ("some_endpoints", False)])
def test_what_only_some_endpoints_can_do_is_no_promise(support: Support, *, promised: bool) -> None:
    entry = ModelEntry(provider="openrouter", id="a/b", capabilities=Capabilities(tools=support))
    assert profile_of(entry)["tool_calling"] is promised


def test_langchain_knows_every_name_in_a_profile() -> None:
    """Unknown names make LangChain warn at each construction, so there are none."""
    assert profile_of(FULL).keys() <= ModelProfile.__annotations__.keys()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model: BaseChatModel = FakeListChatModel(responses=[""], profile=profile_of(FULL))
    assert model.profile == profile_of(FULL)
