"""Files that are there whole or not at all, on disks that may be full."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from langchain_lucky_models.errors import LocalModelError

CACHE_VARIABLE = "LUCKY_CACHE_DIR"
"""The environment variable that moves the cache elsewhere."""

_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK = 1 << 20


def digest_of(path: Path) -> str:
    """The file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_room(needed: int, free: int) -> None:
    """Refuse to begin what cannot be finished.

    Raises:
        LocalModelError: Fewer bytes are free than needed.

    Example:
        >>> check_room(needed=191_000_000, free=50_000_000)
        Traceback (most recent call last):
        ...
        langchain_lucky_models.errors.base.LocalModelError: the cache directory's disk has too little room: 191 MB are \
needed, 50 MB are free. Free some, or set LUCKY_CACHE_DIR to another disk.
    """
    if free < needed:
        raise LocalModelError(
            f"the cache directory's disk has too little room: {megabytes(needed)} are needed, {megabytes(free)} are "
            f"free. Free some, or set {CACHE_VARIABLE} to another disk."
        )


@contextmanager
def disk_failures(directory: Path) -> Iterator[None]:
    """Turn what the disk refuses during the block into an error that says what to do about it.

    Raises:
        LocalModelError: The disk filled up, or the directory cannot be made or written.
    """
    try:
        yield
    except OSError as error:
        reason = "its disk filled up" if error.errno in _FULL_DISK else error.strerror
        raise LocalModelError(
            f"the cache directory {directory} cannot be written: {reason}. Nothing was left behind. "
            f"Set {CACHE_VARIABLE} to a directory that can."
        ) from error


def make_private(directory: Path) -> None:
    """Make the directory, for its owner alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_through(stream: IO[bytes], path: Path) -> None:
    """Write the stream to the file, and through to the disk itself."""
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


def megabytes(size: int) -> str:
    """The size as people read it.

    Example:
        >>> megabytes(98_362_432)
        '98 MB'
    """
    return f"{size / 1e6:.0f} MB"
