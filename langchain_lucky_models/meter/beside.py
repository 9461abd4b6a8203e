"""Small work on a server that no call should wait for: one thread does it, in order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from langchain_lucky_models import errors
from langchain_lucky_models.ledger.writer import Writer

Work = Callable[[], object]


class Beside:
    """Does work beside the calls; safe in threads, event loops and after a fork."""

    def __init__(self) -> None:
        self._writer = Writer(_WorkDesk())

    def do(self, work: Work) -> None:
        """Have it done soon; where too much waits already, now."""
        try:
            self._writer.submit(work)
        except errors.LedgerUnavailableError:
            work()

    def close(self) -> None:
        """Do what waits."""
        self._writer.close()


class _WorkDesk:
    """The desk of work that nobody asks the result of."""

    def carry_out(self, commands: Sequence[Work]) -> Sequence[object]:
        for work in commands:
            with contextlib.suppress(Exception):
                work()
        return [None] * len(commands)

    def tidy(self) -> None:
        """Nothing grows untidy."""

    def forked(self) -> None:
        """What the parent wanted done is the parent's."""
