"""What a failure means for the health of whoever was asked."""

from __future__ import annotations

from langchain_lucky_models import errors
from langchain_lucky_models.failures.actions import Scope, action_for
from langchain_lucky_models.health import ANSWERED, Outcome
from langchain_lucky_models.health.board import OutcomeKind

_KINDS: dict[Scope, OutcomeKind] = {
    "none": "neutral",
    "cooldown": "limited",
    "credential": "key_refused",
    "model": "failed",
    "endpoint": "failed",
}


def outcome_of(error: Exception | None) -> Outcome:
    """The outcome to report to the health board.

    Args:
        error: The failure, as `classify` gave it; `None` after an answer. Pass `health.NEUTRAL` yourself for what
            was cancelled.

    Example:
        >>> outcome_of(errors.RateLimitedError("429", facts=errors.CallFacts(retry_after=2.0))).kind
        'limited'
    """
    if error is None or isinstance(error, errors.UnfitAnswerError):
        return ANSWERED  # what was wished for, and how, is the caller's affair
    kind = _KINDS[action_for(error).breaker_scope]
    if isinstance(error, errors.ModelGoneError):
        kind = "gone"
    elif isinstance(error, errors.ConnectionFailedError | errors.TransportRefusedError):
        kind = "unreached"
    if not isinstance(error, errors.CallError):
        return Outcome(kind, type(error).__name__)
    return Outcome(kind, error.code, error.safe_message, error.retry_after)
