"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from langchain_lucky_models.embedded import disk
from langchain_lucky_models.errors import LocalModelError
from langchain_lucky_models.whole_files import put_in_place


def test_room_that_is_just_enough_is_enough() -> None:
    disk.check_room(needed=100, free=100)
    with pytest.raises(LocalModelError, match=r"too little room: 2 MB are needed, 1 MB are free"):
        disk.check_room(needed=2_000_000, free=1_000_000)


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "its disk filled up"), (errno.EDQUOT, "its disk filled up"), (errno.EROFS, "")]
)
def test_what_the_disk_refuses_becomes_advice(tmp_path: Path, number: int, says: str) -> None:
    with (
        pytest.raises(LocalModelError, match=f"{says or os.strerror(number)}.*LUCKY_CACHE_DIR"),
        disk.disk_failures(tmp_path),
    ):
        raise OSError(number, os.strerror(number))


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(KeyError), disk.disk_failures(tmp_path):
        raise KeyError("mine")


def test_a_finished_file_replaces_the_one_of_its_name(tmp_path: Path) -> None:
    ready, goal = tmp_path / "ready", tmp_path / "goal"
    goal.write_text("old")
    disk.write_through(io.BytesIO(b"new"), ready)
    put_in_place(ready, goal)
    assert goal.read_text() == "new"
    assert list(tmp_path.iterdir()) == [goal]


def test_the_digest_is_the_one_that_everybody_computes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert disk.digest_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_cache_directory_is_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "cache"
    disk.make_private(directory)
    disk.make_private(directory)
    assert directory.stat().st_mode & 0o077 == 0
