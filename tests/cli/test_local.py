"""The embedded model from the terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Terminal = Callable[..., subprocess.CompletedProcess[str]]


def test_pulling_what_is_there_names_the_file(terminal: Terminal) -> None:
    told = terminal("local", "pull")
    assert told.stdout.endswith("smollm2-135m.gguf\n")
    assert told.stderr == ""


def test_pulling_an_unknown_model_says_what_there_is(terminal: Terminal) -> None:
    told = terminal("local", "pull", "smollm3")
    assert told.returncode == 1
    assert "there is smollm2-135m" in told.stderr


def test_the_status_lists_what_was_fetched_what_was_added_and_what_was_not(terminal: Terminal, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and more")
    cache = str(tmp_path / "cache")
    assert terminal("local", "add", "mine", str(own), LUCKY_CACHE_DIR=cache).stdout == "local#mine\n"
    rows = terminal("local", "status", LUCKY_CACHE_DIR=cache).stdout.splitlines()
    assert rows[1].split() == ["local#mine", f"{cache}/mine.gguf"]
    assert rows[2].split() == ["local#smollm2-135m", "not", "fetched"]
