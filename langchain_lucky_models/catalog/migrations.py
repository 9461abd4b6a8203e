"""Ids that were renamed, moved or retired: where a stored ref leads today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from langchain_lucky_models.catalog.artefact import Migration
from langchain_lucky_models.errors.base import CatalogError


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a ref leads.

    Attributes:
        asked: The ref that was stored.
        ref: The ref to use now; `None` where it was retired without a replacement.
        steps: Every migration on the way, in order; none where the ref is still right.
    """

    asked: str
    ref: str | None
    steps: tuple[Migration, ...] = ()

    @property
    def automatic(self) -> bool:
        """Whether a stored ref may be exchanged without asking: each step is the same model at the same price."""
        return self.ref is not None and all(step.automatic for step in self.steps)


def table_of(migrations: Iterable[Migration]) -> Mapping[str, Migration]:
    """The migrations by their old refs.

    Raises:
        CatalogError: One ref is said to lead to two places.
    """
    table: dict[str, Migration] = {}
    for migration in migrations:
        known = table.setdefault(migration.old, migration)
        if known != migration:
            raise CatalogError(f"{migration.old} is said to have become both {known.new} and {migration.new}.")
    return table


def follow(ref: str, table: Mapping[str, Migration]) -> Followed:
    """Follow a ref through every migration to the last.

    Raises:
        CatalogError: The migrations lead in a circle.

    Example:
        >>> table = table_of([Migration(old="a#x", new="a#y", kind="renamed", automatic=True)])
        >>> follow("a#x", table).ref, follow("a#x", table).automatic, follow("a#z", table).steps
        ('a#y', True, ())
    """
    steps: list[Migration] = []
    passed = {ref}
    now: str | None = ref
    while now is not None and now in table:
        step = table[now]
        steps.append(step)
        now = step.new
        if now in passed:
            raise CatalogError(
                f"the migrations of {ref} lead in a circle: {' → '.join([*(s.old for s in steps), now])}."
            )
        if now is not None:
            passed.add(now)
    return Followed(ref, now, tuple(steps))
