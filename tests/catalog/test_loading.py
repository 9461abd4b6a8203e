"""A catalog file is read whole or refused by name, and a hostile one costs neither memory nor time."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from langchain_lucky_models.catalog import loading
from langchain_lucky_models.catalog.loading import load_rows, read_file, read_state, write_state
from langchain_lucky_models.errors.base import CatalogError
from tests.catalog.rows import file_of

ROW: dict[str, Any] = {
    "provider": "mybox",
    "id": "tiny",
    "pricing": [{"input": "1", "output": "2"}],
    "price_state": "priced",
}
SOURCE = {"name": "somewhere", "date": "2026-11-12", "licence": "MIT"}
MIGRATION = {"old": "mybox#old", "new": "mybox#tiny", "kind": "renamed", "automatic": True}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_is_read_gzipped_or_not(*, zipped: bool) -> None:
    state = read_state(file_of([ROW], zipped=zipped, sources=[SOURCE], migrations=[MIGRATION]))
    assert list(state.rows) == ["mybox#tiny"]
    assert (state.as_of, state.sources[0].name, state.migrations[0].new) == ("2026-11-12", "somewhere", "mybox#tiny")


def test_what_is_written_is_read_again() -> None:
    state = read_state(file_of([ROW], sources=[SOURCE], migrations=[MIGRATION]))
    _ = state.entries[0].ref
    again = read_state(write_state(state))
    assert (again.entries, again.sources, again.migrations) == (state.entries, state.sources, state.migrations)
    assert write_state(again) == write_state(state)


GOOD = file_of([ROW])

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no JSON"),
    "html": (b"<html><body>502 Bad Gateway</body></html>", "no JSON"),
    "truncated gzip": (GOOD[:-20], "cut short|damaged"),
    "gzip without its end": (GOOD[:-4], "cut short"),
    "flipped bit": (GOOD[:40] + bytes([GOOD[40] ^ 255]) + GOOD[41:], "damaged|cut short|no JSON"),
    "something after the end": (GOOD + b"more", "something follows"),
    "pickle": (b"\x80\x04\x95\x05\x00\x00\x00", "no JSON"),
    "truncated JSON": (file_of([ROW], zipped=False)[:-5], "no JSON"),
    "NaN": (b'{"schema_version": 1, "as_of": NaN}', "no JSON"),
    "a list": (b"[]", "one JSON object, not list"),
    "a number": (b"7", "one JSON object, not int"),
    "another version": (file_of([ROW], schema_version=2), "schema_version is 2; this release reads 1"),
    "true as version": (file_of([ROW], schema_version=True), "schema_version is True"),
    "no rows": (file_of([]), "holds no models"),
    "rows of another type": (gzip.compress(b'{"schema_version":1,"models":{}}'), "holds no models"),
    "no sources": (gzip.compress(orjson.dumps({"schema_version": 1, "as_of": "x", "models": [ROW]})), "sources: Field"),
    "a tag in a source": (file_of([ROW], sources=[SOURCE | {"name": "<script>"}]), r"sources\.name: holds"),
    "an unknown field": (file_of([ROW], surprise=1), "surprise: Extra"),
    "duplicate ids": (file_of([ROW, ROW]), "row 1: mybox#tiny is there twice"),
    "-1": (file_of([ROW | {"pricing": [{"input": "-1"}]}]), r"row 0 \('mybox#tiny'\): pricing.0.input"),
    "a unit slip": (file_of([ROW | {"pricing": [{"input": "0.000001"}]}]), "one token's"),
    "a string for a row": (file_of(["openai#gpt-4o"]), "row 0: a row is an object, not str"),
    "a depth bomb": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "no JSON"),
    "a depth bomb in a row": (
        b'{"schema_version":1,"as_of":"x","sources":[],"models":[' + b"[" * 900 + b"]" * 900 + b"]}",
        "row 0: a row is an object, not list",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_name(case: str) -> None:
    """Case 101: what came instead of a catalog says what it is, and the one that was there stays."""
    blob, message = HOSTILE[case]
    with pytest.raises(CatalogError, match=message) as refusal:
        read_state(blob)
    assert len(str(refusal.value)) < 500


def test_a_gzip_bomb_is_never_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 101: sixty-four megabytes of blanks, sixty-four times the limit, stop at the limit."""
    monkeypatch.setattr(loading, "MOST_DECODED_BYTES", 2**20)
    bomb = gzip.compress(b" " * 2**26, compresslevel=1)
    tracemalloc.start()
    try:
        with pytest.raises(CatalogError, match="unfolds to more than"):
            read_state(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20


def test_a_huge_file_is_refused_before_it_is_looked_into() -> None:
    """Case 101: however large it is, it is measured first."""
    with pytest.raises(CatalogError, match="larger than"):
        read_state(b" " * (loading.MOST_BYTES + 1))


def test_too_many_rows_are_refused_before_they_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_ROWS", 2)
    with pytest.raises(CatalogError, match="has 3 rows; 2 is the most"):
        read_state(file_of([ROW, ROW, ROW]))
    kept, dropped = load_rows([ROW | {"id": str(number)} for number in range(10)])
    assert len(kept) == 2
    assert [fault.row for fault in dropped] == ["row 2 and after"]


def test_a_file_on_disk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json.gz"
    path.write_bytes(GOOD)
    assert read_file(str(path)).entries == read_state(GOOD).entries


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read: No such file"):
        read_file(tmp_path / "absent")
    with pytest.raises(CatalogError, match=r"cannot be read|no regular file"):
        read_file(tmp_path)


def test_a_pipe_in_the_files_place_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CatalogError, match="no regular file"):
        read_file(pipe)
