"""What follows from each failure, as data: ask the same again, go on to the next, rest whom, book what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from langchain_lucky_models import errors

Again = Literal["no", "once", "yes"]
Next = Literal["no", "yes", "other_credential", "larger_context", "opt_in", "unless_shown"]
Scope = Literal["none", "cooldown", "credential", "model", "endpoint"]
Booking = Literal["nothing", "release", "reported", "estimate", "bound"]


@dataclass(frozen=True, slots=True)
class Action:
    """What one class of failure asks for.

    Attributes:
        same_again: Whether the same member may be asked once more.
        next_candidate: Whether another member may do better: any, only one with another credential or a larger
            context, only where the caller opted in, or any as long as nothing was shown.
        breaker_scope: Who rests because of it. `cooldown` is a rest that counts as no failure; `model` is the model
            at its endpoint, `endpoint` everything there.
        booking: What is settled: nothing was held, release all, what the provider reports, an estimate, or the
            whole hold until something better is known.
    """

    same_again: Again = "no"
    next_candidate: Next = "no"
    breaker_scope: Scope = "none"
    booking: Booking = "release"


ACTIONS: Mapping[type[errors.CallError], Action] = {
    errors.InvalidRequestError: Action(),
    errors.ContextTooLongError: Action(next_candidate="larger_context"),
    errors.ContentRefusedError: Action(next_candidate="opt_in", booking="reported"),
    errors.AuthFailedError: Action(next_candidate="other_credential", breaker_scope="credential"),
    errors.QuotaExhaustedError: Action(next_candidate="yes", breaker_scope="credential"),
    errors.ModelGoneError: Action(next_candidate="yes", breaker_scope="model"),
    errors.RateLimitedError: Action("yes", "yes", "cooldown"),
    errors.ProviderDownError: Action("yes", "yes", "endpoint", "estimate"),
    errors.ProviderTimeoutError: Action("once", "yes", "model", "bound"),
    errors.ProtocolError: Action("once", "yes", "model", "reported"),
    errors.UnfitAnswerError: Action("once", "yes", "none", "reported"),
    errors.AnswerTooLargeError: Action("once", "yes", "model", "estimate"),
    errors.StreamInterruptedError: Action("once", "unless_shown", "model", "estimate"),
    errors.TransportRefusedError: Action("no", "yes", "endpoint"),
    errors.CircuitOpenError: Action("no", "yes", "none", "nothing"),
    errors.LocalRefusalError: Action(booking="nothing"),
    errors.DeadlineExceededError: Action(breaker_scope="model", booking="bound"),
    errors.UnknownFailureError: Action(booking="estimate"),
    errors.AllAttemptsFailedError: Action("no", "yes", "none", "nothing"),
    errors.NoConsensusError: Action(booking="nothing"),
}
"""By class; a class that is not listed takes its parent's."""

FALLBACK_ELIGIBLE: tuple[type[Exception], ...] = tuple(
    found for found, action in ACTIONS.items() if action.next_candidate == "yes"
)
"""For LangChain's own `with_fallbacks(exceptions_to_handle=FALLBACK_ELIGIBLE)`."""

RETRY_SAFE: tuple[type[Exception], ...] = ()
"""For LangChain's own `with_retry`: nothing. A call has retried what is worth it, and every try is billed."""


def action_for(error: Exception | type[Exception]) -> Action:
    """What a failure asks for; anything unknown stops the call.

    Example:
        >>> action_for(errors.ConnectionFailedError).next_candidate
        'yes'
    """
    kind = error if isinstance(error, type) else type(error)
    return next((ACTIONS[base] for base in kind.__mro__ if base in ACTIONS), Action(booking="estimate"))


def moves_on(
    error: Exception, *, other_credential: bool = False, larger_context: bool = False, opted_in: bool = False
) -> bool:
    """Whether the next member may do better where one failed so.

    Args:
        error: The failure, as `classify` gave it.
        other_credential: The next member pays with another credential, and the same policy allows it.
        larger_context: The next member takes a longer input.
        opted_in: The caller wants another member's opinion after a content refusal.
    """
    shown = isinstance(error, errors.StreamInterruptedError) and error.partial is not None and bool(error.partial.text)
    conditions: Mapping[Next, bool] = {
        "no": False,
        "yes": True,
        "other_credential": other_credential,
        "larger_context": larger_context,
        "opt_in": opted_in,
        "unless_shown": not shown,
    }
    return conditions[action_for(error).next_candidate]
