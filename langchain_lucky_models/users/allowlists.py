"""Which models a user may have. Pure: no key, no network, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.migrations import follow
from langchain_lucky_models.catalog.state import CatalogState
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.refs import ModelRef, Wildcard, parse_allowed


class Allowlist:
    """A user's list of models, in the order it was given.

    Example:
        >>> allowed = Allowlist(["openai#gpt-4o", "groq#*"])
        >>> allowed.allows(ModelRef("groq", "llama"))
        True
    """

    def __init__(self, lines: Sequence[str]) -> None:
        if isinstance(lines, str):
            raise ConfigError(f"models must be a list of refs, not the one text {lines!r}.", field="models")
        self._today: tuple[object, Allowlist] | None = None
        self._places: dict[ModelRef, int] = {}
        self._wildcards: list[tuple[int, Wildcard]] = []
        for place, line in enumerate(lines):
            name = parse_allowed(line)
            if isinstance(name, Wildcard):
                self._wildcards.append((place, name))
            else:
                self._places.setdefault(name, place)

    def today(self, state: CatalogState) -> Allowlist:
        """The list as it reads today: of a model that was only renamed, its line says the new name.

        Args:
            state: The catalog, which knows what was renamed.
        """
        if not state.migrations:
            return self
        if self._today is None or self._today[0] is not state:
            self._today = state, self._renewed(state)
        return self._today[1]

    def _renewed(self, state: CatalogState) -> Allowlist:
        olds = [ref for old in state.moved if (ref := ModelRef.parse(old)) in self._places]
        news = {str(ref): str(new) for ref in olds if (new := renamed_as(ref, state)) is not None}
        return Allowlist([news.get(line, line) for line in self]) if news else self

    def place(self, ref: ModelRef) -> int | None:
        """Where in the list the ref stands; a wildcard stands for what it matches."""
        places = [place for place, wildcard in self._wildcards if wildcard.matches(ref)]
        if (exact := self._places.get(ref)) is not None:
            places.append(exact)
        return min(places, default=None)

    def allows(self, ref: ModelRef) -> bool:
        """Whether the user may use it."""
        return self.place(ref) is not None

    def names(self, ref: ModelRef) -> bool:
        """Whether a line of the list says this very ref; a wildcard does not."""
        return ref in self._places

    def refs(self, catalog: Catalog) -> list[ModelRef]:
        """Every model of the list in order, wildcards filled from the catalog."""
        if not self._wildcards:
            return list(self._places)
        placed = {ref: (place, 0) for ref, place in self._places.items()}
        for place, wildcard in self._wildcards:
            for order, entry in enumerate(catalog.entries()):
                if wildcard.matches(entry.ref):
                    placed[entry.ref] = min(placed.get(entry.ref, (place, order)), (place, order))
        return sorted(placed, key=lambda ref: placed[ref])

    def named(self, text: str, catalog: Catalog) -> ModelRef | None:
        """What a bare name means: by id, else by alias or dated snapshot, else by its last path part."""
        known = [entry.ref for entry in catalog.find(text) if self.allows(entry.ref)]
        ranks = (
            [self._by_id[text]] if text in self._by_id else [],
            [ref for ref in known if ref.model == text],
            [ref for ref in known if ref.last_part != text],
            [self._by_last_part[text]] if text in self._by_last_part else [],
            known,
        )
        by_id = [*ranks[0], *ranks[1]]
        found = by_id or ranks[2] or [*ranks[3], *ranks[4]]
        return min(found, key=lambda ref: self.place(ref) or 0, default=None)

    @cached_property
    def _by_id(self) -> dict[str, ModelRef]:
        index: dict[str, ModelRef] = {}
        for ref in self._places:
            index.setdefault(ref.model, ref)
        return index

    @cached_property
    def _by_last_part(self) -> dict[str, ModelRef]:
        index: dict[str, ModelRef] = {}
        for ref in self._places:
            index.setdefault(ref.last_part, ref)
        return index

    def __iter__(self) -> Iterator[str]:
        lines: dict[int, str] = {place: str(ref) for ref, place in self._places.items()}
        lines |= {place: str(wildcard) for place, wildcard in self._wildcards}
        return iter(lines[place] for place in sorted(lines))

    def __len__(self) -> int:
        return len(self._places) + len(self._wildcards)


def renamed_as(ref: ModelRef, state: CatalogState) -> ModelRef | None:
    """The name a stored ref is exchanged for without asking: the same model, price and provider, so the same payer.

    An application's own model of the old name stays what it is.

    Args:
        ref: As it is stored.
        state: The catalog, which knows what was renamed.
    """
    led = follow(str(ref), state.moved) if str(ref) in state.moved else None
    if led is None or led.ref is None or not led.automatic:
        return None
    row = state.rows.get(str(ref))
    if row is not None and row.entry.status.state not in {"deprecated", "retired"}:
        return None
    new = ModelRef.parse(led.ref)
    return new if new.provider == ref.provider else None
