"""What boards of several processes tell each other about a breaker, and what one makes of the other's. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from langchain_lucky_models.health.breaker import JITTER, Breaker, next_try

Kind = Literal["open", "resting", "closed"]

CLOSED_FOR = 30.0
"""Seconds for which it is told that a breaker has closed."""


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a breaker.

    Attributes:
        kind: It opened, was asked by the provider to rest, or closed.
        seconds: How long that is true.
        openings: How often it has opened without much health in between.
        reason: What went wrong, in a word.
    """

    kind: Kind
    seconds: float
    openings: int = 0
    reason: str = ""

    def written(self) -> str:
        """The news as text, without its seconds, which pass."""
        return json.dumps({key: value for key, value in asdict(self).items() if key != "seconds"})

    @classmethod
    def read(cls, text: str, seconds: float) -> News | None:
        """News from somewhere else; nothing where it is none that we understand."""
        try:
            row = json.loads(text)
            if row["kind"] in get_args(Kind):
                return cls(row["kind"], seconds, int(row["openings"]), str(row["reason"])[:80])
        except (ValueError, TypeError, LookupError):
            pass  # whoever wrote it, speaks another language
        return None


def news_of(before: Breaker, after: Breaker, now: float) -> News | None:
    """What is worth telling about a change.

    Example:
        >>> opened = Breaker("open", generation=1, openings=1, open_until=40.0, reason="provider_down")
        >>> news_of(Breaker(), opened, now=30.0)
        News(kind='open', seconds=10.0, openings=1, reason='provider_down')
    """
    until = next_try(after, now)
    if after.state == "open" and after.generation != before.generation:
        return News("open", until - now, after.openings, after.reason)
    if after.state == "closed" and before.state != "closed":
        return News("closed", CLOSED_FOR, after.openings)
    if after.rest_until > max(before.rest_until, now):
        return News("resting", after.rest_until - now, after.openings, after.reason)
    return None


def heard(breaker: Breaker, news: News, now: float, draw: float) -> Breaker:
    """A breaker after news of its twin in another process.

    It opens a little longer than its twin, so that the one that told is also the first to probe.
    """
    until = now + news.seconds
    told = breaker._replace(openings=max(breaker.openings, news.openings), reason=news.reason, touched=now)
    if news.kind == "resting":
        return told._replace(rest_until=max(breaker.rest_until, until))
    if news.kind == "open":
        later = until + news.seconds * JITTER * draw
        if breaker.state == "open":
            return told._replace(open_until=max(breaker.open_until, later))
        return told._replace(
            state="open", generation=breaker.generation + 1, open_until=later, answered=0, streak=0, counts=()
        )
    if breaker.state == "closed":
        return breaker
    return Breaker(
        generation=breaker.generation + 1,
        openings=told.openings,
        well_since=now,
        rest_until=breaker.rest_until,
        touched=now,
    )
