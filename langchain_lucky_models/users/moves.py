"""What was told of models that lead elsewhere: once for each, however many calls are led."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_lucky_models.events.kinds import ModelMigrated

if TYPE_CHECKING:
    from langchain_lucky_models.events import Events


class Moves:
    """Tells a registry's subscribers which stored refs lead to other models.

    Args:
        events: Who is told.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._told: set[tuple[str, str]] = set()

    def tell(self, user: str, old: str, new: str, reason: str) -> None:
        """Tell it, unless it was told before.

        Args:
            user: Whose call it was.
            old: The ref that is stored.
            new: The ref that is asked.
            reason: `renamed`, `moved`, `retired` or `vanished`.
        """
        if (old, new) not in self._told:
            # Two threads may both tell the first; nobody is harmed by hearing it twice.
            self._told.add((old, new))
            self._events.publish(ModelMigrated(old=old, new=new, reason=reason, user=user))
