"""Who may be asked, as one registry sees it: the breakers of its endpoints, models and credentials."""

from __future__ import annotations

import functools
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from langchain_lucky_models.health.breaker import (
    DEFAULT_RULES,
    Breaker,
    Rules,
    enter,
    fail,
    next_try,
    release,
    rest,
    succeed,
    trip,
)
from langchain_lucky_models.health.news import News, heard, news_of
from langchain_lucky_models.health.status import EndpointHealth, read_endpoint

ScopeKind = Literal["endpoint", "model", "credential", "allowance"]
OutcomeKind = Literal["answered", "failed", "unreached", "key_refused", "limited", "gone", "neutral"]

RULES: Mapping[ScopeKind, Rules] = {
    "model": DEFAULT_RULES,
    "endpoint": Rules(consecutive=3, share=2.0),
    "credential": Rules(consecutive=1, share=2.0),
    "allowance": Rules(share=2.0),
}
"""An endpoint opens when it cannot be reached, a credential at its first refusal; a share above 1 never opens."""

MODELS_OF_A_DEAD_ENDPOINT = 2
"""Open models after which their endpoint is taken to be down."""
REST_UNSAID = 1.0
"""Seconds of rest after a 429 that does not say how long."""
REST_GONE = 600.0
"""Seconds for which a model that the provider does not have is not asked for again with the same key."""
LEASE = 30.0
"""Seconds that a probe may take, where the caller does not say."""
PRISTINE = Breaker()
"""A breaker to which nothing has happened."""
FORGET_AFTER = 3_600.0
"""Seconds after which an untouched breaker is forgotten."""
SWEEP_EVERY = 512


class Scope(NamedTuple):
    """What a breaker is about. Empty parts do not matter to it.

    A credential is named by a fingerprint, so that nobody's key is kept here and nobody's failure is another's.
    """

    kind: ScopeKind
    endpoint: str
    model: str = ""
    credential: str = ""


def scopes_of(endpoint: str, model: str, credential: str) -> tuple[Scope, ...]:
    """Everything that has to be well for one request: its endpoint, the model there, the key, the key's allowance.

    Example:
        >>> [scope.kind for scope in scopes_of("openai", "gpt-4o", "3f2a")]
        ['endpoint', 'model', 'credential', 'allowance']
    """
    return (
        Scope("endpoint", endpoint),
        Scope("model", endpoint, model=model),
        Scope("credential", endpoint, credential=credential),
        Scope("allowance", endpoint, model=model, credential=credential),
    )


Listener = Callable[[Scope, News, bool], None]
"""Hears of a scope what happened to its breaker, and whether it happened in this process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended, as far as health is concerned.

    Attributes:
        kind: `failed`: the provider's fault. `unreached`: no connection. `key_refused`: 401, 402, 403. `limited`:
            429. `gone`: no such model for this key. `neutral`: cancelled, refused for what was asked, or our fault.
        reason: The stable code of the error, such as `provider_down`.
        message: What was said, without secrets.
        retry_after: Seconds that the provider asked for.
    """

    kind: OutcomeKind
    reason: str = ""
    message: str = ""
    retry_after: float | None = None


ANSWERED = Outcome("answered")
NEUTRAL = Outcome("neutral")


class Admission(NamedTuple):
    """Whether a request may go, and what to report its outcome with.

    Attributes:
        reason: Why not: who rests, and since which failure.
        next_try_at: When it may, on the board's clock.
        tickets: The scopes it was admitted to, each with its generation.
    """

    allowed: bool
    reason: str = ""
    next_try_at: float | None = None
    tickets: tuple[tuple[Scope, int], ...] = ()


