"""What can happen: one frozen class each. No event carries a key, a prompt or an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        kind: What, as one word; the same for all events of a class.
        at: When, in UTC.
    """

    kind: ClassVar[str] = "event"
    at: dt.datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered(Event):
    """The catalog has a model that it did not have."""

    kind: ClassVar[str] = "model_registered"
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUpdated(Event):
    """The catalog says something else of a model.

    Attributes:
        fields: The fields that changed, such as `limits`.
    """

    kind: ClassVar[str] = "model_updated"
    ref: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRemoved(Event):
    """The catalog has a model no more."""

    kind: ClassVar[str] = "model_removed"
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMigrated(Event):
    """A stored ref led to another model.

    Attributes:
        old: The ref that was stored.
        new: The ref that is asked instead.
        reason: Why: `renamed`, `moved`, `retired`, `vanished`.
        user: Whose call it was, where it was one.
    """

    kind: ClassVar[str] = "model_migrated"
    old: str
    new: str
    reason: str
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChanged(Event):
    """A model costs something else: today's dollars for a million tokens, `None` where nobody knows.

    Where only a further price changed, such as that of cached tokens, input and output are as they were.
    """

    kind: ClassVar[str] = "price_changed"
    ref: str
    old_input: Decimal | None
    old_output: Decimal | None
    new_input: Decimal | None
    new_output: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecorded(Event):
    """An attempt was written into the ledger.

    Attributes:
        attempt_id: What makes the record unique.
        call_id: What the attempts of one call share.
        user: Who asked.
        provider: Who was asked.
        model: The ref that was asked, as `provider#model`.
        key_owner: Whose key paid: `house`, or `user:<id>`.
        outcome: How it ended: `answered`, `failed`, `cancelled`, `abandoned`, `skipped`.
        error: The stable code of the failure, where it failed.
        cost: Dollars; `None` where nobody knows.
        basis: Who says what it cost: `provider`, `catalog`, `estimated`, `unknown`.
        seconds: From sending to the end, where anybody knows.
    """

    kind: ClassVar[str] = "usage_recorded"
    attempt_id: str
    call_id: str
    user: str
    provider: str
    model: str
    key_owner: str
    strategy: str = "first"
    experiment: str | None = None
    tags: tuple[str, ...] = ()
    outcome: str
    error: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    basis: str = "unknown"
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAlert(Event):
    """Spending crossed a fraction of a budget; each is crossed once in a window.

    Attributes:
        budget: The budget in words: `the budget of user ada for a day`.
        scope: What it counts apart: `user`, `model`, `registry`, …
        value: Whose it is: the user, the model, …
        fraction: What was crossed, of the limit: 0.8.
        spent: Dollars.
        limit: Dollars.
    """

    kind: ClassVar[str] = "budget_alert"
    budget: str
    scope: str
    value: str
    fraction: float
    spent: Decimal
    limit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(Event):
    """A call was refused because a budget, or a limit of requests, tokens or calls at once, had no room.

    Attributes:
        limit: The limit in words.
        model: The ref that was asked, as `provider#model`.
        user: Who asked.
        retry_after: Seconds until there is room, where that is known.
    """

    kind: ClassVar[str] = "limit_reached"
    limit: str
    model: str
    user: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged(Event):
    """Somebody is left alone after failures, or is asked again.

    Attributes:
        endpoint: The provider; for a user's own server `<name> of <user>`.
        model: The model there, where it is about one model.
        scope: What it is about: `endpoint`, `model`, `credential` (a key), `allowance` (what a key may still ask).
        state: `open`: left alone after failures. `resting`: left alone because the provider asked for it. `closed`:
            asked as usual.
        reason: What went wrong, in a word.
        seconds: For how long it is left alone; zero once it is asked again.
        here: Whether this process has seen it; otherwise another one has told.
    """

    kind: ClassVar[str] = "health_changed"
    endpoint: str
    model: str | None = None
    scope: str
    state: str
    reason: str = ""
    seconds: float = 0.0
    here: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReloaded(Event):
    """A changed file was read, and what it says holds from now on.

    Attributes:
        file: The file, or the folder.
        part: What it configures: `registry`, `users`, `catalog`.
        changed: What became another: names of settings, of users, refs of models.
        restart: Settings that became another, but count only for a registry that is made anew.
    """

    kind: ClassVar[str] = "config_reloaded"
    file: str
    part: str
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRejected(Event):
    """A changed file cannot be used; what held before it still holds.

    Attributes:
        file: The file, or the folder.
        part: What it configures: `registry`, `users`, `catalog`.
        reason: What is wrong with it, and where.
    """

    kind: ClassVar[str] = "config_rejected"
    file: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutChanged(Event):
    """A rollout lets others through than before.

    Attributes:
        name: The rollout's name.
        old: What it said, by setting.
        new: What it says.
        source: Who changed it: `config`, `environment`, `method`.
    """

    kind: ClassVar[str] = "rollout_changed"
    name: str
    old: Mapping[str, object]
    new: Mapping[str, object]
    source: str
