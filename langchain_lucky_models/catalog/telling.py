"""What became of a catalog, as events."""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.prices import Price, price_at
from langchain_lucky_models.catalog.state import CatalogState
from langchain_lucky_models.extras import Later

if TYPE_CHECKING:
    from langchain_lucky_models.events import Events, kinds
else:
    # A catalog alone needs no loops and no threads, and has nobody to tell.
    kinds = Later("langchain_lucky_models.events.kinds")

_PRICE_FIELDS = {"pricing", "price_state"}


class Hearers:
    """The registries that hear what becomes of a catalog; it does not keep them alive."""

    def __init__(self) -> None:
        self._events: tuple[weakref.ref[Events], ...] = ()

    @property
    def listen(self) -> bool:
        """Whether anybody does."""
        return any(events.heard for events in self._alive())

    def add(self, events: Events) -> None:
        """Let one more registry hear of it."""
        self._events = (*map(weakref.ref, self._alive()), weakref.ref(events))

    def hear(self, before: CatalogState | None, after: CatalogState) -> None:
        """Tell what happened, unless the earlier state is not known because nobody listened."""
        for event in changes_between(before, after) if before is not None else ():
            for events in self._alive():
                events.publish(event)

    def _alive(self) -> list[Events]:
        return [events for known in self._events if (events := known()) is not None]


def changes_between(before: CatalogState, after: CatalogState) -> Iterator[kinds.Event]:
    """What happened to each model between two states, in the order of the later one; removals come first.

    Example:
        >>> old = CatalogState.of([ModelEntry(provider="mybox", id="tiny")])
        >>> new = CatalogState.of([ModelEntry(provider="mybox", id="tiny", family="small")])
        >>> [(event.kind, event.fields) for event in changes_between(old, new)]
        [('model_updated', ('family',))]
    """
    for ref in before.rows:
        if ref not in after.rows:
            yield kinds.ModelRemoved(ref=ref)
    for ref, row in after.rows.items():
        known = before.rows.get(ref)
        if known is None:
            yield kinds.ModelRegistered(ref=ref)
        elif not known.says(row):
            yield from _changes_of(ref, known.entry, row.entry)


def _changes_of(ref: str, old: ModelEntry, new: ModelEntry) -> Iterator[kinds.Event]:
    # Where a fact comes from is no fact about the model.
    names = [name for name in ModelEntry.model_fields if name != "prov" and getattr(old, name) != getattr(new, name)]
    if names:
        yield kinds.ModelUpdated(ref=ref, fields=tuple(names))
    if _PRICE_FIELDS & set(names):
        now = dt.datetime.now(dt.UTC)
        was, is_now = price_at(old, now) or Price(), price_at(new, now) or Price()
        yield kinds.PriceChanged(
            ref=ref, old_input=was.input, old_output=was.output, new_input=is_now.input, new_output=is_now.output
        )
