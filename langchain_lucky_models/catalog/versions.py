"""Comparing the versions of models: numbered (`3.5`), dated (`2024-08-06`, `20251001`, `2411`), and their previews."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from langchain_lucky_models.catalog.entry import ModelEntry

_DAY = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")
_MONTH = re.compile(r"(?<![\d.])(2\d)(0[1-9]|1[0-2])(?![\d.])")
_NUMBER = re.compile(r"(?<![a-z\d.])v?(\d{1,3}(?:[.-]\d{1,2})*)(?![\d.]*[bkm](?:\b|$))", re.IGNORECASE)
_UNFINISHED = re.compile(r"(?<![a-z])(alpha|beta|preview|exp|experimental|rc\d*)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class VersionKey:
    """What versions are ordered by.

    Attributes:
        numbers: The parts of the number, without zeros at the end: 5.0 is 5.
        finished: False for a preview; it stands before the release of the same number.
        date: The date in the version; a version without one stands before those of the same number that have one.
    """

    numbers: tuple[int, ...] = ()
    finished: bool = True
    date: dt.date = dt.date.min


def version_key(text: str) -> VersionKey:
    """Read a version, or the id of a model that holds one.

    Sizes (`70b`) are no versions. Four digits are a year and month (`2411`) where they can be; `0613` has no year, so
    it is left aside: the catalog's release date tells such models apart.

    Example:
        >>> version_key("5.4") > version_key("5.0") == version_key("5")
        True
        >>> version_key("gemini-3-pro-preview") < version_key("gemini-3-pro")
        True
    """
    rest, date = _without_date(text)
    number = _NUMBER.search(rest)
    numbers = [int(part) for part in re.split(r"[.-]", number[1])] if number else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return VersionKey(tuple(numbers), _UNFINISHED.search(text) is None, date or dt.date.min)


def compare(one: str, other: str) -> int:
    """-1, 0 or 1: whether the first version is older than the second, as old, or newer.

    Example:
        >>> compare("3.5", "3.10"), compare("2024-05-13", "2024-08-06"), compare("v2", "2.0")
        (-1, -1, 0)
    """
    first, second = version_key(one), version_key(other)
    return (first > second) - (first < second)


def in_range(version: str, minimum: str | None = None, maximum: str | None = None) -> bool:
    """Whether a version is at least the one and at most the other.

    Example:
        >>> in_range("4.1", "4", "5"), in_range("5.1", maximum="5")
        (True, False)
    """
    key = version_key(version)
    return (minimum is None or version_key(minimum) <= key) and (maximum is None or key <= version_key(maximum))


def latest(entries: Iterable[ModelEntry], family: str) -> ModelEntry | None:
    """The newest model of a family that is in service; of one version, the one released last."""
    of_family = (entry for entry in entries if entry.family == family and entry.status.state != "retired")
    return max(of_family, key=_age, default=None)


def _age(entry: ModelEntry) -> tuple[VersionKey, dt.date, str]:
    key = version_key(entry.id if entry.version is None else entry.version)
    finished = key.finished and entry.status.state != "preview"
    return VersionKey(key.numbers, finished, key.date), entry.release_date or dt.date.min, entry.id


def _without_date(text: str) -> tuple[str, dt.date | None]:
    for pattern in (_DAY, _MONTH):
        if found := pattern.search(text):
            date = _date_of(found)
            if date is not None:
                return text[: found.start()] + text[found.end() :], date
    return text, None


def _date_of(found: re.Match[str]) -> dt.date | None:
    year, month, *day = (int(part) for part in found.groups())
    try:
        return dt.date(year if day else 2000 + year, month, day[0] if day else 1)
    except ValueError:
        return None  # 20251399 is no date, so it is no version either
