"""Records that nobody waits for: kept as they are until somebody looks, so that a call pays next to nothing."""

from __future__ import annotations

import functools
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterator

from langchain_lucky_models.ledger.commands import Append
from langchain_lucky_models.ledger.records import Record, bounded

MOST_UNWRITTEN = 5_000
"""Records that are kept at most before they are written all the same."""

Draft = Callable[[], Record]
"""Makes a record when it is needed; cheaper than making it now."""


class Unwritten:
    """Drafts in the order they came, safe in threads without a lock.

    Example:
        >>> drafts = Unwritten()
        >>> drafts.keep(lambda: Record(attempt_id="1", user="ada", provider="p", model="p#m", outcome="answered"), 5)
        False
        >>> [(command.record.user, command.at) for command in drafts.taken()], len(drafts)
        ([('ada', 5)], 0)
    """

    def __init__(self) -> None:
        self._drafts: deque[tuple[Draft, int]] = deque()
        # What the parent has not written is the parent's to write.
        os.register_at_fork(after_in_child=functools.partial(_emptied, weakref.ref(self)))

    def __len__(self) -> int:
        return len(self._drafts)

    def keep(self, draft: Draft, at: int) -> bool:
        """Keep a draft; true once there are so many that they should be written.

        Args:
            draft: Makes the record.
            at: When it happened, in microseconds since 1970.
        """
        self._drafts.append((draft, at))
        return len(self._drafts) >= MOST_UNWRITTEN

    def taken(self) -> Iterator[Append]:
        """Take every draft out, as a command to write it."""
        while self._drafts:
            try:
                draft, at = self._drafts.popleft()
            except IndexError:
                return  # somebody else took the last
            yield Append(bounded(draft()), at=at)

    def clear(self) -> None:
        """Forget them."""
        self._drafts = deque()


def _emptied(reference: weakref.ref[Unwritten]) -> None:
    if (unwritten := reference()) is not None:
        unwritten.clear()
