"""A budget: whose money, how much, how often it begins anew, and what happens when it is used up."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args
from urllib.parse import quote

from langchain_lucky_models.budgets.windows import window_of
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.ledger import Record, Span, picodollars
from langchain_lucky_models.ledger.money import MOST_DOLLARS
from langchain_lucky_models.ledger.records import storable

Scope = Literal["registry", "user", "model", "provider", "key_owner", "experiment", "tag"]
Mode = Literal["strict", "expected"]
OnExceed = Literal["refuse", "warn", "step_down"]

_FILTERS = ("user", "model", "provider", "key_owner", "experiment", "tag")
_CHOICES = {"scope": get_args(Scope), "mode": get_args(Mode), "on_exceed": get_args(OnExceed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """What a budget looks at: who asks whom, with whose key, for what."""

    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key_owner: str | None = None
    experiment: str | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: Record) -> Spender:
        """Who spends in an attempt."""
        return cls(
            user=record.user,
            model=record.model,
            provider=record.provider,
            key_owner=record.key_owner,
            experiment=record.experiment,
            tags=record.tags,
        )

    def values(self, scope: Scope) -> tuple[str, ...]:
        """The spender's own values in a scope: none, one, or one for each tag."""
        if scope == "registry":
            return ("all",)
        if scope == "tag":
            return self.tags
        value: str | None = getattr(self, scope)
        return () if value is None else (value,)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """An amount of money for a window of time.

    `scope` says what is counted apart: `user` gives every user an account of their own under the same limit. The
    fields of the same names narrow it down: `Budget(scope="user", user="ada", …)` is ada's alone, and takes the place
    of the budget that every user has for the same window; `Budget(scope="user", provider="openai", …)` counts what each
    user spends at OpenAI.

    Attributes:
        scope: `registry`, `user`, `model`, `provider`, `key_owner`, `experiment` or `tag`.
        limit: US dollars.
        window: `total`, `day`, `week`, `month`, or rolling: `90m`, `24h`, `7d`.
        zone: The time zone of a calendar window.
        mode: `strict` holds the most that a call can cost, and is never overspent; `expected` holds what such calls
            usually cost, and may be overspent by what the calls under way cost above that.
        on_exceed: `refuse` the call, only `warn`, or `step_down` to the next cheaper model.
        alerts: The fractions of the limit that are reported when spending crosses them.
        name: Tells budgets apart that would count the same.

    Example:
        >>> Budget(scope="user", limit="0.50", window="day", alerts=(0.8,)).label("ada")
        'the budget of user ada for a day'
    """

    scope: Scope = "registry"
    limit: Decimal | str | int | float
    window: str = "month"
    zone: str = "UTC"
    mode: Mode = "strict"
    on_exceed: OnExceed = "refuse"
    alerts: Sequence[float] = ()
    name: str = ""
    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key_owner: str | None = None
    experiment: str | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        for field, known in _CHOICES.items():
            if (value := getattr(self, field)) not in known:
                raise ConfigError(f"{field} of a budget is one of {', '.join(known)}, not {value!r}.", field=field)
        object.__setattr__(self, "limit", _amount(self.limit))
        object.__setattr__(self, "alerts", _fractions(self.alerts, always=self.on_exceed == "warn"))
        _ = self.span

    @classmethod
    def read(cls, setting: Budget | Mapping[str, Any]) -> Budget:
        """A budget from a mapping with the same names.

        Raises:
            ConfigError: A name that no budget has, or a value that fits none.
        """
        if isinstance(setting, Budget):
            return setting
        known = [field.name for field in fields(cls)]
        for name in setting:
            if name not in known:
                raise ConfigError(f"a budget has no {name!r}.{did_you_mean(nearest_names(name, known))}", field=name)
        if "limit" not in setting:
            raise ConfigError("a budget needs a limit, in dollars.", field="limit")
        return cls(**setting)

    @functools.cached_property
    def span(self) -> Callable[[int], Span]:
        """The window at an instant."""
        return window_of(self.window, self.zone)

    @functools.cached_property
    def cap(self) -> int:
        """The limit in picodollars."""
        return picodollars(Decimal(self.limit))

    @functools.cached_property
    def id(self) -> str:
        """What the budget counts: stays the same when only its limit, mode or alerts change."""
        narrowed = [f"{name}:{quote(str(value), safe='')}" for name, value in self._filters() if name != self.scope]
        own = f"{self.scope}/{self.window}/{quote(self.zone, safe='')}"
        return "/".join([own, *narrowed, *([quote(self.name, safe="")] if self.name else [])])

    @property
    def pinned(self) -> bool:
        """Whether it is for one value of its scope alone."""
        return self.scope != "registry" and getattr(self, self.scope) is not None

    def key(self, value: str) -> str:
        """The counter of one value of the scope."""
        return f"{self.id}={storable(value)}"

    def own_keys(self, user: str | None = None) -> list[str]:
        """The counters that it has whoever has spent: the registry's, that of the one value it is for, the user's."""
        if self.scope == "registry":
            return [self.key("all")]
        if self.pinned:
            return [self.key(getattr(self, self.scope))]
        return [self.key(user)] if user is not None and self.scope == "user" else []

    def concerns(self, user: str, key: str) -> bool:
        """Whether a counter of it is this user's alone."""
        own = {"user": user, "key_owner": f"user:{user}"}
        if self.user == user or (self.scope in own and key == self.key(own[self.scope])):
            return True
        named = self.experiment or key.partition("=")[2]
        own_name = named.removeprefix(f"user:{user}:")
        return self.scope == "experiment" and own_name != named and ":" not in own_name

    def keys(self, spender: Spender) -> list[str]:
        """The counters that a spender's call is charged to."""
        for name, wanted in self._filters():
            if wanted not in spender.values(name):
                return []
        only = getattr(self, self.scope, None) if self.pinned else None
        return [self.key(value) for value in spender.values(self.scope) if only in (None, value)]

    def label(self, value: str) -> str:
        """The budget in words."""
        whose = "the registry" if self.scope == "registry" else f"{self.scope.replace('_', ' ')} {value}"
        where = "".join(f" on {name.replace('_', ' ')} {kept}" for name, kept in self._filters() if name != self.scope)
        when = {"total": "in all"}.get(self.window) or f"for {'a ' if self.window.isalpha() else ''}{self.window}"
        return f"the budget of {whose}{where} {when}"

    def _filters(self) -> list[tuple[Any, str]]:
        return [(name, value) for name in _FILTERS if (value := getattr(self, name)) is not None]


