"""Names: one key for all spellings of a model, and never one for two models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_build.scores.names import Names

NAMES = Names.read()


@pytest.mark.parametrize(
    ("published", "leaderboard", "key"),
    [
        ("claude-opus-4-5-20251101-thinking-64k-high-effort", "livebench", "claude-opus-4.5"),
        ("claude-3-7-sonnet-20250219 (32k thinking tokens)", "aider-polyglot", "claude-3.7-sonnet"),
        ("gpt-5-2025-08-07_minimal", "epoch-eci", "gpt-5"),
        ("openai/gpt-oss-120b_high", "epoch-eci", "gpt-oss-120b"),
        ("muse-spark-1.2 (xHigh)", "lmarena-text-sc", "muse-spark-1.2"),
        ("gpt-5.1-codex-max-high", "livebench", "gpt-5.1-codex-max"),
        ("qwen3-max-2025-09-23", "lmarena-text-sc", "qwen3-max"),
        ("qwen2.5-max", "lmarena-text-sc", "qwen2.5-max"),
        ("kimi-k2-thinking", "livebench", "kimi-k2-thinking"),
        ("qwen3-next-80b-a3b-thinking", "livebench", "qwen3-next-80b-a3b-thinking"),
        ("deepseek-v4-pro-high-20260813", "lmarena-text-sc", "deepseek-v4-pro-0813"),
        ("Llama-4-Maverick-17B-128E-Instruct-FP8", "epoch-eci", "llama-4-maverick"),
        ("claude-3-5-sonnet-20240620", "epoch-eci", "claude-3.5-sonnet-20240620"),
        ("claude-3-5-sonnet-20241022", "epoch-eci", "claude-3.5-sonnet"),
        ("smollm2-1.7b-instruct", "lmarena-text-sc", "smollm2-1.7b-instruct"),
    ],
)
def test_a_published_row_tells_its_model_whatever_its_configuration_and_date(
    published: str, leaderboard: str, key: str
) -> None:
    """How a model was run is stripped; what belongs to its name is not."""
    assert NAMES.published(published, leaderboard) == key


def test_a_row_that_speaks_of_a_group_or_a_rolling_name_is_ignored_where_it_does() -> None:
    """The index gives gpt-5-chat its group's figure; the arena measured gpt-5-chat itself."""
    assert NAMES.published("gpt-5-chat", "epoch-eci") is None
    assert NAMES.published("gpt-5-chat", "lmarena-text-sc") == "gpt-5-chat"


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        ("openai/gpt-5.6-luna-pro:batch", ("gpt-5.6-luna-pro:batch", "gpt-5.6-luna-pro", "gpt-5.6-luna")),
        ("claude-opus-4-8-fast", ("claude-opus-4.8-fast", "claude-opus-4.8")),
        ("gpt-5.5-pro-2026-04-23", ("gpt-5.5-pro-2026-04-23", "gpt-5.5-pro", "gpt-5.5")),
        ("deepseek/deepseek-v4-pro", ("deepseek-v4-pro",)),
        ("gemini-2.5-pro", ("gemini-2.5-pro",)),
        ("claude-haiku-4-5-20251399", ("claude-haiku-4.5-20251399",)),
        ("mistral-large-2411", ("mistral-large-2411",)),
    ],
)
def test_a_model_is_asked_for_by_its_own_key_first_then_by_what_it_is_a_variant_of(
    model: str, keys: tuple[str, ...]
) -> None:
    """`-pro` is a mode of OpenAI's models alone, and a date is one only where a calendar has it."""
    assert NAMES.keys(model) == keys


@given(st.from_regex(r"(([a-z]{1,3}|[0-9]{1,4})[-._:@/ ]){1,8}[a-z0-9]{1,3}", fullmatch=True))
def test_a_key_is_its_own_key(model: str) -> None:
    """Asking again changes nothing, so two ways to one model always meet."""
    key = NAMES.key(model)
    assert NAMES.key(key) == key


def test_every_table_points_at_a_key_that_is_final() -> None:
    """No alias of an alias: what a table names is written as keys are."""
    for target in [*NAMES.same.values(), *NAMES.snapshots.values()]:
        assert NAMES.key(target) == target
        assert target not in NAMES.same


def test_a_provider_makes_its_own_models_and_hosts_the_others() -> None:
    """The first word of a key decides, as a whole word."""
    assert NAMES.is_made_by("gpt-4o", "openai")
    assert not NAMES.is_made_by("gpt-4o", "openrouter")
    assert not NAMES.is_made_by("glm-5.2", "mistral")
    assert not NAMES.is_made_by("gptx-1", "openai")


def test_a_word_that_keeps_a_model_from_being_estimated_is_a_whole_word() -> None:
    """A guard is no conversation; a vanguard may be."""
    assert not NAMES.is_rated("llama-guard-4-12b")
    assert NAMES.is_rated("vanguard-1")
