"""The table of families and default providers."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import langchain_lucky_models
from langchain_lucky_models.errors import ConfigError, MissingExtraError
from langchain_lucky_models.providers import DEFAULT_PROVIDERS, FAMILIES, MemberSpec, family_of
from tests.providers.conftest import Workshop

PYPROJECT = Path(langchain_lucky_models.__file__).parent.parent / "pyproject.toml"
PARTNERS = ("langchain_openai", "langchain_groq", "langchain_anthropic", "langchain_ollama")


def test_every_kind_is_there_under_its_own_name() -> None:
    assert set(FAMILIES) == {
        "openai",
        "groq",
        "openrouter",
        "anthropic",
        "requesty",
        "ollama",
        "vllm",
        "local",
        "mistral",
        "deepseek",
        "openai_compatible",
    }
    assert all(family.kind == kind for kind, family in FAMILIES.items())


def test_an_unknown_kind_is_answered_with_the_ones_that_exist() -> None:
    with pytest.raises(
        ConfigError, match=r"called 'open_router'\. Nearest: openrouter.* There are: anthropic, deepseek, groq"
    ):
        family_of("open_router")


def test_default_providers_name_a_family_and_where_they_are() -> None:
    for name, row in DEFAULT_PROVIDERS.items():
        assert row.kind in FAMILIES
        assert (row.base_url is None) == (name == "local")
        assert row.base_url is None or row.base_url.startswith(("https://", "http://localhost:"))


def test_the_catalogs_further_providers_have_rows() -> None:
    assert {"google", "mistral", "deepseek", "xai"} <= DEFAULT_PROVIDERS.keys()


def test_every_extra_exists() -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert {row.extra for row in DEFAULT_PROVIDERS.values()} <= extras.keys()


def test_the_table_is_read_without_any_partner_package() -> None:
    code = f"import sys, langchain_lucky_models.providers; sys.exit(bool(set({PARTNERS}) & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [
        ("openai", "langchain_openai", "openai"),
        ("groq", "langchain_groq", "groq"),
        ("openrouter", "langchain_openai", "openrouter"),
        ("anthropic", "langchain_anthropic", "anthropic"),
        ("requesty", "langchain_openai", "requesty"),
        ("ollama", "langchain_ollama", "ollama"),
        ("vllm", "langchain_openai", "vllm"),
        ("local", "langchain_openai", "local"),
        ("openai_compatible", "langchain_openai", "openai"),
    ],
)
def test_a_missing_partner_package_is_answered_with_the_pip_line(
    kind: str, package: str, extra: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    spec = MemberSpec(kind, kind, "m-1", "http://localhost:9/v1")
    with pytest.raises(MissingExtraError, match=rf"pip install 'langchain-lucky-models\[{extra}\]'"):
        family_of(kind).template(spec, workshop.wire)
