"""One process at a time: a lock in the file system that dies with its holder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOOK_AGAIN = 0.1
"""Seconds between two looks at a lock that somebody else holds."""


@contextmanager
def own_turn(path: Path) -> Iterator[None]:
    """Hold the lock file for the block, waiting for whoever holds it now.

    The system lets go when the holder ends, however it ends, so no lock is ever left behind. The empty file stays:
    removing it would let two processes each hold a lock of the same name.

    Args:
        path: The lock file; its directory exists.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        while not lock_taken(handle):
            time.sleep(_LOOK_AGAIN)
        yield
    finally:
        os.close(handle)


def lock_taken(handle: int) -> bool:
    """Lock an open file until it is closed, unless somebody else holds it."""
    try:
        _take(handle)
    except (BlockingIOError, PermissionError):
        return False
    return True
