"""The thread that looks at files."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

CLOSING_SECONDS = 2.0
"""Seconds that closing waits for a look that is under way."""


class Watchman(Protocol):
    """Somebody who looks when told to."""

    def step(self) -> float:
        """Look once; seconds until the next look."""


class Watch:
    """A thread that lets somebody look again and again, and keeps nobody alive.

    Args:
        watchman: Who looks.
    """

    def __init__(self, watchman: Watchman) -> None:
        self._over = threading.Event()
        work = (weakref.ref(watchman), self._over)
        self._thread = threading.Thread(target=_look_on, args=work, name="lucky-reload", daemon=True)
        self._thread.start()

    @property
    def on(self) -> bool:
        """Whether it has not been closed."""
        return not self._over.is_set()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSING_SECONDS)


def _look_on(watchman: weakref.ref[Watchman], over: threading.Event) -> None:
    pause = 0.0
    while not over.wait(pause):
        if (found := watchman()) is None:
            return
        pause = found.step()
        del found  # or nobody could ever let go of it
