"""One whole catalog as one immutable value; its entries are validated when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from langchain_lucky_models.catalog.artefact import Migration, Source
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.catalog.migrations import table_of
from langchain_lucky_models.refs import SEPARATOR


class Row:
    """One model as it was read; the entry is made at the first look and kept, shared by every state that holds the row.

    Args:
        facts: The row's plain values, or the finished entry.
    """

    def __init__(self, facts: Mapping[str, object] | ModelEntry) -> None:
        self._facts = facts

    @cached_property
    def entry(self) -> ModelEntry:
        """The validated entry."""
        return self._facts if isinstance(self._facts, ModelEntry) else checked_entry(self._facts)

    @property
    def provider(self) -> str:
        """The entry's provider, without making the entry."""
        facts = self._facts
        return facts.provider if isinstance(facts, ModelEntry) else str(facts["provider"])

    def says(self, other: Row) -> bool:
        """Whether another row says the very same, as far as that can be told without making the entries."""
        return self is other or self._facts == other._facts

    def other_names(self, field_name: str) -> Iterable[str]:
        """The aliases or snapshots, without making the entry."""
        facts = self._facts
        found = getattr(facts, field_name) if isinstance(facts, ModelEntry) else facts.get(field_name, ())
        return found if isinstance(found, list | tuple) else ()


@dataclass(frozen=True)
class CatalogState:
    """Everything a catalog knows at one moment.

    Attributes:
        rows: The models by their refs, as text.
        sources: Where the facts came from; `ModelEntry.prov` counts into this table.
        migrations: Ids that were renamed, moved or retired.
        as_of: The newest date of any source, as an ISO date; empty where none is known.
    """

    rows: Mapping[str, Row] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    migrations: tuple[Migration, ...] = ()
    as_of: str = ""

    @classmethod
    def of(cls, entries: Iterable[ModelEntry]) -> CatalogState:
        """A state of just these entries; of two with one ref the last stays."""
        return cls({str(entry.ref): Row(entry) for entry in entries})

    @cached_property
    def entries(self) -> tuple[ModelEntry, ...]:
        """Every entry, in the order they were read or registered."""
        return tuple(row.entry for row in self.rows.values())

    @cached_property
    def other_names(self) -> Mapping[str, str]:
        """Aliases and dated snapshots as refs, each with the ref it means. An alias wins over a snapshot."""
        names: dict[str, str] = {}
        for field_name in ("snapshots", "aliases"):
            for ref, row in self.rows.items():
                names.update((f"{row.provider}{SEPARATOR}{name}", ref) for name in row.other_names(field_name))
        return names

    @cached_property
    def refs_by_name(self) -> Mapping[str, tuple[str, ...]]:
        """Bare names, each with the refs that have it as their id, alias, snapshot or last path part, in that order."""
        names: dict[str, dict[str, None]] = {}
        for name, ref in self._bare_names():
            names.setdefault(name, {})[ref] = None
        return {name: tuple(refs) for name, refs in names.items()}

    @cached_property
    def moved(self) -> Mapping[str, Migration]:
        """The migrations by their old refs."""
        return table_of(self.migrations)

    def find(self, ref: str) -> ModelEntry | None:
        """The entry with that ref; else the one with that alias; else the one with that snapshot. Nothing else."""
        row = self.rows.get(ref)
        if row is None and (meant := self.other_names.get(ref)) is not None:
            row = self.rows[meant]
        return None if row is None else row.entry

    def _bare_names(self) -> Iterator[tuple[str, str]]:
        yield from ((ref.partition(SEPARATOR)[2], ref) for ref in self.rows)
        for field_name in ("aliases", "snapshots"):
            for ref, row in self.rows.items():
                yield from ((name, ref) for name in row.other_names(field_name))
        yield from ((ref.partition(SEPARATOR)[2].rpartition("/")[2], ref) for ref in self.rows)
