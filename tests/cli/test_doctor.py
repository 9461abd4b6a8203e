"""What is here and what is missing."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from langchain_lucky_models.catalog import Catalog
from langchain_lucky_models.cli import doctor

CANARY = "sk-canary-0123456789"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_it_says_where_a_key_is_and_never_the_key(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    shown = CliRunner().invoke(doctor.command, arguments).output
    assert "set in OPENAI_API_KEY" in shown
    assert "not set: GROQ_API_KEY" in shown
    assert CANARY not in shown


def test_it_tells_versions_extras_catalog_and_models() -> None:
    told = json.loads(CliRunner().invoke(doctor.command, ["--json"]).output)
    assert set(told) == {"versions", "extras", "keys", "catalog", "local models"}
    assert told["extras"]["groq"].startswith("langchain-groq ")
    assert told["catalog"]["as of"] == Catalog.packaged().state.as_of
    assert "local#smollm2-135m" in told["local models"]


def test_a_missing_extra_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["click>=8", 'langchain-groq>=1; extra == "groq"', 'no-such-package>=1; extra == "wish"']
    monkeypatch.setattr("importlib.metadata.requires", lambda _: lines)
    told = dict(doctor.extras())
    assert list(told) == ["groq", "wish"]
    assert told["wish"] == "missing: pip install 'langchain-lucky-models[wish]'"
