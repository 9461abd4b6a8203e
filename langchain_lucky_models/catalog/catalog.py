"""The catalog: look up, search, change, export, import, swap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar, overload

from langchain_lucky_models.catalog import loading, overlay
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.catalog.migrations import Followed, follow, table_of
from langchain_lucky_models.catalog.search import Query, cheapest, query_of, select
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.errors.base import NEAREST_SHOWN, UnknownModelError, did_you_mean, nearest_names
from langchain_lucky_models.refs import SEPARATOR, ModelRef

T = TypeVar("T")
_RAISE: Final = object()

Registrable = ModelEntry | Mapping[str, object]


class Catalog:
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

    @overload
    def get(self, ref: str | ModelRef) -> ModelEntry: ...

    @overload
    def get(self, ref: str | ModelRef, default: T) -> ModelEntry | T: ...

    def get(self, ref: str | ModelRef, default: object = _RAISE) -> object:
        """The model with that ref; else the one with that alias at that provider; else that dated snapshot.

        Args:
            ref: `provider#model`.
            default: What to return where there is none.

        Raises:
            UnknownModelError: There is none, and no default was given.
            InvalidRefError: The text has no form of a ref, and no default was given.
        """
        if default is _RAISE:
            return _found(self.state, ref)
        entry = self.state.find(str(ref))
        return default if entry is None else entry

    def find(self, name: str) -> tuple[ModelEntry, ...]:
        """Every model that a bare name may mean, over all providers: by id, then alias, snapshot, last path part."""
        state = self.state
        return tuple(state.rows[ref].entry for ref in state.refs_by_name.get(name, ()))

    def entries(self) -> tuple[ModelEntry, ...]:
        """Every model."""
        return self.state.entries

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self.state.entries)

    def __len__(self) -> int:
        return len(self.state.rows)

    def __contains__(self, ref: object) -> bool:
        return isinstance(ref, str | ModelRef) and self.state.find(str(ref)) is not None

    def __repr__(self) -> str:
        return f"<Catalog: {len(self)} models>"

    def search(self, query: Query | None = None, /, **filters: object) -> list[ModelEntry]:
        """The models that match; see `Query` for what may be asked.

        Example:
            >>> catalog = Catalog([{"provider": "mybox", "id": "tiny"}, {"provider": "cloud", "id": "huge"}])
            >>> [entry.id for entry in catalog.search(provider="cloud")]
            ['huge']
        """
        return select(self.state.entries, query_of(query, filters), on=_today())

    def cheapest(self, query: Query | None = None, /, **filters: object) -> ModelEntry | None:
        """The chat model in service with the lowest known price that matches; see `Query`."""
        return cheapest(self.state.entries, query_of(query, filters), on=_today())

    def follow(self, ref: str | ModelRef) -> Followed:
        """Where a stored ref leads today, through every renaming."""
        return follow(str(ref), table_of(self.state.migrations))

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
                entry = overlay.merged_entry(_found(state, ref), fields)
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
            gone = {str(_found(state, ref).ref) for ref in asked}
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
            self._state = whole

    def _change(self, rows_after: Callable[[CatalogState], Mapping[str, Row]]) -> None:
        # The lock keeps writers from losing each other's changes; readers need none.
        with self._lock:
            state = self.state
            self._state = replace(state, rows=rows_after(state))


def _found(state: CatalogState, ref: str | ModelRef) -> ModelEntry:
    entry = state.find(str(ref))
    if entry is None:
        raise _unknown(state, ref if isinstance(ref, ModelRef) else ModelRef.parse(ref))
    return entry


def _unknown(state: CatalogState, ref: ModelRef) -> UnknownModelError:
    moved = table_of(state.migrations).get(str(ref))
    if moved is not None:
        then = f"use {moved.new}" if moved.new else "nothing replaces it"
        return UnknownModelError(
            f"{ref} was {moved.kind}; {then}.", asked=str(ref), nearest=(moved.new,) if moved.new else ()
        )
    near = _near(state, ref)
    return UnknownModelError(
        f"the catalog has no {ref}.{did_you_mean(near)} catalog.register() adds a model.", asked=str(ref), nearest=near
    )


def _near(state: CatalogState, ref: ModelRef) -> list[str]:
    """The same model elsewhere, then names at the same provider that look like it."""
    elsewhere = state.refs_by_name.get(ref.model, ())
    at_provider = [known for known in state.rows if known.startswith(f"{ref.provider}{SEPARATOR}")]
    return list(dict.fromkeys([*elsewhere, *nearest_names(str(ref), at_provider or state.rows)]))[:NEAREST_SHOWN]


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
