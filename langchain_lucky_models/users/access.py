"""Which models a user may have, and what a typed name means for that user. Pure: no key, no network, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import (
    ConfigError,
    InvalidRefError,
    LuckyError,
    ModelNotAllowedError,
    ProviderNotConfiguredError,
    RetiredModelError,
    UnknownModelError,
    did_you_mean,
    nearest_names,
)
from langchain_lucky_models.refs import BareName, ModelRef, Wildcard, parse_allowed


@dataclass(frozen=True, slots=True)
class Reach:
    """How a provider stands for one user.

    Attributes:
        provider: Its name.
        open_catalog: Whether it may serve models that the catalog does not know.
        refusal: Why the user cannot use it, if so.
    """

    provider: str
    open_catalog: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of a user's list that cannot be used, and why; the other lines work."""

    line: str
    error: LuckyError

    @property
    def reason(self) -> str:
        """What is wrong with it."""
        return str(self.error)


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
        self._places: dict[ModelRef, int] = {}
        self._wildcards: list[tuple[int, Wildcard]] = []
        for place, line in enumerate(lines):
            name = parse_allowed(line)
            if isinstance(name, Wildcard):
                self._wildcards.append((place, name))
            else:
                self._places.setdefault(name, place)

    def place(self, ref: ModelRef) -> int | None:
        """Where in the list the ref stands; a wildcard stands for what it matches."""
        places = [place for place, wildcard in self._wildcards if wildcard.matches(ref)]
        if (exact := self._places.get(ref)) is not None:
            places.append(exact)
        return min(places, default=None)

    def allows(self, ref: ModelRef) -> bool:
        """Whether the user may use it."""
        return self.place(ref) is not None

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


@dataclass(frozen=True, slots=True)
class View:
    """One user's view of the models at one moment.

    Attributes:
        allowed: The user's list.
        catalog: What models exist.
        reach: How a provider stands for the user; `None` where the registry has no such provider.
        today: The day by which models are retired or not.
    """

    allowed: Allowlist
    catalog: Catalog
    reach: Callable[[str], Reach | None]
    today: dt.date

    def find(self, name: ModelRef | BareName) -> tuple[ModelRef, ModelEntry | None]:
        """The model a user means, checked.

        Raises:
            SelectionError: There is none that this user may use now; the class says why.
        """
        ref = name if isinstance(name, ModelRef) else self._bare(name.text)
        entry = self.catalog.get(ref, None)
        self._check_known(ref, entry)
        if not self.allowed.allows(ref):
            near = nearest_names(str(ref), self.allowed)
            raise ModelNotAllowedError(
                f"{ref} is not in this user's list of {len(self.allowed)}.{did_you_mean(near)}"
                " Add it to models= of for_user().",
                asked=str(ref),
                nearest=near,
            )
        self._check_reach(ref)
        self._check_alive(ref, entry)
        return ref, entry

    def problems(self) -> list[Problem]:
        """Every line of the list that cannot be used now, with the reason."""
        found = []
        for line in self.allowed:
            name = parse_allowed(line)
            try:
                if isinstance(name, Wildcard):
                    if name.provider is not None:
                        self._check_provider(name.provider, line)
                else:
                    self.find(name)
            except LuckyError as error:
                found.append(Problem(line, error))
        return found

    def refusal(self, ref: ModelRef, entry: ModelEntry | None) -> str | None:
        """Why a model of the list cannot be used now, if so."""
        try:
            self._check_known(ref, entry)
            self._check_reach(ref)
            self._check_alive(ref, entry)
        except LuckyError as error:
            return str(error)
        return None

    def _bare(self, text: str) -> ModelRef:
        found = self.allowed.named(text, self.catalog)
        if found is not None:
            return found
        provider, slash, model = text.partition("/")
        if slash and self.reach(provider) is not None:
            try:
                return ModelRef(provider, model)
            except InvalidRefError:
                pass  # not a ref after all: it is reported as the bare name it then is
        near = nearest_names(text, [*self.allowed, *(ref.model for ref in self.allowed.refs(self.catalog))])
        kind: type[ModelNotAllowedError | UnknownModelError] = UnknownModelError
        where = "neither in this user's list nor in the catalog"
        if known := self.catalog.find(text):
            kind, where = ModelNotAllowedError, f"not in this user's list, though there is {known[0].ref}"
        raise kind(f"{text!r} is {where}.{did_you_mean(near)}", asked=text, nearest=near)

    def _check_known(self, ref: ModelRef, entry: ModelEntry | None) -> None:
        if entry is None:
            reach = self._check_provider(ref.provider, str(ref))
            if not reach.open_catalog:
                self.catalog.get(ref)

    def _check_reach(self, ref: ModelRef) -> None:
        reach = self._check_provider(ref.provider, str(ref))
        if reach.refusal:
            raise ProviderNotConfiguredError(f"{ref} cannot be used: {reach.refusal}", asked=str(ref))

    def _check_provider(self, provider: str, asked: str) -> Reach:
        reach = self.reach(provider)
        if reach is None:
            raise ProviderNotConfiguredError(
                f"{asked}: there is no provider {provider!r}. Name it in providers= of create_llm_registry().",
                asked=asked,
            )
        return reach

    def _check_alive(self, ref: ModelRef, entry: ModelEntry | None) -> None:
        if entry is None:
            return
        status = entry.status
        gone = status.shutdown_on is not None and status.shutdown_on <= self.today
        if status.state == "retired" or gone:
            since = f" on {status.shutdown_on}" if status.shutdown_on else ""
            then = f" Use {status.replacement} instead." if status.replacement else ""
            raise RetiredModelError(
                f"{ref} was switched off{since}.{then}",
                asked=str(ref),
                replacement=status.replacement,
                shutdown_on=status.shutdown_on.isoformat() if status.shutdown_on else None,
            )
