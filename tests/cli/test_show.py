"""One model, whole."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from langchain_lucky_models.catalog import Catalog
from langchain_lucky_models.cli.show import command, named_entry
from langchain_lucky_models.errors import UnknownModelError


def catalog() -> Catalog:
    rows = [("openai", "gpt-4o"), ("openrouter", "openai/gpt-4o"), ("groq", "llama")]
    return Catalog([{"provider": provider, "id": model} for provider, model in rows])


def test_a_model_is_found_by_its_ref_and_by_a_name_of_its_own() -> None:
    assert str(named_entry(catalog(), "openrouter#openai/gpt-4o").ref) == "openrouter#openai/gpt-4o"
    assert str(named_entry(catalog(), "llama").ref) == "groq#llama"


def test_a_name_at_several_providers_is_answered_with_the_refs() -> None:
    with pytest.raises(UnknownModelError, match="openai#gpt-4o, openrouter#openai/gpt-4o"):
        named_entry(catalog(), "gpt-4o")


def test_every_fact_is_shown_with_where_it_came_from() -> None:
    shown = CliRunner().invoke(command, ["local#smollm2-135m"]).output
    assert "limits.context" in shown
    assert "8192" in shown
    assert "\nSources: " in shown


def test_json_is_the_entry_itself() -> None:
    shown = CliRunner().invoke(command, ["local#smollm2-135m", "--json"]).output
    entry = Catalog.packaged().get("local#smollm2-135m")
    assert type(entry).model_validate(json.loads(shown)) == entry
