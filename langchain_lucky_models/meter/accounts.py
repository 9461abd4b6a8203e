"""A registry's accounts: its ledger, budgets and limits, and what it has learned of its models' answers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, Self, cast

from langchain_lucky_models.budgets import Alert, Budget, Budgets, UnknownPrice
from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.events import BudgetAlert, Events, UsageRecorded
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.ledger import Hold, Ledger, Pending, Posted, Record
from langchain_lucky_models.ledger.unwritten import Draft
from langchain_lucky_models.limits import LearnedOutputs, Limit, Limiter, Passage, RedisCounts
from langchain_lucky_models.meter.beside import Beside

OnLedgerFailure = Literal["refuse", "allow", "by_payer"]
"""What becomes of a call while the ledger is away. `by_payer` refuses where the house pays, and lets others go on."""

NO_HOLD = Hold("")


class Accounts:
    """What every attempt of a registry is charged to.

    Args:
        ledger: Where records are kept.
        budgets: What may be spent.
        limiter: How much may be asked.
        events: Who is told.
        on_ledger_failure: What becomes of a call while the ledger is away.
        wait: Seconds that a call waits for room under a limit at most; None is as long as its timeout lets it.
        lent: Whether the ledger is somebody else's to close.

    Attributes:
        learned: How much each model usually puts out.
        catalog_limits: Whether the limits that providers publish are kept, each for every key.
        recorded: Whether attempts become records; under a budget they always do.
        timed: Whether records say how long attempts took.

    Example:
        >>> with accounts_of(budgets=[{"scope": "user", "limit": "0.50", "window": "day"}]) as accounts:
        ...     accounts.budgets.budgets[0].label("ada"), accounts.ledger.usage()
        ('the budget of user ada for a day', [])
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        ledger: Ledger,
        budgets: Budgets,
        limiter: Limiter,
        *,
        events: Events | None = None,
        on_ledger_failure: OnLedgerFailure = "by_payer",
        wait: float | None = None,
        lent: bool = False,
    ) -> None:
        self.ledger = ledger
        self.budgets = budgets
        self.limiter = limiter
        self.events = events or Events()
        self.learned = LearnedOutputs()
        self.catalog_limits = False
        self.recorded = True
        self.timed = True
        self.on_ledger_failure = on_ledger_failure
        self.wait = wait
        self._lent = lent
        self._beside = Beside()

    @property
    def bounded(self) -> bool:
        """Whether any call has to ask whether it may be made."""
        return bool(self.budgets.budgets or self.limiter.limits or self.catalog_limits or self.announces)

    @property
    def announces(self) -> bool:
        """Whether the ledger hears of an attempt before it is sent, so that a crash forgets none."""
        return self.recorded and self.ledger.lasts

    @property
    def must_write(self) -> bool:
        """Whether records are written at once, because they last, or because somebody listens."""
        return self.ledger.lasts or self.events.heard

    def requires_ledger(self, key_owner: str) -> bool:
        """Whether a call is refused while the ledger is away."""
        policy = self.on_ledger_failure
        return policy == "refuse" or (policy == "by_payer" and key_owner == "house")

    def note(self, draft: Draft) -> None:
        """Keep a record that nobody waits for, where the ledger is this process's memory."""
        self.ledger.note(draft if self.timed else lambda: _untimed(draft()))

    def post(self, record: Record, hold: Hold = NO_HOLD) -> Pending[Posted]:
        """Write a record, settle what was held for it, and tell of it; nothing is waited for."""
        posted = self.budgets.settle(record if self.timed else _untimed(record), hold)
        posted.then(functools.partial(self._tell, record))
        return posted

    def book(self, record: Record) -> Pending[Posted]:
        """Write a call that was made elsewhere, charge it to its budgets, and tell of it like of any other."""
        posted = self.budgets.book(record)
        posted.then(functools.partial(self._tell, record))
        return posted

    def correct(self, record: Record) -> Pending[Posted]:
        """Replace what stands there for an attempt, in its budgets too, by an entry with the difference; and tell."""
        posted = self.ledger.correct(record)
        posted.then(functools.partial(self._tell, record))
        return posted

    def pass_on(self, work: Callable[[], object]) -> None:
        """Give a passage back or settle it; where that takes a server, beside the call."""
        if self.limiter.shared:
            self._beside.do(work)
        else:
            work()

    def settle_passage(self, passage: Passage, tokens: int | None) -> None:
        """A call is over: correct what it took of the limits."""
        self.pass_on(lambda: self.limiter.settle(passage, tokens))

    def return_passage(self, passage: Passage) -> None:
        """A call was never sent: what it took of the limits is free again."""
        self.pass_on(lambda: self.limiter.give_back(passage))

    def change(
        self,
        budgets: Sequence[Budget | Mapping[str, Any]] | None = None,
        limits: Sequence[Limit | Mapping[str, Any]] | None = None,
    ) -> None:
        """Keep other budgets and limits from now on; what was spent and taken stays counted.

        Raises:
            ConfigError: One of them cannot be used; then all stay as they are.
        """
        read = None if limits is None else [Limit.read(limit) for limit in limits]
        if budgets is not None:
            self.budgets.change(budgets)
        if read is not None:
            self.limiter.change(read)

    def close(self) -> None:
        """Write what waits, and let go of databases and servers."""
        self._beside.close()
        if self._lent:
            # Whoever lent it may have closed it already; then everything is written.
            with contextlib.suppress(LedgerUnavailableError):
                self.ledger.flush().result()
        else:
            self.ledger.close()
        self.limiter.close()

    async def aclose(self) -> None:
        """Same as `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _tell(self, record: Record, posted: Posted) -> None:
        for alert in self.budgets.alerts(posted):
            self.events.publish(_alert(alert))
        if self.events.heard and posted.state in {"recorded", "corrected", "spooled"}:
            self.events.publish(usage_recorded(record))


def accounts_of(  # noqa: PLR0913 - each is a setting of its own, by name
    *,
    budgets: Sequence[Budget | Mapping[str, Any]] = (),
    limits: Sequence[Limit | Mapping[str, Any]] = (),
    ledger: str | Path | Ledger | None = None,
    on_ledger_failure: OnLedgerFailure | None = None,
    unknown_price: UnknownPrice | str | None = None,
    limit_wait: float | None = None,
    catalog_limits: bool = False,
    shared_limits: str | None = None,
    recorded: bool = True,
    timed: bool = True,
    lent: bool = False,
) -> Accounts:
    """The accounts of a registry with these settings. Nothing is opened before it is needed.

    Args:
        budgets: What may be spent: `Budget` values, or mappings with their names.
        limits: How much may be asked: `Limit` values, or mappings with their names.
        ledger: Where records are kept: a path, `sqlite:///file.db`, `postgresql://…`; by default in memory.
        on_ledger_failure: What becomes of calls while the ledger is away; by default who pays decides.
        unknown_price: What a call without a known price is held at; by default who pays decides.
        limit_wait: Seconds that a call waits for room under a limit at most; by default as long as its timeout lets it.
        catalog_limits: Whether the limits that providers publish are kept, for every key.
        shared_limits: `redis://host:port/db`, where many processes count limits together.
        recorded: Whether attempts become records; under a budget they always do.
        timed: Whether records say how long attempts took.
        lent: Whether the ledger is somebody else's to close.

    Raises:
        ConfigError: One of them cannot be used.
        MissingExtraError: A database or server needs a package that is not installed.
    """
    if on_ledger_failure not in {None, "refuse", "allow", "by_payer"}:
        raise ConfigError(
            f"on_ledger_failure is 'refuse', 'allow' or 'by_payer', not {on_ledger_failure!r}.",
            field="on_ledger_failure",
        )
    if limit_wait is not None and not limit_wait >= 0:
        raise ConfigError(f"limit_wait is seconds from 0, not {limit_wait!r}.", field="limit_wait")
    kept = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
    counts = RedisCounts(shared_limits) if shared_limits else None
    accounts = Accounts(
        kept,
        Budgets(kept, budgets, unknown_price=_unknown_price(unknown_price)),
        Limiter(limits, counts, history=kept.history),
        on_ledger_failure=on_ledger_failure or "by_payer",
        wait=limit_wait,
        lent=lent,
    )
    accounts.catalog_limits, accounts.recorded, accounts.timed = catalog_limits, recorded, timed
    return accounts


def _untimed(record: Record) -> Record:
    return replace(record, seconds=None, first_token=None)


def key_id_of(credential: Credential) -> str:
    """What limits and records call a key: its fingerprint. Of one that rotates, whose it is: its limits stay the same.

    Example:
        >>> key_id_of(Credential(provider="local", owner="house"))
        ''
    """
    secret = credential.secret
    if secret is None:
        return ""
    return f"{credential.owner}@{credential.provider}" if secret.rotates else secret.fingerprint()


def usage_recorded(record: Record) -> UsageRecorded:
    """The event of a record."""
    shared = {name: getattr(record, name) for name in _SHARED}
    return UsageRecorded(**shared)


_SHARED = (
    "attempt_id",
    "call_id",
    "user",
    "provider",
    "model",
    "key_owner",
    "strategy",
    "experiment",
    "tags",
    "outcome",
    "error",
    "input_tokens",
    "output_tokens",
    "cost",
    "basis",
    "seconds",
)


def _alert(alert: Alert) -> BudgetAlert:
    return BudgetAlert(
        budget=alert.budget.label(alert.value),
        scope=alert.budget.scope,
        value=alert.value,
        fraction=alert.fraction,
        spent=alert.spent,
        limit=Decimal(alert.budget.limit),
    )


def _unknown_price(setting: UnknownPrice | str | None) -> UnknownPrice:
    if setting is None or setting in {"refuse", "allow", "by_payer"}:
        return cast("UnknownPrice", setting or "by_payer")
    try:
        ceiling = Decimal(setting)
    except InvalidOperation:
        ceiling = Decimal("nan")
    if not ceiling.is_finite() or ceiling < 0:
        raise ConfigError(
            f"unknown_price is 'refuse', 'allow', 'by_payer', or dollars that such a call is held at, not {setting!r}.",
            field="unknown_price",
        )
    return ceiling
