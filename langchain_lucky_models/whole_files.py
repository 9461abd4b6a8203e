"""Files that are whole or not there: written beside, synced, put in place; read with bounds and from nobody else."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put the bytes in the file's place, for our eyes only; a crash at any instant leaves the old file or the new.

    Of two writers at once the later one's file stays, whole. What a link leads to is replaced, not the link.

    Raises:
        OSError: The folder is not there or cannot be written, or its disk is full; what was there stays.
    """
    goal = Path(os.path.realpath(path))
    # A name of its own for every writer, so that two never write into one file; mkstemp gives it to us alone.
    handle, name = tempfile.mkstemp(prefix=f".{goal.name}.", suffix=".part", dir=goal.parent)
    ready = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(ready, goal)
    except BaseException:
        ready.unlink(missing_ok=True)
        raise


def put_in_place(ready: Path, goal: Path) -> None:
    """Give a finished file its name; a crash at any moment leaves the whole file there, or none."""
    ready.replace(goal)
    sync_folder(goal.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder last; the rename itself is durable only once its folder is."""
    # Where a folder cannot be opened (Windows), the rename itself is all there is.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_own(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file that only its owner can have written, who is us or the system's administrator.

    Raises:
        PermissionError: It is somebody else's, or anybody may write it.
        OSError: It cannot be read, is no regular file, or is larger than that.
    """
    # Not blocking, so that a pipe in the file's place cannot hold us up.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no regular file")
        if hasattr(os, "geteuid") and (found.st_uid not in {os.geteuid(), 0} or found.st_mode & stat.S_IWOTH):
            raise PermissionError(0, "it belongs to somebody else, or anybody may write it")
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(0, f"it is larger than {most_bytes} bytes")
    return data
