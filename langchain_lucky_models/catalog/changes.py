"""What an application made of a catalog, apart from the catalog: kept beside it, and put over a newer one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from langchain_lucky_models.catalog.entry import ModelEntry, Part
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.catalog.overlay import APPLICATION
from langchain_lucky_models.catalog.state import CatalogState, Row


class ChangedModel(Part):
    """A model that is new, or says something else than the catalog it stands in.

    Attributes:
        entry: The whole model.
        fields: What of it is the application's; nothing where the whole model is.
    """

    entry: ModelEntry
    fields: tuple[str, ...] | None = None


class CatalogChanges(Part):
    """Everything by which one state differs from another.

    Attributes:
        models: Those that are new or say something else.
        removed: The refs of those that are gone.
    """

    models: tuple[ChangedModel, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.models or self.removed)


def changes_since(base: CatalogState, now: CatalogState) -> CatalogChanges:
    """By what a state differs from the one it began as; of a model that both have, field by field.

    Example:
        >>> base = CatalogState.of([ModelEntry(provider="mybox", id="tiny")])
        >>> now = CatalogState.of([ModelEntry(provider="mybox", id="tiny", family="small")])
        >>> [(change.entry.id, change.fields) for change in changes_since(base, now).models]
        [('tiny', ('family',))]
    """
    return CatalogChanges(
        models=tuple(_changed(base.rows, now.rows)), removed=tuple(ref for ref in base.rows if ref not in now.rows)
    )


def with_changes(base: CatalogState, changes: CatalogChanges) -> CatalogState:
    """A state with the changes in it; of a model that it has as well, only the changed fields are put over its own.

    Raises:
        CatalogError: A row is refused.
    """
    gone = set(changes.removed)
    rows = {ref: row for ref, row in base.rows.items() if ref not in gone}
    for change in changes.models:
        ref = str(change.entry.ref)
        rows[ref] = Row(_put_over(rows.get(ref), change))
    return replace(base, rows=rows)


def _changed(before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[ChangedModel]:
    for ref, row in after.items():
        known = before.get(ref)
        if known is None:
            yield ChangedModel(entry=row.entry)
        elif not known.says(row) and (fields := _differing(known.entry, row.entry)):
            yield ChangedModel(entry=row.entry, fields=fields)


def _differing(one: ModelEntry, other: ModelEntry) -> tuple[str, ...]:
    # Where a fact comes from is no fact about the model.
    return tuple(
        name for name in ModelEntry.model_fields if name != "prov" and getattr(one, name) != getattr(other, name)
    )


def _put_over(row: Row | None, change: ChangedModel) -> ModelEntry:
    entry = checked_entry(change.entry, "the changed model")
    if row is None or change.fields is None:
        return entry
    own = [name for name in change.fields if name in ModelEntry.model_fields]
    prov = {**row.entry.prov, **dict.fromkeys(own, (APPLICATION,))}
    merged = row.entry.model_copy(update={**{name: getattr(entry, name) for name in own}, "prov": prov})
    return checked_entry(merged, "the changed model")
