"""Opening a file of a folder, and nothing outside of it, whoever exchanges links meanwhile."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack

OPENING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Never through a link, and never waiting for somebody to write into a pipe."""
MOST_LINKS = 8


def open_beneath(folder: int, name: str) -> int:
    """Open a file of an open folder. Links are followed only further down, as those of mounted configurations lead.

    Each step opens one name in a folder that is open already, and no step follows a link or goes up. So whatever is
    exchanged between two steps, nothing outside is reached.

    Args:
        folder: The descriptor of the folder.
        name: A name in it.

    Returns:
        The descriptor of the file.

    Raises:
        OSError: There is no such file, or a link leads out of the folder.
    """
    steps, links = [name], 0
    with ExitStack() as passed:
        while True:
            step = steps.pop(0)
            down = _link_of(step, folder)
            if down is not None:
                links += 1
                steps = [*_steps_down(down, links), *steps]
                continue
            if not steps:
                return os.open(step, OPENING, dir_fd=folder)
            folder = os.open(step, OPENING | getattr(os, "O_DIRECTORY", 0), dir_fd=folder)
            passed.callback(os.close, folder)


def _link_of(name: str, folder: int) -> str | None:
    """Where a name leads, if it is a link."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None  # no link, or nothing: opening it tells


def _steps_down(target: str, links: int) -> list[str]:
    steps = [step for step in target.split("/") if step not in {"", "."}]
    if target.startswith("/") or ".." in steps or not steps or links > MOST_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return steps