def applicable(budgets: Sequence[Budget], spender: Spender) -> list[tuple[Budget, str]]:
    """The budgets that a call is charged to, with their counters, in the counters' order.

    One that is for this very user (model, …) takes the place of the one for every user and the same window.
    """
    found = [(budget, key) for budget in budgets for key in budget.keys(spender)]
    pinned = {key for budget, key in found if budget.pinned}
    kept = [(budget, key) for budget, key in found if budget.pinned or key not in pinned]
    return sorted(kept, key=lambda pair: pair[1])


def finder(budgets: Sequence[Budget]) -> Callable[[Spender], list[tuple[Budget, str]]]:
    """What `applicable` finds among these; those of one experiment by its name, for every user may have some."""
    of_all = [budget for budget in budgets if budget.experiment is None]
    of_one: dict[str | None, list[Budget]] = {}
    for budget in budgets:
        if budget.experiment is not None:
            of_one.setdefault(budget.experiment, []).append(budget)
    return lambda spender: applicable([*of_all, *of_one.get(spender.experiment, ())], spender)


def distinct(budgets: Sequence[Budget | Mapping[str, Any]]) -> tuple[Budget, ...]:
    """The budgets, read and told apart.

    Raises:
        ConfigError: Two would count the same; give one of them a name, or drop it.
    """
    read = tuple(Budget.read(budget) for budget in budgets)
    seen: set[tuple[str, str | None]] = set()
    for budget in read:
        identity = (budget.id, getattr(budget, budget.scope, None) if budget.pinned else None)
        if identity in seen:
            raise ConfigError(
                f"two budgets count the same: {budget.label(identity[1] or 'each')}. Give one a name, or drop it.",
                field="budgets",
            )
        seen.add(identity)
    return read


def _amount(limit: object) -> Decimal:
    try:
        amount = Decimal(str(limit)) if isinstance(limit, Decimal | str | int | float) else Decimal("nan")
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(limit, bool) or not amount.is_finite() or not 0 <= amount <= MOST_DOLLARS:
        raise ConfigError(
            f"the limit of a budget is dollars from 0 to {MOST_DOLLARS}, such as '2.50', not {limit!r}.", field="limit"
        )
    return amount


def _fractions(alerts: object, *, always: bool) -> tuple[float, ...]:
    found = tuple(alerts) if isinstance(alerts, Sequence) and not isinstance(alerts, str) else (None,)
    if not all(isinstance(fraction, int | float) and 0 < fraction <= 10 for fraction in found):  # noqa: PLR2004
        raise ConfigError(f"alerts are fractions of the limit, such as (0.8, 1.0), not {alerts!r}.", field="alerts")
    return tuple(sorted({*map(float, found), *([1.0] if always else [])}))
