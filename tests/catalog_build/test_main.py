"""The commands, as a maintainer runs them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from catalog_build import files, snapshots
from catalog_build.__main__ import main


def run(*words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, words)


def test_the_committed_files_are_what_a_fresh_build_writes() -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"1\d\d\d models of 2026-\d\d-\d\d, \d+ days old: as built\.\n", result.output)


def test_check_fails_on_a_file_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "REPORT", tmp_path / "report.json")
    result = run("check")
    assert result.exit_code == 1
    assert "report.json differ from a fresh build. Run `python -m catalog_build build`." in result.output


def test_build_writes_the_three_files_the_same_way_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = {path.name: path for path in (files.ARTEFACT, files.SCHEMA, files.REPORT)}
    for name in ("ARTEFACT", "SCHEMA", "REPORT"):
        monkeypatch.setattr(files, name, tmp_path / getattr(files, name).name)
    assert run("build").exit_code == 0
    written = {path.name: path for path in tmp_path.iterdir()}
    assert {name: files.committed(path) for name, path in written.items()} == {
        name: files.committed(path) for name, path in committed.items()
    }


def test_build_refuses_an_upheaval_until_it_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARTEFACT", "SCHEMA", "REPORT"):
        monkeypatch.setattr(files, name, tmp_path / getattr(files, name).name)
    real = files.read_artefact(files.DATA / "catalog.json.gz")
    dearer = [
        entry.model_copy(update={"pricing": ()}) if entry.provider == "openai" else entry for entry in real.models
    ]
    files.ARTEFACT.write_bytes(files.packed(files.artefact_bytes(real.model_copy(update={"models": tuple(dearer)}))))
    refused = run("build")
    assert refused.exit_code == 1
    assert "prices changed" in refused.output
    assert "--accept-changes" in refused.output
    assert not files.SCHEMA.exists()
    assert run("build", "--accept-changes").exit_code == 0


def test_changed_inputs_stop_every_command_with_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.lock").write_text("", encoding="utf-8")
    monkeypatch.setattr(snapshots.check_lock, "__defaults__", (snapshots.FOLDER, tmp_path / "sources.lock"))
    result = run("check")
    assert result.exit_code == 1
    assert result.output.startswith("Error: sources.lock does not fit the snapshots")


def test_explain_and_diff_speak() -> None:
    assert "pricing  genai-prices, litellm, models.dev" in run("explain", "openai#gpt-4o").output
    assert run("diff", str(files.ARTEFACT), str(files.ARTEFACT)).output == ""
    assert run("diff", str(files.ARTEFACT)).output == ""


def test_explain_offers_near_names() -> None:
    result = run("explain", "openai#gpt-4oo")
    assert result.exit_code == 1
    assert "Nearest: openai#gpt-4o" in result.output


def test_fetch_without_a_key_says_so_and_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.setattr(snapshots, "LOCK", tmp_path / "sources.lock")
    result = run("fetch", "--only", "groq")
    assert result.exit_code == 0
    assert result.output.startswith("fetching")  # the label of the progress bar
    assert "groq: kept: set GROQ_API_KEY to refresh it" in result.output
    assert (tmp_path / "sources.lock").read_text(encoding="utf-8") == snapshots.lock_text()


def test_one_address_is_for_one_source() -> None:
    assert "--url goes with exactly one --only" in run("fetch", "--url", "http://127.0.0.1:1").output


def test_lock_writes_what_check_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LOCK", tmp_path / "sources.lock")
    assert run("lock").exit_code == 0
    snapshots.check_lock(lock=tmp_path / "sources.lock")
    shutil.rmtree(tmp_path)
