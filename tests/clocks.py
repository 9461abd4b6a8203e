"""Time as tests may speak of it on a machine that does other things too."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

PULSE = 0.005
HOPS = 10
"""From a switch to what it ends lie a few threads and turns of a loop, each of which may be kept waiting as long."""


class Stopwatch:
    """Seconds since it was started, and how late the machine itself was meanwhile.

    A thread that only sleeps tells by how much its sleeps are too long. Whatever else has to wait for the processor
    meanwhile waits as long, a few times over; what is left is the time that the code under test took.

    Example:
        >>> with Stopwatch() as watch:
        ...     time.sleep(0.01)
        >>> watch.seconds < 0.1
        True
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._late = 0.0
        self._began = self._ended = 0.0
        self._pulse = threading.Thread(target=self._beat, name="stopwatch", daemon=True)

    def __enter__(self) -> Self:
        self._pulse.start()
        self._began = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended = time.monotonic()
        self._over.set()
        self._pulse.join()

    @property
    def late(self) -> float:
        """What may be the machine's doing."""
        return HOPS * self._late

    @property
    def seconds(self) -> float:
        """What was the code's."""
        return max(0.0, self._ended - self._began - self.late)

    def _beat(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            time.sleep(PULSE)
            self._late = max(self._late, time.monotonic() - began - PULSE)
