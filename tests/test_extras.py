"""A missing part is named with the command that installs it; a broken one shows its own failure."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

import langchain_lucky_models
from langchain_lucky_models import extras
from langchain_lucky_models.errors import LuckyError, MissingExtraError

PACKAGE = Path(langchain_lucky_models.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_a_part_that_is_there_is_given() -> None:
    assert extras.require("json", extra="none") is sys.modules["json"]


@pytest.mark.parametrize("module", ["langchain_groq", "langchain_groq.chat_models"])
def test_a_missing_part_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """The very line to paste; it is an ImportError too, and drags no traceback of the import along."""
    monkeypatch.delitem(sys.modules, "langchain_groq.chat_models", raising=False)
    monkeypatch.setitem(sys.modules, "langchain_groq", None)
    with pytest.raises(MissingExtraError) as refusal:
        extras.require(module, extra="groq")
    assert str(refusal.value) == (
        f"{module} is not installed. Please install it with: pip install 'langchain-lucky-models[groq]'"
    )
    assert isinstance(refusal.value, ImportError)
    assert isinstance(refusal.value, LuckyError)
    assert refusal.value.name == module
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import a_part_of_the_part", "No module named 'a_part_of_the_part'"),
        ("import broken_part.missing", "No module named 'broken_part.missing'"),
        ("from broken_part import missing", "cannot import name 'missing'"),
        ("raise ImportError('libnothing.so: cannot open shared object file')", "libnothing.so"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_broken_part_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    """To install it again would not help, so its own failure is shown."""
    (tmp_path / "broken_part").mkdir()
    (tmp_path / "broken_part" / "__init__.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises((ImportError, ZeroDivisionError), match=message) as failure:
        extras.require("broken_part", extra="groq")
    assert not isinstance(failure.value, MissingExtraError)
    sys.modules.pop("broken_part", None)


def test_every_extra_that_a_message_names_can_be_installed() -> None:
    """The keyword `extra="…"` of every call in the package is one of the project file's."""
    named = {
        keyword.value.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Constant)
    }
    assert {"groq", "cli", "redis"} <= named
    assert named - set(PROJECT["optional-dependencies"]) == {"forbid"}  # pydantic's word for its own models


def test_the_command_names_this_distribution() -> None:
    assert PROJECT["name"] == extras.DISTRIBUTION
