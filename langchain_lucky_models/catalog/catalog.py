"""The catalog: what it is asked, and how it is changed, exported, imported, swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from langchain_lucky_models.catalog import loading, overlay
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.catalog.shelves import Shelves, found_entry
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.catalog.telling import Hearers
from langchain_lucky_models.refs import ModelRef

if TYPE_CHECKING:
    from langchain_lucky_models.events import Events

Registrable = ModelEntry | Mapping[str, object]


class Catalog(Shelves):
    """What models exist: one immutable `CatalogState` at a time, exchanged whole.

    A reader in another thread sees the state before a change or the one after it. A refused change leaves it as it was.

    Args:
        entries: The models to begin with; none where left out.

    Example:
        >>> catalog = Catalog([{"provider": "mybox", "id": "tiny", "aliases": ["small"]}])
        >>> catalog.get("mybox#small").id
        'tiny'
        >>> "mybox#huge" in catalog, len(catalog)
        (False, 1)
    """

    def __init__(self, entries: Iterable[Registrable] = ()) -> None:
        self._lock = Lock()
        self._hearers = Hearers()
        self._state: CatalogState | None = CatalogState.of(overlay.new_entry(entry) for entry in entries)

    @classmethod
    def packaged(cls) -> Catalog:
        """The catalog that ships with the package, read when it is first asked something.

        Each call gives a catalog of its own over the same shared state: what one registers, the others never see.
        """
        catalog = cls()
        catalog._state = None
        return catalog

    @classmethod
    def from_bytes(cls, blob: bytes) -> Catalog:
        """A catalog from what `export` wrote, gzipped or not.

        Raises:
            CatalogError: The bytes hold no catalog.
        """
        return cls._over(loading.read_state(blob))

    @classmethod
    def from_file(cls, path: str | Path) -> Catalog:
        """A catalog from a file; see `from_bytes`."""
        return cls._over(loading.read_file(path))

    @classmethod
    def _over(cls, state: CatalogState) -> Catalog:
        catalog = cls()
        catalog._state = state
        return catalog

    @property
    def state(self) -> CatalogState:
        """Everything at this moment; it never changes, so a reader may keep it for as long as it needs one view."""
        return loading.packaged_state() if self._state is None else self._state

    def __repr__(self) -> str:
        return f"<Catalog: {len(self)} models>"

    def register(self, entry: Registrable) -> ModelEntry:
        """Add a model, or replace the one with the same ref.

        Raises:
            CatalogError: The row is refused.
        """
        return self.register_all((entry,))[0]

    def register_all(self, entries: Iterable[Registrable]) -> tuple[ModelEntry, ...]:
        """Add many models: all of them, or none where one is refused."""
        new = tuple(overlay.new_entry(entry) for entry in entries)
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
            >>> catalog = Catalog([{"provider": "mybox", "id": "tiny", "limits": {"context": 4096}}])
            >>> catalog.update("mybox#tiny", limits={"output": 1024}).limits.context
            4096
        """
        return self.update_all({ref: {**(changes or {}), **fields}})[0]

    def update_all(self, changes: Mapping[str | ModelRef, Mapping[str, object]]) -> tuple[ModelEntry, ...]:
        """Change many models: all of them, or none where one is refused."""
        changed: dict[str, Row] = {}

        def merge(state: CatalogState) -> Mapping[str, Row]:
            for ref, fields in changes.items():
                entry = overlay.merged_entry(found_entry(state, ref), fields)
                changed[str(entry.ref)] = Row(entry)
            return {**state.rows, **changed}

        self._change(merge)
        return tuple(row.entry for row in changed.values())

    def refresh_all(self, entries: Iterable[ModelEntry]) -> None:
        """Take in what a source says today; what the application registered or updated itself stays as it said."""
        fresh = tuple(checked_entry(entry) for entry in entries)
        self._change(lambda state: overlay.refreshed_rows(state.rows, fresh))

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

    def export(self) -> bytes:
        """The whole catalog as JSON, in the form of the packaged file."""
        return loading.write_state(self.state)

    def load(self, blob: bytes) -> None:
        """Replace everything by what `export` wrote.

        Raises:
            CatalogError: The bytes hold no catalog; what was there stays.
        """
        self.swap(loading.read_state(blob))

    def swap(self, state: Catalog | CatalogState) -> None:
        """Replace everything at once by another catalog's state."""
        whole = state.state if isinstance(state, Catalog) else state
        with self._lock:
            self._become(whole)

    def tell(self, events: Events) -> None:
        """Publish from now on what becomes of the models; several registries may hold one catalog."""
        self._hearers.add(events)

    def _change(self, rows_after: Callable[[CatalogState], Mapping[str, Row]]) -> None:
        # The lock keeps writers from losing each other's changes; readers need none.
        with self._lock:
            state = self.state
            self._become(replace(state, rows=rows_after(state)))

    def _become(self, after: CatalogState) -> None:
        # With the lock held, so that events come in the order of the changes; an unread catalog is not read for them.
        before = self.state if self._hearers.listen else None
        self._state = after
        self._hearers.hear(before, after)