class HealthBoard:
    """The breakers of one registry. Safe for threads; it never waits and does no I/O.

    Args:
        clock: A monotonic clock: no change of the wall clock opens or closes anything.
        draw: Numbers in [0, 1) for the jitter of rests.
        tell: Hears what happens to breakers; called with the board locked, so it must not wait.

    Example:
        >>> board = HealthBoard(clock=lambda: 0.0)
        >>> scopes = scopes_of("openai", "gpt-4o", "3f2a")
        >>> for _ in range(5):
        ...     board.report(board.admit(scopes), Outcome("failed", "provider_down", "503"))
        >>> board.admit(scopes).reason
        'openai#gpt-4o rests after provider_down'
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        tell: Callable[[Scope, News], None] | None = None,
    ) -> None:
        self.clock = clock
        self._draw = draw
        self._tell = tell
        self._listeners: tuple[Listener, ...] = ()
        self.forked()
        self._breakers: dict[Scope, Breaker] = {}
        self._last: dict[str, tuple[float, str]] = {}
        self._reports = 0
        os.register_at_fork(after_in_child=functools.partial(_revive, weakref.ref(self)))

    def forked(self) -> None:
        """A lock that another thread held at the fork would stay shut for ever."""
        # A stream that is collected as garbage reports in whatever thread runs, maybe inside these very lines.
        self._lock = threading.RLock()

    def admit(self, scopes: tuple[Scope, ...], *, lease: float = LEASE, panic: bool = False) -> Admission:
        """Ask whether a request may go. An admission has to be reported, however the request ends.

        Args:
            scopes: What it touches; see `scopes_of`.
            lease: Seconds until the request is over at the latest.
            panic: Let it through as the probe even before its time, unless another probe is on its way or the
                provider has asked for rest.
        """
        now = self.clock()
        with self._lock:
            found = {scope: self._breakers.get(scope, PRISTINE) for scope in scopes}
            if all(_is_well(breaker, now) for breaker in found.values()):
                return Admission(allowed=True, tickets=tuple((s, breaker.generation) for s, breaker in found.items()))
            if panic:
                found = {scope: _hastened(breaker, now) for scope, breaker in found.items()}
            if (refusal := _refusal(found, now)) is not None:
                return refusal
            entered = {scope: enter(breaker, now, lease) for scope, breaker in found.items()}
            self._breakers.update({scope: now_is for scope, now_is in entered.items() if now_is != found[scope]})
            return Admission(
                allowed=True, tickets=tuple((scope, now_is.generation) for scope, now_is in entered.items())
            )

    def report(self, admission: Admission, outcome: Outcome = ANSWERED) -> None:
        """Say how an admitted request ended."""
        now = self.clock()
        with self._lock:
            for scope, generation in admission.tickets:
                before = self._breakers.get(scope, PRISTINE)
                if before is PRISTINE and outcome is ANSWERED and scope.kind != "model":
                    continue  # the usual case: only models are judged by their share of failures
                if before.generation == generation:
                    self._keep(scope, before, self._judged(scope, before, outcome, now), now)
            if outcome.kind in ("failed", "unreached") and admission.tickets:
                text = outcome.message or outcome.reason
                self._last[admission.tickets[0][0].endpoint] = (now, text)
            self._sweep(now)

    def hear(self, scope: Scope, news: News) -> None:
        """Take over what another process says of a breaker."""
        now = self.clock()
        with self._lock:
            before = self._breakers.get(scope, PRISTINE)
            after = self._breakers[scope] = heard(before, news, now, self._draw())
            if self._listeners and (told := news_of(before, after, now)) is not None:
                self._announce(scope, told, here=False)

    def listen(self, listener: Listener) -> None:
        """Let somebody hear of breakers from now on, and whether it happened here or in another process.

        Args:
            listener: Called with the board locked, so it must not wait.
        """
        self._listeners = (*self._listeners, listener)

    def is_well(self, scopes: tuple[Scope, ...]) -> bool:
        """Whether none of them rests or is being probed."""
        now = self.clock()
        with self._lock:
            return all(_is_well(self._breakers.get(scope, PRISTINE), now) for scope in scopes)

    def refusal(self, scopes: tuple[Scope, ...]) -> Admission | None:
        """What `admit` would answer, where it would refuse; nobody is let through, so there is nothing to report."""
        now = self.clock()
        with self._lock:
            return _refusal({scope: self._breakers.get(scope, PRISTINE) for scope in scopes}, now)

    def next_try_at(self, scopes: tuple[Scope, ...]) -> float:
        """When a request with these scopes may go; now, where it may go at once."""
        now = self.clock()
        with self._lock:
            return max(next_try(self._breakers.get(scope, PRISTINE), now) for scope in scopes)

    def status(self) -> dict[str, EndpointHealth]:
        """How every endpoint does that was asked lately. One user's key or allowance says nothing about it."""
        now = self.clock()
        with self._lock:
            shared = {s: b for s, b in self._breakers.items() if s.kind in ("endpoint", "model")}
            last = dict(self._last)
        known = {scope.endpoint for scope in shared} | set(last)
        return {name: _read(name, shared, last.get(name), now) for name in known}

    def _judged(self, scope: Scope, breaker: Breaker, outcome: Outcome, now: float) -> Breaker:
        rules = RULES[scope.kind]
        if outcome.kind == "answered":
            return succeed(breaker, now, rules)
        if scope.kind in _BLAMED.get(outcome.kind, ()):
            breaker = fail(breaker, now, self._draw(), outcome.reason, rules)
        elif breaker.state == "half_open" and scope.kind == "endpoint" and outcome.kind == "failed":
            # A probe of the endpoint that its server failed is a failed probe, whatever else it would be.
            breaker = fail(breaker, now, self._draw(), outcome.reason, rules)
        else:
            breaker = release(breaker, now)
        seconds = _rest_for(scope, outcome)
        return breaker if seconds is None else rest(breaker, now, seconds, outcome.reason)

    def _keep(self, scope: Scope, before: Breaker, after: Breaker, now: float) -> None:
        # Breakers that nothing happened to are not kept: a board outlives many users.
        if after != before:
            self._put(scope, before, after, now)
        if scope.kind == "model" and after.state == "open" and before.state != "open":
            self._judge_endpoint(scope.endpoint, after.reason, now)

    def _judge_endpoint(self, endpoint: str, reason: str, now: float) -> None:
        open_models = [s for s, b in self._breakers.items() if _is_open_model(s, b, endpoint)]
        scope = Scope("endpoint", endpoint)
        breaker = self._breakers.get(scope, PRISTINE)
        if len(open_models) >= MODELS_OF_A_DEAD_ENDPOINT and breaker.state == "closed":
            self._put(scope, breaker, trip(breaker, now, self._draw(), reason), now)

    def _put(self, scope: Scope, before: Breaker, after: Breaker, now: float) -> None:
        self._breakers[scope] = after
        if (self._tell or self._listeners) and (news := news_of(before, after, now)) is not None:
            if self._tell is not None:
                self._tell(scope, news)
            self._announce(scope, news, here=True)

    def _announce(self, scope: Scope, news: News, *, here: bool) -> None:
        for listener in self._listeners:
            listener(scope, news, here)

    def _sweep(self, now: float) -> None:
        self._reports += 1
        if self._reports % SWEEP_EVERY == 0:
            self._breakers = {
                scope: breaker
                for scope, breaker in self._breakers.items()
                if now - breaker.touched < FORGET_AFTER or next_try(breaker, now) > now
            }


