"""Whose keys the terminal uses."""

from __future__ import annotations

import pytest

from langchain_lucky_models.cli.keyring import keys_set, terminal_user
from langchain_lucky_models.errors import ProviderNotConfiguredError

CANARY = "sk-canary-0123456789"


def test_a_key_is_set_where_its_variable_holds_something() -> None:
    assert keys_set({"OPENAI_API_KEY": CANARY, "GROQ_API_KEY": "", "OTHER": "x"}) == {"openai": "OPENAI_API_KEY"}


def test_every_model_of_a_provider_with_a_key_may_be_asked() -> None:
    user = terminal_user(environment={"GROQ_API_KEY": CANARY})
    assert {entry.provider for entry in user.get_catalog()} == {"groq"}


def test_without_a_key_the_embedded_model_is_there() -> None:
    assert terminal_user(environment={}).tier("cheap").ref == "local#smollm2-135m"


def test_a_named_model_of_a_provider_without_a_key_says_what_is_missing() -> None:
    with pytest.raises(ProviderNotConfiguredError, match="openai"):
        terminal_user(["openai#gpt-4o"], environment={}).model("openai#gpt-4o")
