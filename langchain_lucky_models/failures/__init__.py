"""Which failure is which, and what follows from it: retry, fall back, or give up.

`classify` turns whatever a provider, a partner package or the wire did into one class of `errors`. `ACTIONS` says
what each class asks for; `moves_on` and `next_step` read it. Everything here is pure: no clock, no I/O, no sleep.
"""

from __future__ import annotations

from langchain_lucky_models.failures.actions import (
    ACTIONS,
    FALLBACK_ELIGIBLE,
    RETRY_SAFE,
    Action,
    action_for,
    moves_on,
)
from langchain_lucky_models.failures.diagnosis import classify
from langchain_lucky_models.failures.outcomes import outcome_of
from langchain_lucky_models.failures.retries import (
    RetryBudget,
    RetryPolicy,
    Standing,
    Step,
    backoff,
    next_step,
    pause_before_retry,
    pause_for,
)
from langchain_lucky_models.failures.signs import Evidence, Seen
from langchain_lucky_models.failures.waits import read_duration, retry_after

__all__ = [  # noqa: RUF022 - plain order, as every package's
    "ACTIONS",
    "Action",
    "Evidence",
    "FALLBACK_ELIGIBLE",
    "RETRY_SAFE",
    "RetryBudget",
    "RetryPolicy",
    "Seen",
    "Standing",
    "Step",
    "action_for",
    "backoff",
    "classify",
    "moves_on",
    "next_step",
    "outcome_of",
    "pause_before_retry",
    "pause_for",
    "read_duration",
    "retry_after",
]
