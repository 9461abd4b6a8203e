"""What a registry tells of its accounts: usage, cost, speed, budgets; and what is booked, reset and kept by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack, get_args

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.ledger import Ledger, MetricRow, Selection, UsageRow, ranked
from langchain_lucky_models.ledger.statistics import Figure, When
from langchain_lucky_models.ledger.upkeep import exported
from langchain_lucky_models.tables import Table
from langchain_lucky_models.users.house import House

Form = Literal["csv", "jsonl"]
Since = When | dt.timedelta
"""A moment, a day in UTC, or how long ago."""
By = str | Sequence[str]
"""One name, or several: `user`, `model`, `provider`, `experiment`, `variant`, `outcome`, `day`, `month`, …"""


class Which(TypedDict, total=False):
    """Which records count.

    Attributes:
        since: From when: a moment, a day in UTC, or how long ago.
        until: Until when, that instant left out.
        where: What records must have, by the names they can be grouped by: `{"user": "ada"}`. A `tag` too.
        whole: Count what lies before a reset, too.
    """

    since: Since
    until: Since
    where: Mapping[str, str]
    whole: bool


class Accounting:
    """The part of a registry that knows what was used and what it cost.

    Whatever asks the ledger waits for its database; its twin with an `a` before its name waits in a task.
    """

    _house: House

    def usage(self, by: By = ("user", "model"), **which: Unpack[Which]) -> Table[UsageRow]:
        """Requests, tokens and cost of each group, dearest first.

        Args:
            by: What is told apart.
            **which: `since`, `until`, `where`, `whole`.

        Raises:
            ConfigError: Records cannot be grouped by that; the nearest names are offered.
            LedgerUnavailableError: The database is away.
        """
        return Table(self._ledger.usage(names_of(by), selected(self._ledger, which)))

    async def ausage(self, by: By = ("user", "model"), **which: Unpack[Which]) -> Table[UsageRow]:
        """Same as `usage`."""
        return await asyncio.to_thread(functools.partial(self.usage, by, **which))

    def metrics(self, by: By = ("model",), **which: Unpack[Which]) -> Table[MetricRow]:
        """How good, fast and dear each group was, dearest first.

        Latency, time to first token and tokens a second are percentiles (50, 90, 99) of what answered, to three digits.

        Args:
            by: What is told apart.
            **which: `since`, `until`, `where`, `whole`.
        """
        return Table(self._ledger.metrics(names_of(by), selected(self._ledger, which)))

    async def ametrics(self, by: By = ("model",), **which: Unpack[Which]) -> Table[MetricRow]:
        """Same as `metrics`."""
        return await asyncio.to_thread(functools.partial(self.metrics, by, **which))

    def rank_models(self, by: Figure = "cost_per_answer", **which: Unpack[Which]) -> Table[MetricRow]:
        """The models that were asked, from best to worst by one figure; those without it come last.

        Args:
            by: `cost_per_answer`, `cost`, `success_rate`, `latency`, `first_token`, `tokens_per_second`, `requests`.
            **which: `since`, `until`, `where`, `whole`.

        Raises:
            ConfigError: There is no figure of that name.
        """
        if by not in (known := get_args(Figure)):
            near = did_you_mean(nearest_names(by, known)) or f" Known: {', '.join(known)}."
            raise ConfigError(f"models cannot be ranked by {by!r}.{near}", field="by")
        return Table(ranked(self.metrics(**which), by))

    async def arank_models(self, by: Figure = "cost_per_answer", **which: Unpack[Which]) -> Table[MetricRow]:
        """Same as `rank_models`."""
        return await asyncio.to_thread(functools.partial(self.rank_models, by, **which))

    def export(self, path: str | Path, form: Form | None = None) -> Path:
        """Write every entry of the ledger into a file, oldest first; it is complete, or it is not there.

        Args:
            path: The file; one of that name is replaced.
            form: `csv` or `jsonl`; by default what the name ends in.

        Raises:
            ConfigError: There is no such form.
        """
        wanted = form or Path(path).suffix.removeprefix(".")
        if wanted not in get_args(Form):
            raise ConfigError(f"an export is csv or jsonl, not {wanted!r}; say so in form=.", field="form")
        return _exported(self._ledger, Path(path), "csv" if wanted == "csv" else "jsonl")

    async def aexport(self, path: str | Path, form: Form | None = None) -> Path:
        """Same as `export`."""
        return await asyncio.to_thread(self.export, path, form)

    def reset(self, group: str = "all", value: str = "", *, reason: str = "") -> None:
        """Count usage anew from now on, for everybody or for one `user`, `model`, …; budgets count on.

        It is an entry of its own: no record goes, and `usage(whole=True)` still counts them all.

        Args:
            group: What is reset: `all`, or a name as for `by` of `usage`.
            value: Whose.
            reason: Why, for whoever reads the ledger later.
        """
        self._ledger.reset(group, value, reason).result()

    async def areset(self, group: str = "all", value: str = "", *, reason: str = "") -> None:
        """Same as `reset`."""
        await self._ledger.reset(group, value, reason)

    def condense(self, before: Since) -> int:
        """Put daily totals in the place of older records: sums stay; percentiles, tags and single attempts go.

        Args:
            before: A moment, a day in UTC, or how long ago.

        Returns:
            How many totals that made.
        """
        return self._ledger.fold(self._moment(before)).result()

    async def acondense(self, before: Since) -> int:
        """Same as `condense`."""
        return await self._ledger.fold(self._moment(before))

    @property
    def _ledger(self) -> Ledger:
        return self._house.accounts.ledger

    def _moment(self, when: Since) -> When:
        return moment(self._ledger, when)


def selected(ledger: Ledger, which: Which) -> Selection:
    """What the ledger is asked for.

    Raises:
        ConfigError: There is no such choice.
    """
    for name in which:
        if name not in Which.__annotations__:
            near = did_you_mean(nearest_names(name, Which.__annotations__))
            raise ConfigError(f"usage is not chosen by {name!r}.{near}", field=name)
    return Selection(
        since=moment(ledger, which.get("since")),
        until=moment(ledger, which.get("until")),
        where=which.get("where"),
        whole=which.get("whole", False),
    )


def moment(ledger: Ledger, when: Since) -> When:
    """A moment as such; how long ago is counted back from the ledger's own time."""
    if not isinstance(when, dt.timedelta):
        return when
    return dt.datetime.fromtimestamp(ledger.now() / 1e6, dt.UTC) - when


def names_of(by: By) -> tuple[str, ...]:
    """One name or several, as several."""
    return (by,) if isinstance(by, str) else tuple(by)


def _exported(ledger: Ledger, path: Path, form: Form) -> Path:
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("x", encoding="utf-8", newline="") as file:
            ledger.read(lambda session: file.writelines(exported(session, form)))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
