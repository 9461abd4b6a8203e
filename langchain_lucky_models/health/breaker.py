"""One circuit breaker as a value: what it allows, and what it becomes. Pure; time and chance are arguments.

```
closed ──failures──▶ open ──time──▶ half open ──two probes answer──▶ closed
                      ▲                 │
                      └──a probe fails──┘
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

State = Literal["closed", "open", "half_open"]

FIRST_REST = 10.0
LONGEST_REST = 300.0
"""Seconds that a breaker stays open the first time, and at most; each time in a row doubles it."""
JITTER = 0.1
"""How far a rest may differ from its length, so that many processes do not come back at once."""
DECAY = 60.0
"""Seconds of health that undo one doubling."""
PROBES = 2
"""Probes that have to answer before a breaker closes."""
LONGEST_COOLDOWN = 86_400.0
"""Seconds; a provider that asks for a longer rest gets a day."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens: after so many failures in a row, or a share of those in a window.

    Attributes:
        consecutive: Failures in a row.
        share: The share of failures in the window, of at least `least` results; above 1 nothing is counted.
        window: Seconds.
    """

    consecutive: int = 5
    share: float = 0.5
    least: int = 20
    window: float = 60.0


DEFAULT_RULES = Rules()


class Count(NamedTuple):
    """Results that ended within the same second."""

    second: int
    failed: int = 0
    total: int = 0


class Breaker(NamedTuple):
    """A breaker at one moment.

    Attributes:
        generation: Grows with every transition; results that were asked for in an older one do not count.
        streak: Failures in a row.
        counts: Results in the window.
        openings: How often it opened without much health in between.
        open_until: When the first probe may go, while open.
        lease_until: Until when a running probe keeps others away, while half open.
        answered: Probes that answered, while half open.
        well_since: Since when it is closed and no failure came.
        rest_until: Until when nothing may go because the provider asked for it; no failure.
        reason: What last went wrong, in a word.
        touched: When it last changed.
    """

    state: State = "closed"
    generation: int = 0
    streak: int = 0
    counts: tuple[Count, ...] = ()
    openings: int = 0
    open_until: float = 0.0
    lease_until: float = 0.0
    answered: int = 0
    well_since: float = 0.0
    rest_until: float = 0.0
    reason: str = ""
    touched: float = 0.0


def next_try(breaker: Breaker, now: float) -> float:
    """When a request may go; in the past or now where it may go at once.

    Example:
        >>> next_try(Breaker("open", open_until=30.0), now=12.0)
        30.0
    """
    barred = {"closed": now, "open": breaker.open_until, "half_open": breaker.lease_until}[breaker.state]
    return max(barred, breaker.rest_until)


def enter(breaker: Breaker, now: float, lease: float) -> Breaker:
    """What admitting a request makes of it: open ones become half open, and the request its single probe.

    Args:
        breaker: One whose `next_try` has come.
        now: The time.
        lease: Seconds after which a probe that did not return is given up.
    """
    if breaker.state == "closed":
        return breaker
    # A lost probe's late result belongs to the generation that is left here.
    return breaker._replace(state="half_open", generation=breaker.generation + 1, lease_until=now + lease, touched=now)


def succeed(breaker: Breaker, now: float, rules: Rules = DEFAULT_RULES) -> Breaker:
    """After an answer."""
    if breaker.state == "half_open":
        if breaker.answered + 1 < PROBES:
            return breaker._replace(answered=breaker.answered + 1, lease_until=0.0, touched=now)
        return Breaker(
            generation=breaker.generation + 1,
            openings=breaker.openings,
            well_since=now,
            rest_until=breaker.rest_until,
            touched=now,
        )
    counts = _counted(breaker.counts, now, rules, failed=0)
    if not breaker.streak and not counts:
        return breaker
    return breaker._replace(streak=0, counts=counts, touched=now)


def fail(breaker: Breaker, now: float, draw: float, reason: str, rules: Rules = DEFAULT_RULES) -> Breaker:
    """After a failure that counts.

    Args:
        breaker: As it was.
        now: The time.
        draw: A number in [0, 1) that decides the jitter.
        reason: What went wrong, in a word.
        rules: When to open.
    """
    counts = _counted(breaker.counts, now, rules, failed=1)
    openings = _decayed(breaker, now)
    failed = breaker._replace(
        streak=breaker.streak + 1,
        counts=counts,
        openings=openings,
        well_since=now,
        reason=reason,
        touched=now,
    )
    if breaker.state == "half_open" or failed.streak >= rules.consecutive or _too_many(counts, rules):
        return trip(failed, now, draw, reason)
    return failed


def trip(breaker: Breaker, now: float, draw: float, reason: str) -> Breaker:
    """Open it."""
    openings = breaker.openings + 1
    rest = min(LONGEST_REST, FIRST_REST * 2.0 ** min(openings - 1, 30))
    return Breaker(
        state="open",
        generation=breaker.generation + 1,
        openings=openings,
        open_until=now + rest * (1.0 + JITTER * (2.0 * draw - 1.0)),
        well_since=now,
        rest_until=breaker.rest_until,
        reason=reason,
        touched=now,
    )


def release(breaker: Breaker, now: float) -> Breaker:
    """After a request that says nothing about health: cancelled, refused for what it asked, a mistake of ours."""
    return breaker._replace(lease_until=0.0, touched=now) if breaker.state == "half_open" else breaker


def rest(breaker: Breaker, now: float, seconds: float, reason: str) -> Breaker:
    """Keep away for so long, because the provider asked for it; a longer rest that runs already stays."""
    until = now + min(max(seconds, 0.0), LONGEST_COOLDOWN)
    return breaker._replace(rest_until=max(breaker.rest_until, until), reason=reason, touched=now)


def recent(breaker: Breaker, now: float, rules: Rules = DEFAULT_RULES) -> tuple[int, int]:
    """Failures and results within the window."""
    fresh = _fresh(breaker.counts, now, rules)
    return sum(count.failed for count in fresh), sum(count.total for count in fresh)


def _decayed(breaker: Breaker, now: float) -> int:
    if breaker.state != "closed":
        return breaker.openings
    return max(0, breaker.openings - int((now - breaker.well_since) // DECAY))


def _fresh(counts: tuple[Count, ...], now: float, rules: Rules) -> tuple[Count, ...]:
    return tuple(count for count in counts if count.second > now - rules.window)


def _counted(counts: tuple[Count, ...], now: float, rules: Rules, *, failed: int) -> tuple[Count, ...]:
    if rules.share > 1.0:
        return ()
    second = int(now // 1)
    if counts and counts[-1].second == second:
        last = counts[-1]
        return (*counts[:-1], Count(second, last.failed + failed, last.total + 1))
    return (*_fresh(counts, now, rules), Count(second, failed, 1))


def _too_many(counts: tuple[Count, ...], rules: Rules) -> bool:
    total = sum(count.total for count in counts)
    return total >= rules.least and sum(count.failed for count in counts) >= rules.share * total
