"""The bytes of a settings file, read without trusting its path, its kind or its size."""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Container, Iterable
from pathlib import Path

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.settings.beneath import OPENING, open_beneath

LARGEST_FILE = 1_000_000
"""Bytes of a settings file."""

ENDINGS = (".yaml", ".yml", ".json")

Member = tuple[Path, str] | ConfigError
"""A user's file and what it says, or why it cannot be read."""

_FILE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_@-]|\.(?!\.|$)){0,99}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def read_text(path: Path, *, folder: int | None = None, guarded: bool = False) -> str:
    """The text of a small regular file.

    Args:
        path: The file; a symbolic link is refused.
        folder: The descriptor of the open folder in which it stands; then only its name counts, and a link may lead
            further down in that folder.
        guarded: Whether a file that anybody may write is refused.

    Raises:
        ConfigError: It is not there, is something else than a small regular file, or is no UTF-8.
    """
    try:
        opened = os.open(path, OPENING) if folder is None else open_beneath(folder, path.name)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the file cannot be read: {_reason(error, path)}.", file=str(path)) from None
    try:
        facts = os.fstat(opened)
        if refusal := _refusal(facts, guarded=guarded):
            raise ConfigError(f"the file {refusal}.", file=str(path))
        if guarded:
            warn_of_stranger(facts, f"the file {path}")
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = file.read(LARGEST_FILE + 1)
    finally:
        os.close(opened)
    if len(content) > LARGEST_FILE:
        raise ConfigError(f"the file is larger than {LARGEST_FILE} bytes.", file=str(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not in UTF-8.", file=str(path), line=line) from None


def read_operators(path: Path) -> str:
    """The text of the operator's file. Links are followed, for platforms mount configurations as links.

    Raises:
        ConfigError: As for `read_text`; or anybody may write the file.
    """
    return read_text(Path(os.path.realpath(path)), guarded=True)


def read_member(folder: Path, name: str) -> tuple[Path, str]:
    """The text of the file that a user's id names in a folder, and of no other file.

    Raises:
        ConfigError: The id is no plain file name, or there is no such file.
    """
    opened = _opened_folder(folder)
    try:
        return _read_one(folder, opened, _listed(opened), name)
    finally:
        os.close(opened)


def read_members(folder: Path) -> dict[str, Member]:
    """What each user's file in a folder says, by the user's id, or why it cannot be read.

    Raises:
        ConfigError: It is no folder.
    """
    opened = _opened_folder(folder)
    try:
        known = _listed(opened)
        return {name: _tried_one(folder, opened, known, name) for name in _ids(known)}
    finally:
        os.close(opened)


def check_file_name(name: str) -> None:
    """Refuse a user's id that could lead out of a folder, or to two files that some systems hold for one.

    Raises:
        ConfigError: It holds something else than small letters, digits, '_', '-', '@' and single dots.
    """
    if not _FILE_NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise ConfigError(
            f"the user id {name[:100]!r} names no file: small letters, digits, '_', '-', '@' and single dots only."
            " Give the path of the file itself.",
            field="user_id",
        )


def warn_of_stranger(facts: os.stat_result, what: str) -> None:
    """Warn of a file that belongs to somebody else, who may change it at any time.

    It is no refusal: a container often runs as another than whoever owns what is mounted into it.
    """
    if os.name == "posix" and facts.st_uid not in {0, os.geteuid()}:
        warnings.warn(
            f"{what} belongs to the user {facts.st_uid}, who may change it at any time; run chown on it.",
            UserWarning,
            stacklevel=3,
        )


def _ids(known: Iterable[str]) -> list[str]:
    return sorted({Path(name).stem for name in known if name.endswith(ENDINGS) and not name.startswith(".")})


def _listed(folder: int) -> frozenset[str]:
    return frozenset(os.listdir(folder))


def _read_one(folder: Path, opened: int, known: Container[str], name: str) -> tuple[Path, str]:
    check_file_name(name)
    found = [name + ending for ending in ENDINGS if name + ending in known]
    if len(found) != 1:
        raise ConfigError(
            f"there {'are ' + ' and '.join(found) if found else 'is no ' + name + '.yaml'} for the user {name!r}.",
            file=str(folder),
        )
    path = folder / found[0]
    return path, read_text(path, folder=opened)


def _tried_one(folder: Path, opened: int, known: Container[str], name: str) -> Member:
    try:
        return _read_one(folder, opened, known, name)
    except ConfigError as error:
        return error


def _opened_folder(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the folder cannot be read: {_reason(error, folder)}.", file=str(folder)) from None


def _refusal(facts: os.stat_result, *, guarded: bool) -> str | None:
    if not stat.S_ISREG(facts.st_mode):
        return "is no regular file"
    if facts.st_size > LARGEST_FILE:
        return f"is larger than {LARGEST_FILE} bytes"
    if guarded and facts.st_mode & stat.S_IWOTH:
        return "may be written by anybody, who could send the house's keys elsewhere; run chmod o-w on it"
    return None


def _reason(error: OSError | ValueError, path: Path) -> str:
    if isinstance(error, ValueError):
        return "its name holds a NUL"
    if path.is_symlink():
        return "it is a symbolic link that leads elsewhere; give the file itself"
    return (error.strerror or "it is not there").lower()
