"""How an endpoint does, read off its breakers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from langchain_lucky_models.health.breaker import Breaker, next_try, recent

Status = Literal["healthy", "degraded", "down"]

FAILING = 0.1
"""The share of failures from which a model that is still asked counts as degraded."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """How a model does at its endpoint.

    Attributes:
        reason: What last went wrong with it, in a word.
        next_try_at: When it may be asked again, on the board's clock, where it rests.
    """

    status: Status = "healthy"
    reason: str = ""
    next_try_at: float | None = None


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How an endpoint does.

    Attributes:
        resting: Models that are not asked at the moment.
        last_error: What last went wrong, without secrets.
        last_error_at: When, on the board's clock.
        next_try_at: When the endpoint may be asked again, where it is down.
        models: Every model that was asked lately.
    """

    status: Status = "healthy"
    resting: tuple[str, ...] = ()
    last_error: str = ""
    last_error_at: float | None = None
    next_try_at: float | None = None
    models: Mapping[str, ModelStatus] = field(default_factory=dict)


def read_endpoint(
    whole: Breaker, models: Mapping[str, Breaker], last: tuple[float, str] | None, now: float
) -> EndpointHealth:
    """Sum up an endpoint.

    Args:
        whole: Its own breaker.
        models: Those of its models.
        last: When something last went wrong, and what.
        now: The time.
    """
    told = {model: _read_model(breaker, now) for model, breaker in sorted(models.items())}
    resting = tuple(model for model, breaker in sorted(models.items()) if breaker.state != "closed")
    down = whole.state == "open" or (bool(models) and len(resting) == len(models))
    ill = whole.state != "closed" or any(model.status != "healthy" for model in told.values())
    status: Status = "down" if down else "degraded" if ill else "healthy"
    at, text = last or (None, "")
    until = next_try(whole, now)
    return EndpointHealth(status, resting, text, at, until if until > now else None, told)


def _read_model(breaker: Breaker, now: float) -> ModelStatus:
    until = next_try(breaker, now)
    if breaker.state == "open":
        status: Status = "down"
    else:
        status = "degraded" if breaker.state == "half_open" or _is_failing(breaker, now) else "healthy"
    reason = "" if status == "healthy" else breaker.reason
    return ModelStatus(status, reason, until if until > now else None)


def _is_failing(breaker: Breaker, now: float) -> bool:
    failed, total = recent(breaker, now)
    return breaker.streak > 1 or (total > 0 and failed / total > FAILING)
