"""Which ids mean the same model: dates at the end of an id, read with a real calendar, and nothing looser."""

from __future__ import annotations

import datetime as dt
import re

_DATED = re.compile(r"(?P<stem>.+?)[-@](?P<year>20\d\d)(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)")


def without_date(model: str) -> str | None:
    """The id without the date it ends with; `None` where it ends with none.

    Example:
        >>> without_date("gpt-4o-2024-08-06"), without_date("claude-haiku-4-5-20251001")
        ('gpt-4o', 'claude-haiku-4-5')
        >>> without_date("gpt-4-0613"), without_date("mistral-large-2411"), without_date("model-20251399")
        (None, None, None)
    """
    found = _DATED.fullmatch(model)
    if found is None:
        return None
    try:
        dt.date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None
    return found["stem"]


def without_variant(model: str) -> str | None:
    """The id without its variant (`:free`, `:batch`) or region (`@eu`); `None` where it has neither.

    Example:
        >>> without_variant("openai/gpt-oss-20b:free"), without_variant("gpt-5@eu"), without_variant("gpt-5")
        ('openai/gpt-oss-20b', 'gpt-5', None)
    """
    stem, mark, _ = model.replace("@", ":", 1).partition(":")
    return stem if mark and stem else None
