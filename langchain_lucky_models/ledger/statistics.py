"""Sums, rates and percentiles over the ledger, computed in the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import orjson

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.money import dollars
from langchain_lucky_models.ledger.records import storable

GROUPS: Mapping[str, str] = {
    "user": "user_id",
    "model": "model",
    "provider": "provider",
    "asked": "asked",
    "served": "served",
    "key_owner": "key_owner",
    "key": "key_id",
    "strategy": "strategy",
    "experiment": "experiment",
    "variant": "variant",
    "outcome": "outcome",
    "error": "error",
    "basis": "basis",
    "day": "day",
    "month": "substr(day, 1, 7)",
}
"""What records can be grouped and filtered by, and where it stands."""

When = dt.datetime | dt.date | None

_SUMMED = (
    "requests",
    "answered",
    "unpriced",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)
# Dollars and the rest apart: picodollars of a large house would overflow 64 bits.
_SUMS = ", ".join(f"SUM({name})" for name in _SUMMED) + ", SUM(cost / 1000000), SUM(cost % 1000000)"

_MEASURES = {
    "latency": "latency",
    "first_token": "first_token",
    "tokens_per_second": "output_tokens * 1000000000 / NULLIF(latency - COALESCE(first_token, 0), 0)",
}
# A histogram of three digits is small however many records there are, so that nothing is sorted but the histogram.
_THREE_DIGITS = (
    "CASE WHEN {0} < 1000 THEN {0} WHEN {0} < 10000 THEN {0} / 10 * 10 WHEN {0} < 100000 THEN {0} / 100 * 100 "
    "WHEN {0} < 1000000 THEN {0} / 1000 * 1000 WHEN {0} < 10000000 THEN {0} / 10000 * 10000 "
    "ELSE {0} / 100000 * 100000 END"
)
# A list of texts as JSON, its brackets turned into commas: each element stands between two, and nothing else does.
_TAGS = "(',' || substr(tags, 2, length(tags) - 2) || ',')"
_CARRIES = f"replace({_TAGS}, {{0}}, '') <> {_TAGS}"
_SCALES = {"latency": 1e6, "first_token": 1e6, "tokens_per_second": 1e3}


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The sums of one group. A field that was not grouped by is None.

    Attributes:
        requests: Attempts made.
        answered: Those that gave an answer.
        unpriced: Those whose cost nobody knows; they are not in `cost`.
        cost: Dollars, exact.
    """

    group: Mapping[str, str | None]
    requests: int
    answered: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    cost: Decimal

    @property
    def success_rate(self) -> float:
        """The share that answered, from 0 to 1."""
        return self.answered / self.requests if self.requests else 0.0

    @property
    def cost_per_answer(self) -> Decimal | None:
        """Dollars for each attempt that answered, those that failed paid along; None before the first."""
        return self.cost / self.answered if self.answered else None

    def to_dict(self) -> dict[str, object]:
        """What it was grouped by, then its figures."""
        figures = {name: getattr(self, name) for name in _SUMMED}
        return {**self.group, **figures, "success_rate": self.success_rate, "cost": self.cost}

    @property
    def user(self) -> str | None:
        """Who asked."""
        return self.group.get("user")

    @property
    def model(self) -> str | None:
        """The ref that was asked."""
        return self.group.get("model")

    @property
    def provider(self) -> str | None:
        """Who was asked."""
        return self.group.get("provider")

    @property
    def experiment(self) -> str | None:
        """The experiment it belonged to."""
        return self.group.get("experiment")

    @property
    def day(self) -> str | None:
        """The UTC day, as an ISO date."""
        return self.group.get("day")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles, to three digits; None where nothing was measured."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A group's sums, and how fast it was: seconds, seconds, tokens a second."""

    usage: UsageRow
    latency: Percentiles
    first_token: Percentiles
    tokens_per_second: Percentiles

    def to_dict(self) -> dict[str, object]:
        """What it was grouped by, then how good, how fast and how dear it was."""
        used = self.usage
        figures: dict[str, object] = {"requests": used.requests, "success_rate": used.success_rate, "cost": used.cost}
        figures["cost_per_answer"] = used.cost_per_answer
        for measure in _MEASURES:
            found: Percentiles = getattr(self, measure)
            figures |= {f"{measure}_p50": found.p50, f"{measure}_p90": found.p90, f"{measure}_p99": found.p99}
        return {**used.group, **figures}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records count.

    Attributes:
        since: The first instant; a date is its midnight in UTC.
        until: The first instant that no longer counts.
        where: Values that records must have, by the names of `GROUPS`; and a `tag` that they carry.
        whole: Count what lies before a reset, too.
    """

    since: When = None
    until: When = None
    where: Mapping[str, str] | None = None
    whole: bool = False


EVERYTHING = Selection()


def usage(session: Session, by: Sequence[str], selection: Selection = EVERYTHING) -> list[UsageRow]:
    """The sums of each group, dearest first."""
    columns, (condition, parameters) = [group_column(name) for name in by], _condition(session, selection)
    grouped = f" GROUP BY {', '.join(columns)}" if columns else ""
    sql = f"SELECT {', '.join([*columns, _SUMS])} FROM lucky_records WHERE {condition}{grouped}"  # noqa: S608 - names from GROUPS
    rows = [_usage_row(by, row) for row in session.rows(sql, parameters) if row[len(by)] is not None]
    return sorted(rows, key=lambda row: (-row.cost, -row.requests, str(row.group)))


def metrics(session: Session, by: Sequence[str], selection: Selection = EVERYTHING) -> list[MetricRow]:
    """The sums of each group with its percentiles, dearest first."""
    measured = {name: _percentiles(session, name, by, selection) for name in _MEASURES}
    return [
        MetricRow(
            row, **{name: found.get(tuple(row.group.values()), Percentiles()) for name, found in measured.items()}
        )
        for row in usage(session, by, selection)
    ]


Figure = Literal["cost", "cost_per_answer", "success_rate", "latency", "first_token", "tokens_per_second", "requests"]


def ranked(rows: Iterable[MetricRow], by: Figure) -> list[MetricRow]:
    """The rows from best to worst by one figure; rows without it come last."""
    signs = {"cost": 1, "cost_per_answer": 1, "latency": 1, "first_token": 1}

    def place(row: MetricRow) -> tuple[bool, float]:
        figure = getattr(row.usage, by) if hasattr(row.usage, by) else getattr(row, by).p50
        return figure is None, signs.get(by, -1) * float(figure or 0)

    return sorted(rows, key=place)


def recent(session: Session, where: Mapping[str, str], since: int, width: int) -> list[tuple[int, int, int]]:
    """Requests and tokens since an instant, in slots of `width` microseconds: (start of the slot, requests, tokens)."""
    conditions, parameters = ["at >= :since"], {"since": since, "width": width, **_values(where)}
    conditions += _equalities(where)
    sql = (
        "SELECT at / :width, SUM(requests), SUM(input_tokens + output_tokens) FROM lucky_records "  # noqa: S608 - names from GROUPS
        f"WHERE {' AND '.join(conditions)} GROUP BY 1 ORDER BY 1"
    )
    return [(int(slot) * width, int(requests), int(tokens)) for slot, requests, tokens in session.rows(sql, parameters)]


def group_column(name: str) -> str:
    """Where a group stands.

    Raises:
        ConfigError: Records cannot be grouped by that.
    """
    if name not in GROUPS:
        known = did_you_mean(nearest_names(name, GROUPS)) or f" Known: {', '.join(GROUPS)}."
        raise ConfigError(f"usage cannot be grouped by {name!r}.{known}", field="by")
    return GROUPS[name]


def instant(when: dt.datetime | dt.date) -> int:
    """An instant in microseconds since 1970; what has no zone is UTC."""
    if not isinstance(when, dt.datetime):
        when = dt.datetime.combine(when, dt.time())
    aware = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNTOUCHED = (
    "NOT EXISTS (SELECT 1 FROM lucky_resets WHERE lucky_resets.at > lucky_records.at AND (dimension = 'all' "  # noqa: S608 - our own names
    + " ".join(
        f"OR (dimension = '{name}' AND value = lucky_records.{column})"
        for name, column in GROUPS.items()
        if name != "month"
    )
    + "))"
)


def _condition(session: Session, selection: Selection) -> tuple[str, dict[str, Any]]:
    parts, parameters = ["1 = 1"], dict[str, Any]()
    if selection.since is not None:
        parts.append("at >= :since")
        parameters["since"] = instant(selection.since)
    if selection.until is not None:
        parts.append("at < :until")
        parameters["until"] = instant(selection.until)
    parts += _equalities(selection.where or {})
    parameters |= _values(selection.where or {})
    if not selection.whole and session.rows("SELECT 1 FROM lucky_resets LIMIT 1"):
        parts.append(_UNTOUCHED)
    return " AND ".join(parts), parameters


def _equalities(where: Mapping[str, str]) -> list[str]:
    return [
        _CARRIES.format(f":where{number}") if name == "tag" else f"{group_column(name)} = :where{number}"
        for number, name in enumerate(where)
    ]


def _values(where: Mapping[str, str]) -> dict[str, str]:
    texts = {name: storable(value) for name, value in where.items()}
    if "tag" in texts:
        texts["tag"] = f",{orjson.dumps(texts['tag']).decode()},"
    return {f"where{number}": text for number, text in enumerate(texts.values())}


def _usage_row(by: Sequence[str], row: Sequence[Any]) -> UsageRow:
    *sums, large, small = (int(value) for value in row[len(by) :])
    group = dict(zip(by, row, strict=False))
    return UsageRow(group=group, cost=dollars(large * 1_000_000 + small), **dict(zip(_SUMMED, sums, strict=True)))


def _percentiles(
    session: Session, measure: str, by: Sequence[str], selection: Selection
) -> dict[tuple[str | None, ...], Percentiles]:
    columns, (condition, parameters) = [group_column(name) for name in by], _condition(session, selection)
    figure = _MEASURES[measure]
    places = ", ".join(str(number + 1) for number in range(len(by) + 1))
    sql = (
        f"SELECT {', '.join([*columns, _THREE_DIGITS.format(figure)])}, COUNT(*) FROM lucky_records "  # noqa: S608 - names from GROUPS
        f"WHERE {figure} IS NOT NULL AND outcome = 'answered' AND {condition} GROUP BY {places} ORDER BY {places}"
    )
    histograms: dict[tuple[str | None, ...], list[tuple[float, int]]] = {}
    for *group, value, times in session.rows(sql, parameters):
        histograms.setdefault(tuple(group), []).append((int(value) / _SCALES[measure], int(times)))
    return {group: Percentiles(*(_ranked(bars, rank) for rank in (50, 90, 99))) for group, bars in histograms.items()}


def _ranked(bars: Sequence[tuple[float, int]], rank: int) -> float:
    """The value at the nearest rank, of values in ascending order with how often each occurs."""
    place = -(-sum(times for _, times in bars) * rank // 100)
    for value, times in bars:
        place -= times
        if place <= 0:
            return value
    raise ValueError("no values")
