"""Whose money, how much, how often, and where it is written down: budgets, limits and the ledger in a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BeforeValidator, Field, ValidationInfo

from langchain_lucky_models.budgets.budget import Budget, Mode, OnExceed, Scope
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.ledger.money import MOST_DOLLARS
from langchain_lucky_models.ledger.sqlite import Durability
from langchain_lucky_models.limits.limit import Limit
from langchain_lucky_models.limits.limit import Scope as LimitScope
from langchain_lucky_models.settings.base import Settings, listed

S = TypeVar("S", bound=Settings)

Policy = Literal["refuse", "allow", "by_payer"]
"""`refuse`, `allow`, or refuse where the house pays and let others go on."""
POLICIES: tuple[str, ...] = get_args(Policy)


def _dollars(value: object, info: ValidationInfo) -> object:
    """An amount as it was written; a text keeps every digit, a number those that it shows."""
    amount = _amount(value)
    if amount is None:
        raise ConfigError(f"{info.field_name}: expected dollars, such as 2.50 or '2.50'.", field=info.field_name)
    return amount


def _dollars_or_word(value: object) -> object:
    amount = value if value in POLICIES else _amount(value)
    if amount is None:
        raise ConfigError(
            "unknown_price: expected 'refuse', 'allow', 'by_payer' or dollars, such as 0.05.", field="unknown_price"
        )
    return amount


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= MOST_DOLLARS else None


Dollars = Annotated[Decimal, BeforeValidator(_dollars, json_schema_input_type=float | str)]
UnknownPrice = Annotated[
    Policy | Decimal,
    BeforeValidator(_dollars_or_word, json_schema_input_type=float | str),
]
"""What a call whose price nobody knows is held at: a ceiling in dollars, nothing at all, or it is not made."""


class BudgetConfig(Settings):
    """A budget, with the names and the meaning of `Budget`.

    Attributes:
        scope: What is counted apart.
        limit: US dollars.
        window: `total`, `day`, `week`, `month`, or rolling: `90m`, `24h`, `7d`.
        zone: The time zone of a calendar window.
        mode: `strict` is never overspent; `expected` by the calls under way at most.
        on_exceed: `refuse` the call, only `warn`, or `step_down` to the next cheaper model.
        alerts: The fractions of the limit that are reported when spending crosses them.
        name: Tells budgets apart that would count the same.
        user: For this user alone.
        model: For this model alone, as `provider#model`.
        provider: For this provider alone.
        key_owner: For whoever's keys pay: `house`, or `user:<id>`.
        experiment: For this experiment alone.
        tag: For calls with this tag alone.

    Example:
        >>> BudgetConfig.read({"scope": "user", "limit": 0.5, "window": "day"}).budget().label("ada")
        'the budget of user ada for a day'
    """

    scope: Scope = "registry"
    limit: Dollars
    window: str = "month"
    zone: str = "UTC"
    mode: Mode = "strict"
    on_exceed: OnExceed = "refuse"
    alerts: Annotated[tuple[float, ...], BeforeValidator(listed)] = ()
    name: str = ""
    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key_owner: str | None = None
    experiment: str | None = None
    tag: str | None = None

    def model_post_init(self, _context: object, /) -> None:
        """Refuse windows, zones and amounts that mean nothing."""
        with _fields_told():
            self.budget()

    def budget(self) -> Budget:
        """The budget itself."""
        return Budget(**_values(self))


class ExperimentBudget(Settings):
    """What an experiment may cost, beside whatever budgets the operator has set.

    Attributes:
        limit: US dollars.
        window: `total`, `day`, `week`, `month`, or rolling: `90m`, `24h`, `7d`.
        zone: The time zone of a calendar window.
        mode: `strict` is never overspent; `expected` by the calls under way at most.
        on_exceed: `refuse` the call, only `warn`, or `step_down` to the next cheaper model.
        alerts: The fractions of the limit that are reported when spending crosses them.

    Example:
        >>> ExperimentBudget.read({"limit": 2.5}).budget("user:ada:careful").label("user:ada:careful")
        'the budget of experiment user:ada:careful in all'
    """

    limit: Dollars
    window: str = "total"
    zone: str = "UTC"
    mode: Mode = "strict"
    on_exceed: OnExceed = "refuse"
    alerts: Annotated[tuple[float, ...], BeforeValidator(listed)] = ()

    def model_post_init(self, _context: object, /) -> None:
        """Refuse windows, zones and amounts that mean nothing."""
        with _fields_told():
            self.budget("user:nobody:nothing")

    def budget(self, experiment: str) -> Budget:
        """The budget itself; its name keeps it apart from the operator's, so that both hold."""
        return Budget(scope="experiment", experiment=experiment, name="own", **_values(self))


