"""Ids of attempts and calls: unlike any other process's, in the order in which they were made, at next to no cost."""

from __future__ import annotations

import itertools
import os
import secrets
import time


class Numbers:
    """Gives out ids that sort by time within a process.

    Example:
        >>> numbers = Numbers()
        >>> numbers.next() < numbers.next()
        True
    """

    def __init__(self) -> None:
        self.forked()
        os.register_at_fork(after_in_child=self.forked)

    def forked(self) -> None:
        """A child's ids are its own."""
        self._prefix = f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(6)}-"
        self._count = itertools.count()

    def next(self) -> str:
        """A fresh id."""
        return f"{self._prefix}{next(self._count):08x}"


IDS = Numbers()
"""The process's own."""
