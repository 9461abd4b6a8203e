"""The published schemas are the models', and the examples keep to them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import jsonschema
import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.cli.config import KINDS
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.settings import Source, schema_of

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    ("registry", DOCS / "examples" / "registry.yaml"),
    ("registry", DOCS / "examples" / "registry.json"),
    ("registry", DOCS / "examples" / "accounts.yaml"),
    ("registry", DOCS / "examples" / "rollout.yaml"),
    *(("user", path) for path in sorted((DOCS / "examples" / "researchers").iterdir())),
]


def published(kind: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((DOCS / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_what_the_command_prints(kind: str) -> None:
    """Renewed by `lucky-models config schema KIND > docs/schemas/KIND.schema.json`."""
    jsonschema.Draft202012Validator.check_schema(published(kind))
    assert published(kind) == schema_of(KINDS[kind])


@pytest.mark.parametrize(("kind", "path"), EXAMPLES, ids=[path.name for _, path in EXAMPLES])
def test_every_example_is_read_and_keeps_to_its_schema(kind: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYBOX_URL", "http://localhost:8000/v1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = Source.of_operator(path) if kind == "registry" else Source.of_user(path)
    source.settings(KINDS[kind])
    jsonschema.validate(source.value, published(kind))
    if kind == "registry":
        create_llm_registry(path).close()


@pytest.mark.parametrize(
    "text",
    [
        "provider: {}",
        "tiers: {a: {}}",
        "default_tier: 3",
        "providers: {a: {timeout: -1}}",
        "budgets: [{limt: 1}]",
        "budgets: {limit: 1}",
        "limits: [{concurrent: 0}]",
        "ledger: 3",
        "unknown_price: true",
    ],
)
def test_an_editor_sees_the_same_faults(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    source = Source.of_operator(file)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(source.value, published("registry"))
    with pytest.raises(ConfigError):
        source.settings(KINDS["registry"])
