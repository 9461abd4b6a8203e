"""How an application changes a catalog: row by row or in batches, as a whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Protocol

from langchain_lucky_models.catalog import overlay
from langchain_lucky_models.catalog.entry import ModelEntry, State
from langchain_lucky_models.catalog.guards import Dropped, checked_entry, every
from langchain_lucky_models.catalog.keeping import Keepable
from langchain_lucky_models.catalog.shelves import found_entry
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.refs import ModelRef

Registrable = ModelEntry | Mapping[str, object]


class Editable(Keepable, Protocol):
    """The part of a catalog that changes its rows."""

    def _change(self, rows_after: Callable[[CatalogState], Mapping[str, Row]]) -> None:
        """Exchange the state for one with other rows; writers take turns."""

    def register(self, entry: Registrable) -> ModelEntry:
        """Add a model, or replace the one with the same ref.

        Raises:
            CatalogError: The row is refused.
        """
        return self.register_all((entry,))[0]

    def register_all(self, entries: Iterable[Registrable]) -> tuple[ModelEntry, ...]:
        """Add many models: all of them, or none where one is refused; the error names every one that is."""
        new = tuple(every(overlay.new_entry, entries))
        added = {str(entry.ref): Row(entry) for entry in new}
        self._change(lambda state: {**state.rows, **added})
        return new

    def update(
        self, ref: str | ModelRef, changes: Mapping[str, object] | None = None, /, **fields: object
    ) -> ModelEntry:
        """Change some fields of a model and leave the others; parts are merged field by field.

        Raises:
            UnknownModelError: There is no such model.
            CatalogError: A field does not exist, or may not have that value.

        Example:
            >>> from langchain_lucky_models.catalog import Catalog
            >>> catalog = Catalog([{"provider": "mybox", "id": "tiny", "limits": {"context": 4096}}])
            >>> catalog.update("mybox#tiny", limits={"output": 1024}).limits.context
            4096
        """
        return self.update_all({ref: {**(changes or {}), **fields}})[0]

    def update_all(self, changes: Mapping[str | ModelRef, Mapping[str, object]]) -> tuple[ModelEntry, ...]:
        """Change many models: all of them, or none where one is refused; the error names every one that is."""
        changed: dict[str, Row] = {}

        def merge(state: CatalogState) -> Mapping[str, Row]:
            merged = every(
                lambda change: overlay.merged_entry(found_entry(state, change[0]), change[1]), changes.items()
            )
            changed.update((str(entry.ref), Row(entry)) for entry in merged)
            return {**state.rows, **changed}

        self._change(merge)
        return tuple(row.entry for row in changed.values())

    def set_status(
        self,
        ref: str | ModelRef,
        state: State,
        *,
        replacement: str | None = None,
        shutdown_on: dt.date | None = None,
    ) -> ModelEntry:
        """Say where a model stands in its life; a retired one is refused by name, with its replacement.

        Args:
            ref: Which.
            state: `available`, `preview`, `deprecated` or `retired`.
            replacement: The ref to use instead, which the catalog must have.
            shutdown_on: The day from which nobody answers under that name.

        Raises:
            UnknownModelError: There is no such model, or no such replacement.
            CatalogError: The state means nothing.
        """
        instead = str(self.get(replacement).ref) if replacement is not None else None
        return self.update(ref, status={"state": state, "replacement": instead, "shutdown_on": shutdown_on})

    def refresh_all(
        self, entries: Iterable[ModelEntry], *, accept_prices: Container[str] = frozenset()
    ) -> tuple[Dropped, ...]:
        """Take in what a source says today; what the application registered or updated itself stays as it said.

        A price that fell by more than nine tenths may be a slip, and a budget would be kept by it: the old one stays.

        Args:
            entries: The models, as the source has them.
            accept_prices: The refs whose new price was looked at, and is right.

        Returns:
            The prices that were not believed, each with the reason.
        """
        fresh = tuple(checked_entry(entry) for entry in entries)
        held: list[Dropped] = []

        def refreshed(state: CatalogState) -> Mapping[str, Row]:
            rows, doubts = overlay.refreshed_rows(state.rows, fresh, accept_prices)
            held.extend(doubts)
            return rows

        self._change(refreshed)
        return tuple(held)

    def remove(self, ref: str | ModelRef) -> None:
        """Take a model out.

        Raises:
            UnknownModelError: There is no such model.
        """
        self.remove_all((ref,))

    def remove_all(self, refs: Iterable[str | ModelRef]) -> None:
        """Take many models out: all of them, or none where one is unknown."""
        asked = tuple(refs)

        def without(state: CatalogState) -> Mapping[str, Row]:
            gone = {str(found_entry(state, ref).ref) for ref in asked}
            return {ref: row for ref, row in state.rows.items() if ref not in gone}

        self._change(without)
