"""What a name means for a user, and who can be asked. Pure: no key, no network, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import (
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
from langchain_lucky_models.users.allowlists import Allowlist, renamed_as


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


def _nobody_told(old: str, new: str, reason: str) -> None:
    """Where nobody wants to know."""


@dataclass(frozen=True, slots=True)
class View:
    """One user's view of the models at one moment.

    Attributes:
        allowed: The user's list.
        catalog: What models exist.
        reach: How a provider stands for the user; `None` where the registry has no such provider.
        today: The day by which models are retired or not.
        led: Told of a ref that leads to another: the old one, the new one, why.
    """

    allowed: Allowlist
    catalog: Catalog
    reach: Callable[[str], Reach | None]
    today: dt.date
    led: Callable[[str, str, str], None] = _nobody_told

    def find(self, name: ModelRef | BareName) -> tuple[ModelRef, ModelEntry | None]:
        """The model a user means, checked.

        Raises:
            SelectionError: There is none that this user may use now; the class says why.
        """
        ref = self._followed(name if isinstance(name, ModelRef) else self._bare(name.text))
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

    def has_lost(self, name: ModelRef | BareName) -> bool:
        """Whether the catalog had the model once, or the user's list still has it; a typing error is neither."""
        if isinstance(name, ModelRef):
            return self.allowed.names(name) or str(name) in self.catalog.state.moved
        return any(ModelRef.parse(old).model == name.text for old in self.catalog.state.moved)

    def refusal(self, ref: ModelRef, entry: ModelEntry | None) -> str | None:
        """Why a model of the list cannot be used now, if so."""
        try:
            self._check_known(ref, entry)
            self._check_reach(ref)
            self._check_alive(ref, entry)
        except LuckyError as error:
            return str(error)
        return None

    def _followed(self, ref: ModelRef) -> ModelRef:
        """The ref, or what it was renamed as."""
        state = self.catalog.state
        new = renamed_as(ref, state)
        if new is None:
            return ref
        self.led(str(ref), str(new), state.moved[str(ref)].kind)
        return new

    def _bare(self, text: str) -> ModelRef:
        found = self.allowed.named(text, self.catalog) or self._renamed(text)
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

    def _renamed(self, text: str) -> ModelRef | None:
        """The ref that had that bare name, and is on the list by its new one."""
        for old in self.catalog.state.moved:
            ref = ModelRef.parse(old)
            new = renamed_as(ref, self.catalog.state) if ref.model == text else None
            if new is not None and self.allowed.allows(new):
                return ref
        return None

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
