"""Our own decisions: each with its reason and date."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from catalog_build.build import Built
from catalog_build.claims import Refused
from catalog_build.sources import curated
from langchain_lucky_models.errors import CatalogError


def test_a_decision_without_a_reason_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(curated.FOLDER, tmp_path / "curated")
    aliases = folder / "aliases.toml"
    aliases.write_text('[[alias]]\nref = "openai#a"\nalso = ["b"]\ndate = "2026-11-21"\n', encoding="utf-8")
    with pytest.raises(CatalogError, match=r"aliases\.toml: openai#a lacks a reason or a date"):
        curated.read_curated(folder)


def test_every_decision_is_about_a_model_that_is_there(built: Built) -> None:
    """Or about one whose id now leads to another."""
    tables = curated.read_curated()
    refs = set(built.drafts)
    assert set(curated.aliases(tables).values()) <= refs
    assert set(curated.trusted(tables)) <= refs
    assert {claim.ref for claim in curated.claims(tables)} <= refs


def test_no_trusted_price_could_do_without_the_decision(built: Built) -> None:
    """One that others agree with by now is to be deleted."""
    for ref, source in curated.trusted(curated.read_curated()).items():
        assert built.drafts[ref].price.sources == (source,)


def test_local_models_cost_nothing_and_say_so(built: Built) -> None:
    entries = [entry for entry in built.artefact.models if entry.provider in {"local", "ollama", "vllm"}]
    assert {(entry.price_state, entry.price_basis, entry.open_weights) for entry in entries} == {
        ("local", "local", True)
    }
    assert not [one for one in built.refused if isinstance(one, Refused) and one.source == curated.NAME]


def test_our_credit_changes_with_our_decisions(tmp_path: Path) -> None:
    folder = shutil.copytree(curated.FOLDER, tmp_path / "curated")
    before = curated.credit(folder)
    with (folder / "local.toml").open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    assert curated.credit(folder).sha256 != before.sha256
    assert before == curated.credit()
