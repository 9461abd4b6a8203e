"""What a catalog is asked: look up, search, follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final, Protocol, TypeVar, overload

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.migrations import Followed, follow
from langchain_lucky_models.catalog.search import Query, cheapest, query_of, select
from langchain_lucky_models.catalog.state import CatalogState
from langchain_lucky_models.errors.base import NEAREST_SHOWN, UnknownModelError, did_you_mean, nearest_names
from langchain_lucky_models.refs import SEPARATOR, ModelRef

T = TypeVar("T")
_RAISE: Final = object()


class Shelves(Protocol):
    """The part of a catalog that is read."""

    @property
    def state(self) -> CatalogState:
        """Everything at this moment; it never changes, so a reader may keep it for as long as it needs one view."""

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
            return found_entry(self.state, ref)
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

    def search(self, query: Query | None = None, /, **filters: object) -> list[ModelEntry]:
        """The models that match; see `Query` for what may be asked.

        Example:
            >>> from langchain_lucky_models.catalog import Catalog
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
        return follow(str(ref), self.state.moved)


def found_entry(state: CatalogState, ref: str | ModelRef) -> ModelEntry:
    """The model with that ref, alias or snapshot.

    Raises:
        UnknownModelError: There is none; the message offers the nearest.
    """
    entry = state.find(str(ref))
    if entry is None:
        raise _unknown(state, ref if isinstance(ref, ModelRef) else ModelRef.parse(ref))
    return entry


def _unknown(state: CatalogState, ref: ModelRef) -> UnknownModelError:
    moved = state.moved.get(str(ref))
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
