"""Whom each tier prefers."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner, Result

from langchain_lucky_models.cli.tiers import command


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(variable)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_without_a_key_only_the_embedded_model_is_ranked_and_that_is_said() -> None:
    shown = run("--json")
    assert {row["ref"] for row in json.loads(shown.stdout)} == {"local#smollm2-135m"}
    assert {row["tier"] for row in json.loads(shown.stdout)} == {"cheap", "fast", "smart", "balanced"}
    assert "--all" in shown.stderr


def test_with_a_key_that_providers_models_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-canary")
    shown = run("smart", "--limit", "2", "--json")
    rows = json.loads(shown.stdout)
    assert [row["place"] for row in rows] == ["1", "2"]
    assert all(row["ref"].startswith("groq#") for row in rows)


def test_the_whole_catalog_is_ranked_on_request_within_what_is_required() -> None:
    rows = json.loads(run("cheap", "--all", "--require", "tools", "--limit", "3", "--json").stdout)
    assert len(rows) == 3
    assert "local#smollm2-135m" not in {row["ref"] for row in rows}
