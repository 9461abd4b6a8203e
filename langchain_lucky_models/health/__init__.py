"""Who is well enough to be asked: circuit breakers, cooldowns, and the status of every endpoint."""

from __future__ import annotations

from langchain_lucky_models.health.board import (
    ANSWERED,
    NEUTRAL,
    Admission,
    HealthBoard,
    Outcome,
    Scope,
    scopes_of,
)
from langchain_lucky_models.health.breaker import Breaker, Rules
from langchain_lucky_models.health.status import EndpointHealth, ModelStatus

__all__ = [  # noqa: RUF022 - plain order, as every package's
    "ANSWERED",
    "Admission",
    "Breaker",
    "EndpointHealth",
    "HealthBoard",
    "ModelStatus",
    "NEUTRAL",
    "Outcome",
    "Rules",
    "Scope",
    "scopes_of",
]
