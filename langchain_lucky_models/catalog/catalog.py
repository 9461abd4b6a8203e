"""The catalog: what it is asked, and how it is changed, exported, imported, swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from langchain_lucky_models.catalog import loading, overlay
from langchain_lucky_models.catalog.changes import CatalogChanges, with_changes
from langchain_lucky_models.catalog.editing import Editable, Registrable
from langchain_lucky_models.catalog.layers import Overlay, differing_refs, moved_over
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.catalog.telling import Hearers

if TYPE_CHECKING:
    from langchain_lucky_models.events import Events


class Catalog(Editable):
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
        self._opened: CatalogState | None = self._state
        self._base: CatalogState | None = self._state
        self._overlays: dict[str, Overlay] = {}

    @classmethod
    def packaged(cls) -> Catalog:
        """The catalog that ships with the package, read when it is first asked something.

        Each call gives a catalog of its own over the same shared state: what one registers, the others never see.
        """
        catalog = cls()
        catalog._state = catalog._base = catalog._opened = None
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
        catalog._state = catalog._base = catalog._opened = state
        return catalog

    @property
    def state(self) -> CatalogState:
        """Everything at this moment; it never changes, so a reader may keep it for as long as it needs one view."""
        return loading.packaged_state() if self._state is None else self._state

    @property
    def began(self) -> CatalogState:
        """Everything before the application said anything: as it was opened, with what an operator says over it."""
        return loading.packaged_state() if self._base is None else self._base

    def __repr__(self) -> str:
        return f"<Catalog: {len(self)} models>"

    def still(self) -> Catalog:
        """A catalog of its own that has this moment's state, and keeps it."""
        return self._over(self.state)

    def load(self, blob: bytes) -> None:
        """Replace everything by what `export` wrote.

        Raises:
            CatalogError: The bytes hold no catalog; what was there stays.
        """
        self.swap(loading.read_state(blob))

    def apply(self, changes: CatalogChanges) -> None:
        """Put changes over the catalog as it was opened, in the place of those that were made since.

        Raises:
            CatalogError: A row is refused; the catalog stays as it is.
        """
        self.swap(with_changes(self.began, changes))

    def swap(self, state: Catalog | CatalogState) -> None:
        """Replace everything at once by another catalog's state."""
        whole = state.state if isinstance(state, Catalog) else state
        with self._lock:
            self._become(whole)

    def tell(self, events: Events) -> None:
        """Publish from now on what becomes of the models; several registries may hold one catalog."""
        self._hearers.add(events)

    def lay(self, name: str, said: Overlay) -> tuple[str, ...]:
        """Put what an operator says over the catalog as it was opened, in the place of what that name said before.

        What the application changes goes over it, whenever it was changed.

        Returns:
            The refs of which it says something else than before.

        Raises:
            CatalogError: A row is refused; the catalog stays as it is.
            UnknownModelError: A model that is to be changed or removed is not there; the catalog stays as it is.
        """
        with self._lock:
            overlays = {**self._overlays, name: said}
            before = self.began
            base = loading.packaged_state() if self._opened is None else self._opened
            for one in overlays.values():
                base = one.over(base)
            after = moved_over(self.state, before, base)
            self._overlays, self._base = overlays, base
            self._become(after)
        return differing_refs(before, base)

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
