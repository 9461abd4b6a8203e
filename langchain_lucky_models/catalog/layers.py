"""What an operator says of models in a file: over the catalog as it was opened, and below the application's changes."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from langchain_lucky_models.catalog import overlay
from langchain_lucky_models.catalog.changes import changes_since, with_changes
from langchain_lucky_models.catalog.shelves import found_entry
from langchain_lucky_models.catalog.state import CatalogState, Row


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is said of models over a catalog, in this order.

    Attributes:
        add: Models as `catalog.register` takes them.
        update: Changes by ref, as `catalog.update` takes them.
        remove: Refs.

    Example:
        >>> tiny = Overlay(add=({"provider": "mybox", "id": "tiny"},), update={"mybox#tiny": {"family": "small"}})
        >>> [row.entry.family for row in tiny.over(CatalogState()).rows.values()]
        ['small']
    """

    add: tuple[Mapping[str, object], ...] = ()
    update: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    remove: tuple[str, ...] = ()

    def over(self, state: CatalogState) -> CatalogState:
        """The state with this over it.

        Raises:
            CatalogError: A row is refused.
            UnknownModelError: A model that is to be changed or removed is not there.
        """
        added = {str(entry.ref): Row(entry) for entry in map(overlay.new_entry, self.add)}
        laid = replace(state, rows={**state.rows, **added})
        changed = [overlay.merged_entry(found_entry(laid, ref), fields) for ref, fields in self.update.items()]
        rows = {**laid.rows, **{str(entry.ref): Row(entry) for entry in changed}}
        for gone in {str(found_entry(laid, ref).ref) for ref in self.remove}:
            del rows[gone]
        return replace(state, rows=rows)


def differing_refs(one: CatalogState, other: CatalogState) -> tuple[str, ...]:
    """The refs of which two states say something else, in the order of their names."""
    refs = {**one.rows, **other.rows}
    return tuple(sorted(ref for ref in refs if not _same(one.rows.get(ref), other.rows.get(ref))))


def moved_over(now: CatalogState, before: CatalogState, after: CatalogState) -> CatalogState:
    """What lies over one state, over another one: rows that neither exchanges stay the very rows they are.

    Raises:
        CatalogError: A row is refused.
    """
    refs = set(differing_refs(before, after))
    made = with_changes(_only(after, refs), changes_since(_only(before, refs), _only(now, refs))).rows
    kept = {ref: made.get(ref, row) for ref, row in now.rows.items() if ref in made or ref not in refs}
    return replace(now, rows={**kept, **made})


def _only(state: CatalogState, refs: Container[str]) -> CatalogState:
    return replace(state, rows={ref: row for ref, row in state.rows.items() if ref in refs})


def _same(one: Row | None, other: Row | None) -> bool:
    return one is not None and other is not None and one.says(other)
