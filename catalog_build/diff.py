"""What changed between two artefacts, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_lucky_models.catalog.artefact import Artefact
from langchain_lucky_models.catalog.entry import ModelEntry

QUIET = frozenset({"prov", "tags"})
"""Fields that follow from others."""


def diff_lines(old: Artefact, new: Artefact) -> Iterator[str]:
    """Every change: models that went, came, or changed, then sources."""
    before, after = ({str(entry.ref): entry for entry in artefact.models} for artefact in (old, new))
    yield from (f"- {ref}" for ref in sorted(before.keys() - after.keys()))
    yield from (f"+ {ref}  {_price(after[ref])}" for ref in sorted(after.keys() - before.keys()))
    for ref in sorted(before.keys() & after.keys()):
        yield from (f"~ {ref}  {change}" for change in _changes(_plain(before[ref]), _plain(after[ref])))
    yield from _source_lines(old, new)


def _price(entry: ModelEntry) -> str:
    if not entry.pricing:
        return entry.price_state
    newest = entry.pricing[-1]
    return f"{newest.input}/{newest.output}"


def _plain(entry: ModelEntry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_defaults=True, exclude=set(QUIET))


def _changes(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The leaves that differ, with the way to each."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _changes(one, other, f"{path}[{place}]")
    elif old != new:
        yield f"{path}: {_words(old)} → {_words(new)}"


def _words(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _source_lines(old: Artefact, new: Artefact) -> Iterator[str]:
    before, after = ({source.name: source.date for source in artefact.sources} for artefact in (old, new))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"source {name}: {_words(before.get(name))} → {_words(after.get(name))}"
