"""What of a catalog can be kept: all of it, or what the application made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from langchain_lucky_models.catalog import loading
from langchain_lucky_models.catalog.changes import CatalogChanges, changes_since
from langchain_lucky_models.catalog.shelves import Shelves
from langchain_lucky_models.catalog.state import CatalogState
from langchain_lucky_models.errors.base import CatalogError
from langchain_lucky_models.whole_files import write_whole


class Keepable(Shelves, Protocol):
    """The part of a catalog that writes it down."""

    @property
    def began(self) -> CatalogState:
        """Everything before the application said anything."""

    def export(self) -> bytes:
        """The whole catalog as JSON, in the form of the packaged file."""
        return loading.write_state(self.state)

    def save(self, path: str | Path) -> None:
        """Write what `export` gives into a file, whole or not at all; `Catalog.from_file` reads it.

        Raises:
            CatalogError: The file cannot be written; what was there stays.
        """
        try:
            write_whole(Path(path), self.export())
        except OSError as error:
            raise CatalogError(f"{path} cannot be written: {error.strerror}.") from None

    def changes(self) -> CatalogChanges:
        """What the application made of the catalog since it was opened; small, and good for a newer catalog too.

        Example:
            >>> from langchain_lucky_models.catalog import Catalog
            >>> catalog = Catalog.packaged()
            >>> entry = catalog.register({"provider": "mybox", "id": "tiny"})
            >>> [str(change.entry.ref) for change in catalog.changes().models]
            ['mybox#tiny']
        """
        return changes_since(self.began, self.state)
