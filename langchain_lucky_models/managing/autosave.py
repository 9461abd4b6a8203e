"""A registry's state, written whenever it has changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_lucky_models.whole_files import write_whole

if TYPE_CHECKING:
    from langchain_lucky_models.events.kinds import Event

KINDS = ("model_registered", "model_updated", "model_removed", "config_reloaded", "rollout_changed")
"""The events after which something may be new."""

logger = logging.getLogger(__name__)


class Autosave:
    """Writes a file whenever what it holds has changed; a thousand changes in a row cost a few writings.

    Args:
        path: The file.
        moment: What tells one state from the next, at no cost.
        written: Makes the file's bytes.
    """

    def __init__(self, path: Path, moment: Callable[[], object], written: Callable[[], bytes]) -> None:
        self.path = path
        self.failure: OSError | None = None
        self._moment = moment
        self._written = written
        self._saved = moment()
        self._lock = threading.Lock()

    def hear(self, _event: Event | None = None) -> None:
        """Something happened: write, unless the last writing has it already. A full disk is told once, in the log."""
        try:
            self.save()
        except OSError as error:
            if self.failure is None:
                logger.warning("the state of a registry cannot be saved to %s: %s", self.path, error.strerror)
            self.failure = error

    def save(self) -> None:
        """Write now, if anything is new.

        Raises:
            OSError: The file cannot be written; the one before stays, and the next change tries again.
        """
        with self._lock:
            # Looked at before the bytes are made: what changes meanwhile is another moment, and is written then.
            moment = self._moment()
            if moment != self._saved or self.failure is not None:
                write_whole(self.path, self._written())
                self._saved, self.failure = moment, None
