"""Pinned inputs: unchanged, accounted for, and made the same way every time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from catalog_build import snapshots
from catalog_build.exact import read_file
from catalog_build.sources import SOURCES
from catalog_build.sources.models_dev import PROVIDERS
from langchain_lucky_models.errors import CatalogError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the snapshots."""
    return shutil.copytree(snapshots.FOLDER, tmp_path / "snapshots")


def test_the_lock_fits_the_committed_snapshots() -> None:
    snapshots.check_lock()


def test_a_changed_snapshot_is_refused_by_name(folder: Path) -> None:
    with (folder / "groq/models.json").open("a", encoding="utf-8") as file:
        file.write(" ")
    with pytest.raises(CatalogError, match=r"groq  groq/models\.json.*python -m catalog_build lock"):
        snapshots.check_lock(folder)


def test_a_file_without_an_origin_is_refused_by_name(folder: Path) -> None:
    (folder / "stray.json").write_text("[]", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"disagree about stray\.json"):
        snapshots.credits_of(folder)


def test_an_origin_without_a_licence_is_refused_by_name(folder: Path) -> None:
    origins = folder / snapshots.ORIGINS
    text = origins.read_text(encoding="utf-8")
    origins.write_text(text.replace('licence = "MIT"\norigin = "litellm', 'origin = "litellm'), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"litellm/prices\.json\.gz lacks licence"):
        snapshots.credits_of(folder)


def test_every_source_states_its_licence_even_where_it_is_unknown() -> None:
    credits_ = snapshots.credits_of().values()
    assert all(credit.licence and credit.sha256 and credit.date for credit in credits_)
    assert len({credit.name for credit in credits_}) == len(credits_)


def test_snapshots_are_made_from_recordings(folder: Path, tmp_path: Path) -> None:
    """Recordings of the least that each source answers."""
    recorded = tmp_path / "recorded"
    for source in SOURCES:
        if source.recorded:
            path = recorded / source.recorded.removesuffix(".gz")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(_least(source.name)), encoding="utf-8")
            path.rename(recorded / source.recorded)  # unpacked content under a packed name is read as well
    first = {path: path.read_bytes() for path in snapshots.trim_recorded(recorded, folder)}
    again = {path: path.read_bytes() for path in snapshots.trim_recorded(recorded, folder)}
    assert first == again
    assert read_file(folder / "requesty/models.json") == [{"id": "m"}]


def _least(source: str) -> object:
    if source == "models.dev":
        return {provider: {"models": {}} for provider in PROVIDERS}
    if source in {"litellm", "openrouter-support"}:
        return {}
    return {"data": [{"id": "m", "description": "The very best model."}]}


def test_small_snapshots_stay_readable(tmp_path: Path) -> None:
    snapshots.write_snapshot(tmp_path / "new/small.json", {"b": 1, "a": 2})
    assert (tmp_path / "new/small.json").read_text(encoding="utf-8") == '{\n "a": 2,\n "b": 1\n}\n'
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["small.json"]


@pytest.mark.parametrize("page", ["docs/catalog.md", "NOTICE"])
def test_every_recorded_source_is_credited_with_its_date(page: str) -> None:
    text = (snapshots.HERE.parent / page).read_text(encoding="utf-8")
    assert [credit.name for credit in snapshots.credits_of().values() if credit.date not in text] == []
