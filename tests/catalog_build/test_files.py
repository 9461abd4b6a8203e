"""The artefact as a file: small, the same every time, and true to its schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from catalog_build import files
from catalog_build.build import Built, build, gather
from langchain_lucky_models.catalog import Catalog
from langchain_lucky_models.errors import CatalogError


def test_the_same_inputs_give_the_same_bytes(built: Built) -> None:
    again = files.artefact_bytes(build(gather()).artefact)
    assert files.packed(again) == files.packed(files.artefact_bytes(built.artefact))


def test_the_artefact_fits_into_a_wheel(built: Built) -> None:
    assert len(files.packed(files.artefact_bytes(built.artefact))) < files.MOST_PACKED


def test_an_artefact_that_has_grown_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_PACKED", 10)
    with pytest.raises(CatalogError, match="10 is the most"):
        files.packed(b"x" * 1000)


def test_the_artefact_is_what_its_schema_says(built: Built) -> None:
    schema = json.loads(files.schema_bytes())
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(json.loads(files.artefact_bytes(built.artefact)))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("pricing", [{"input": 5}]), ("price_state", "cheap"), ("limits", {"context": 0}), ("colour", 1)],
)
def test_the_schema_refuses_what_the_form_refuses(built: Built, field: str, value: object) -> None:
    content = json.loads(files.artefact_bytes(built.artefact))
    content["models"][0][field] = value
    assert not Draft202012Validator(json.loads(files.schema_bytes())).is_valid(content)


def test_what_is_written_is_read_back_unchanged(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "catalog.json.gz"
    path.write_bytes(files.packed(files.artefact_bytes(built.artefact)))
    assert files.read_artefact(path) == built.artefact


def test_what_is_no_artefact_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"models": []}', encoding="utf-8")
    with pytest.raises(CatalogError, match=r"old\.json is no artefact"):
        files.read_artefact(path)


def test_the_reader_finds_every_model_of_it(built: Built) -> None:
    catalog = Catalog.from_bytes(files.packed(files.artefact_bytes(built.artefact)))
    assert [str(entry.ref) for entry in catalog] == [str(entry.ref) for entry in built.artefact.models]


def test_no_benchmark_rows_and_no_addresses_ship(built: Built) -> None:
    """Only the derived score does."""
    content = files.artefact_bytes(built.artefact).decode().lower()
    for word in ("artificial", "swe-bench", "elo", "https://"):
        assert f'"{word}' not in content
        assert f"{word}_" not in content