def _own_budget(value: object) -> object:
    amount = _amount(value)
    if amount is None and not isinstance(value, Mapping | ExperimentBudget | None):
        raise ConfigError("budget: expected dollars, such as 2.50, or a mapping with a limit.", field="budget")
    if value is None:
        return None
    return ExperimentBudget.read(value if amount is None else {"limit": amount}, where="budget")


OwnBudget = Annotated[
    ExperimentBudget | None, BeforeValidator(_own_budget, json_schema_input_type=float | str | ExperimentBudget)
]
"""Dollars, or a mapping that says more."""


class LimitConfig(Settings):
    """A limit, with the names and the meaning of `Limit`.

    Attributes:
        scope: What is counted apart.
        requests_per_minute: Requests in any sixty seconds.
        requests_per_day: Requests in any 24 hours.
        tokens_per_minute: Tokens, of input and output together.
        tokens_per_day: The same for any 24 hours.
        concurrent: Calls at once.
        name: Tells limits apart that would count the same.
        user: For this user alone.
        model: For this model alone, as `provider#model`.
        provider: For this provider alone.
        key: For this key alone, by its fingerprint.

    Example:
        >>> LimitConfig.read({"scope": "user", "requests_per_minute": 10}).limit().requests_per_minute
        10
    """

    scope: LimitScope = "registry"
    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_day: int | None = Field(default=None, ge=1)
    concurrent: int | None = Field(default=None, ge=1)
    name: str = ""
    user: str | None = None
    model: str | None = None
    provider: str | None = None
    key: str | None = None

    def model_post_init(self, _context: object, /) -> None:
        """Refuse a limit that limits nothing."""
        try:
            self.limit()
        except ConfigError as error:
            raise ConfigError(f"requests_per_minute: {error}", field="requests_per_minute") from None

    def limit(self) -> Limit:
        """The limit itself."""
        return Limit(**_values(self))


class LedgerConfig(Settings):
    """Where records are kept. A text alone is the `url`.

    Attributes:
        url: A path, `sqlite:///file.db`, or `postgresql://user@host/name`; memory where left out.
        durability: What a record in a SQLite file survives: any `crash` of the process, or a `power` cut too.
        spool: The folder where records wait while the database is away.
        keep_days: After how many days records become daily totals; every one is kept where left out.
    """

    url: str | None = Field(default=None, repr=False)  # its address may hold a password
    durability: Durability = "crash"
    spool: str | None = None
    keep_days: int | None = Field(default=None, ge=1, le=36_500)

    def ledger(self) -> Ledger:
        """The ledger itself. Nothing is opened before it is needed."""
        spool = Path(self.spool) if self.spool else None
        keep = None if self.keep_days is None else dt.timedelta(days=self.keep_days)
        return Ledger(self.url, durability=self.durability, spool=spool, keep=keep)


class TrackConfig(Settings):
    """What is written down of a call.

    Attributes:
        usage: Whether attempts become records at all. Without them there is neither usage nor a budget.
        latency: Whether a record says how long it took.
    """

    usage: bool = True
    latency: bool = True


def _ledger(value: object) -> object:
    if value is None or isinstance(value, LedgerConfig | Ledger):
        return value
    return LedgerConfig.read({"url": str(value)} if isinstance(value, str | Path) else value, where="ledger")


LedgerSetting = Annotated[
    LedgerConfig | Ledger | None, BeforeValidator(_ledger, json_schema_input_type=LedgerConfig | str | None)
]


def list_of(kind: type[S], field: str, ready: type[Any]) -> BeforeValidator:
    """Reads every row of a list, so that an error says at which one it stands; ready-made values are taken over.

    Args:
        kind: What each row is.
        field: The list's name.
        ready: What the row makes, which may stand in its place.
    """

    def read(value: object) -> object:
        if isinstance(value, Mapping | str | None):
            raise ConfigError(f"{field}: expected a list.", field=field)
        rows = listed(value)
        if not isinstance(rows, tuple):
            return value
        return tuple(
            kind.read(_values(row) if isinstance(row, ready) else row, where=f"{field}.{place}")
            for place, row in enumerate(rows)
        )

    return BeforeValidator(read)


BudgetList = Annotated[tuple[BudgetConfig, ...], list_of(BudgetConfig, "budgets", Budget)]
LimitList = Annotated[tuple[LimitConfig, ...], list_of(LimitConfig, "limits", Limit)]


@contextmanager
def _fields_told() -> Iterator[None]:
    """What a value refuses is said of the field it stands in."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{error.field}: {error}", field=error.field) from None


def _values(settings: Any) -> dict[str, Any]:
    """Every field by its name, as the class that is made of them, or from them, takes it."""
    names = type(settings).model_fields if isinstance(settings, Settings) else (row.name for row in fields(settings))
    return {name: getattr(settings, name) for name in names}
