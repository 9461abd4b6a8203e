"""A limit: how many requests, tokens, or calls at once, for whom."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from urllib.parse import quote

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names

Scope = Literal["registry", "user", "model", "provider", "key"]
Kind = Literal["requests", "tokens", "concurrent"]

MINUTE = 60.0
DAY = 86_400.0

_FILTERS = ("user", "model", "provider", "key")
_COUNTED: Mapping[str, tuple[Kind, float]] = {
    "requests_per_minute": ("requests", MINUTE),
    "requests_per_day": ("requests", DAY),
    "tokens_per_minute": ("tokens", MINUTE),
    "tokens_per_day": ("tokens", DAY),
    "concurrent": ("concurrent", 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls whom: what limits are counted by.

    Attributes:
        key: The credential's fingerprint, never the key.
        published: The limit that the provider publishes for the model, where it is to be kept.
    """

    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key: str | None = None
    published: Limit | None = None

    def value(self, scope: Scope) -> str | None:
        """The caller's own value in a scope."""
        if scope == "registry":
            return "all"
        found: str | None = getattr(self, scope)
        return found


@dataclass(frozen=True, slots=True)
class Bound:
    """One figure of a limit, for one value of its scope.

    Attributes:
        key: The counter.
        most: How many fit.
        period: Seconds; 0 for calls at once.
        where: What records of this counter have in common, to remember a day after a restart.
        label: The bound in words.
    """

    key: str
    kind: Kind
    most: int
    period: float
    where: Mapping[str, str]
    label: str


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much may be asked in any minute and any day, and at once.

    `scope` says what is counted apart, and the fields of the same names narrow it down, as with budgets:
    `Limit(scope="user", requests_per_minute=10)` gives each user ten requests in any sixty seconds.

    Example:
        >>> limit = Limit(scope="key", model="groq#openai/gpt-oss-20b", tokens_per_minute=8000, concurrent=4)
        >>> caller = Caller(user="ada", model="groq#openai/gpt-oss-20b", key="k1")
        >>> [bound.label for bound in limit.bounds(caller)]
        ['8000 tokens a minute for key k1', '4 calls at once for key k1']
    """

    scope: Scope = "registry"
    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent: int | None = None
    name: str = ""
    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise ConfigError(
                f"scope of a limit is one of {', '.join(get_args(Scope))}, not {self.scope!r}.", field="scope"
            )
        for field in _COUNTED:
            value = getattr(self, field)
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigError(f"{field} is a whole number from 1, not {value!r}.", field=field)
        if all(getattr(self, field) is None for field in _COUNTED):
            raise ConfigError(f"a limit limits nothing; set one of {', '.join(_COUNTED)}.", field="limits")

    @classmethod
    def read(cls, setting: Limit | Mapping[str, Any]) -> Limit:
        """A limit from a mapping with the same names.

        Raises:
            ConfigError: A name that no limit has, or a value that fits none.
        """
        if isinstance(setting, Limit):
            return setting
        known = [field.name for field in fields(cls)]
        for name in setting:
            if name not in known:
                raise ConfigError(f"a limit has no {name!r}.{did_you_mean(nearest_names(name, known))}", field=name)
        return cls(**setting)

    @functools.cached_property
    def id(self) -> str:
        """What the limit counts: stays the same when only its figures change."""
        narrowed = [f"{name}:{quote(str(value), safe='')}" for name, value in self._filters() if name != self.scope]
        return "/".join([self.scope, *narrowed, *([quote(self.name, safe="")] if self.name else [])])

    @property
    def pinned(self) -> bool:
        """Whether it is for one value of its scope alone."""
        return self.scope != "registry" and getattr(self, self.scope) is not None

    def bounds(self, caller: Caller) -> list[Bound]:
        """The figures that a call is counted under."""
        value = caller.value(self.scope)
        if value is None or any(caller.value(name) != wanted for name, wanted in self._filters()):
            return []
        own = {} if self.scope == "registry" else {self.scope: value}
        where = {**dict(self._filters()), **own}
        whose = "the registry" if self.scope == "registry" else f"{self.scope} {value}"
        return [
            Bound(
                f"{self.id}={value}/{field}", kind, most, period, where, f"{most} {_worded(kind, period)} for {whose}"
            )
            for field, (kind, period) in _COUNTED.items()
            if (most := getattr(self, field)) is not None
        ]

    def _filters(self) -> list[tuple[Any, str]]:
        return [(name, value) for name in _FILTERS if (value := getattr(self, name)) is not None]


def limit_of(entry: ModelEntry) -> Limit | None:
    """The provider's published limits of a model as a limit for each key; None where none are published."""
    if entry.rate_limits is None:
        return None
    figures = {
        name: value
        for name in _COUNTED
        if name != "concurrent" and (value := getattr(entry.rate_limits, name)) is not None
    }
    return Limit(scope="key", model=str(entry.ref), name="published", **figures) if figures else None


def bounds_of(limits: Sequence[Limit], caller: Caller) -> list[Bound]:
    """Every figure that a call is counted under; the limit for this very value takes the place of the one for all."""
    kept_too = (caller.published,) if caller.published is not None else ()
    found = [(limit.pinned, bound) for limit in (*limits, *kept_too) for bound in limit.bounds(caller)]
    pinned = {bound.key for own, bound in found if own}
    kept = {bound.key: bound for own, bound in found if own or bound.key not in pinned}
    return [kept[key] for key in sorted(kept)]


def _worded(kind: Kind, period: float) -> str:
    if kind == "concurrent":
        return "calls at once"
    return f"{kind} a {'minute' if period == MINUTE else 'day'}"