def _revive(reference: weakref.ref[HealthBoard]) -> None:
    if (board := reference()) is not None:
        board.forked()


_BLAMED: Mapping[OutcomeKind, tuple[ScopeKind, ...]] = {
    "failed": ("model",),
    "unreached": ("endpoint", "model"),
    "key_refused": ("credential",),
}
"""Whose breaker a failure counts against."""


def _rest_for(scope: Scope, outcome: Outcome) -> float | None:
    """How long a scope has to be left alone after an outcome, if at all."""
    if outcome.kind == "gone":
        return REST_GONE if scope.kind == "allowance" else None
    if outcome.kind == "limited":
        unsaid = REST_UNSAID if outcome.retry_after is None else outcome.retry_after
        return unsaid if scope.kind == "allowance" else None
    return outcome.retry_after if scope.kind in _BLAMED.get(outcome.kind, ()) else None


def _refusal(found: Mapping[Scope, Breaker], now: float) -> Admission | None:
    """The admission that whoever rests longest refuses."""
    latest, scope = max(((next_try(breaker, now), scope) for scope, breaker in found.items()), key=lambda pair: pair[0])
    if latest <= now:
        return None
    return Admission(allowed=False, reason=_explain(scope, found[scope]), next_try_at=latest)


def _is_well(breaker: Breaker, now: float) -> bool:
    return breaker.state == "closed" and breaker.rest_until <= now


def _hastened(breaker: Breaker, now: float) -> Breaker:
    return breaker._replace(open_until=min(breaker.open_until, now)) if breaker.state == "open" else breaker


def _is_open_model(scope: Scope, breaker: Breaker, endpoint: str) -> bool:
    return scope.kind == "model" and scope.endpoint == endpoint and breaker.state == "open"


def _explain(scope: Scope, breaker: Breaker) -> str:
    names: Mapping[ScopeKind, str] = {
        "endpoint": scope.endpoint,
        "model": f"{scope.endpoint}#{scope.model}",
        "credential": f"the key for {scope.endpoint}",
        "allowance": f"the key's allowance of {scope.endpoint}#{scope.model}",
    }
    probing = " and is being probed" if breaker.state == "half_open" else ""
    return f"{names[scope.kind]} rests after {breaker.reason or 'failures'}{probing}"


def _read(name: str, shared: Mapping[Scope, Breaker], last: tuple[float, str] | None, now: float) -> EndpointHealth:
    models = {scope.model: b for scope, b in shared.items() if scope.kind == "model" and scope.endpoint == name}
    return read_endpoint(shared.get(Scope("endpoint", name), PRISTINE), models, last, now)
