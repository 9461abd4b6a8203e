"""Errors of a call: what a provider, the wire, or our own policy did to one request.

Each is also LangChain's own error of the same meaning where there is one, so code that catches
`ModelRateLimitError` catches ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from langchain_core import exceptions as core
from langchain_core.messages import AIMessage

from langchain_lucky_models.errors.base import LuckyError

Outcome = Literal["answered", "failed", "skipped", "cancelled", "abandoned"]


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One attempt at one member, in plain values that may be logged, pickled and shown.

    Attributes:
        ref: The member, as `provider#model`.
        outcome: What became of it.
        seconds: How long it took; 0 where nothing was sent.
        error: The stable code of the failure (`rate_limited`, …), where there was one.
        message: What the provider said, with every secret removed and cut short.
        status: The HTTP status, where one came.
        request_id: The provider's own id of the request, for its support.
        retry_after: Seconds the provider asked us to stay away.
        cost: What the attempt cost, in dollars, where known.
    """

    ref: str
    outcome: Outcome
    seconds: float = 0.0
    error: str | None = None
    message: str | None = None
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known about a failed call."""

    provider: str | None = None
    model: str | None = None
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    attempts: tuple[AttemptReport, ...] = ()


NO_FACTS = CallFacts()


class CallError(LuckyError):
    """A call did not give an answer.

    Attributes:
        safe_message: At most 300 characters, without secrets.
        facts: Provider, model, status, request id, retry-after, attempts.
    """

    code = "call"

    def __init__(self, message: str, *, facts: CallFacts = NO_FACTS) -> None:
        super().__init__(message)
        self.facts = facts

    @property
    def safe_message(self) -> str:
        """The message, short enough for a log line."""
        return str(self)[:300]

    @property
    def provider(self) -> str | None:
        """Who failed."""
        return self.facts.provider

    @property
    def model(self) -> str | None:
        """Which model failed."""
        return self.facts.model

    @property
    def status(self) -> int | None:
        """The HTTP status, where one came."""
        return self.facts.status

    @property
    def request_id(self) -> str | None:
        """The provider's own id of the request."""
        return self.facts.request_id

    @property
    def retry_after(self) -> float | None:
        """Seconds until another try makes sense."""
        return self.facts.retry_after

    @property
    def attempts(self) -> tuple[AttemptReport, ...]:
        """Every attempt made, in order."""
        return self.facts.attempts


class InvalidRequestError(CallError, core.ModelInvalidRequestError):
    """The provider refused the request itself (400, 422); nobody else would do better."""

    code = "invalid_request"


class ContextTooLongError(CallError, core.ContextOverflowError):
    """The input does not fit the model; one with a larger context may do."""

    code = "context_too_long"


class ContentRefusedError(CallError, core.ModelPermissionDeniedError):
    """The provider's content policy refused the input or the answer."""

    code = "content_refused"


class AuthFailedError(CallError, core.ModelAuthenticationError):
    """The key was refused (401, 403)."""

    code = "auth_failed"


class QuotaExhaustedError(CallError, core.ModelError):
    """The account behind the key has no money or quota left (402, insufficient_quota)."""

    code = "quota_exhausted"


class ModelGoneError(CallError, core.ModelNotFoundError):
    """The provider does not have the model (404)."""

    code = "model_gone"


class RateLimitedError(CallError, core.ModelRateLimitError):
    """The provider asks us to slow down (429); `retry_after` says for how long."""

    code = "rate_limited"


class ProviderDownError(CallError, core.ModelAPIError):
    """The provider failed (5xx and their like)."""

    code = "provider_down"


class ConnectionFailedError(ProviderDownError, core.ModelConnectionError):
    """The provider could not be reached, or hung up before it answered."""

    code = "connection_failed"


class ProviderTimeoutError(CallError, core.ModelTimeoutError):
    """The provider was too slow."""

    code = "provider_timeout"


class FirstTokenTimeoutError(ProviderTimeoutError):
    """No content came within `first_token_timeout`."""

    code = "first_token_timeout"


class StallTimeoutError(ProviderTimeoutError):
    """Content stopped coming for `stall_timeout`."""

    code = "stall_timeout"


class DeadlineExceededError(CallError, core.ModelTimeoutError):
    """The whole call ran out of its `timeout`."""

    code = "deadline_exceeded"


class ProtocolError(CallError, core.ModelAPIError):
    """What came back is not an answer: malformed, empty, HTML, an error in disguise."""

    code = "protocol"


class UnfitAnswerError(ProtocolError):
    """The answer is whole, but does not fit the structure that was wished for."""

    code = "unfit_answer"


class AnswerTooLargeError(ProtocolError):
    """The answer outgrew the size, line or depth that we accept."""

    code = "answer_too_large"


class StreamInterruptedError(CallError, core.ModelAPIError):
    """A stream broke after content had been shown.

    Attributes:
        partial: The message so far.
    """

    code = "stream_interrupted"

    def __init__(self, message: str, *, partial: AIMessage | None = None, facts: CallFacts = NO_FACTS) -> None:
        super().__init__(message, facts=facts)
        self.partial = partial


class StreamTruncatedError(StreamInterruptedError):
    """A stream ended without the provider's word that it was complete."""

    code = "stream_truncated"


class TransportRefusedError(CallError, core.ModelConnectionError):
    """Our own wire would not go there."""

    code = "transport_refused"
    is_retryable = False


class TlsRefusedError(TransportRefusedError):
    """The server's certificate does not prove who it is."""

    code = "tls_refused"


class RedirectRefusedError(TransportRefusedError):
    """The server pointed elsewhere; prompts and keys do not follow."""

    code = "redirect_refused"


class AddressRefusedError(TransportRefusedError):
    """The address is private, or not one that this key may travel to."""

    code = "address_refused"


class LocalRefusalError(CallError, core.ModelError):
    """We refused the call ourselves; no other provider is asked instead."""

    code = "local_refusal"


class PolicyDeniedError(LocalRefusalError):
    """The user's policy does not allow the call."""

    code = "policy_denied"


class KeyMissingError(LocalRefusalError):
    """The key source gave no usable key when it was asked."""

    code = "key_missing"


class BudgetExceededError(LocalRefusalError):
    """A budget has no room for the call."""

    code = "budget_exceeded"


class LimitReachedError(LocalRefusalError):
    """One of our own limits is reached; `retry_after` says until when."""

    code = "limit_reached"


class LedgerUnavailableError(LocalRefusalError):
    """The ledger cannot take the record, and policy says not to go on without it."""

    code = "ledger_unavailable"


class CircuitOpenError(CallError, core.ModelAPIError):
    """Every member is resting after failures; `retry_after` says when the next may be tried."""

    code = "circuit_open"


class UnknownFailureError(CallError, core.ModelError):
    """A failure that fits no class; its type is named in the message."""

    code = "unknown_failure"


class AllAttemptsFailedError(CallError, core.ModelAPIError):
    """Nobody could answer; `attempts` holds every try, `causes` the error of each."""

    code = "all_attempts_failed"

    def __init__(self, message: str, *, causes: Sequence[CallError] = (), facts: CallFacts = NO_FACTS) -> None:
        super().__init__(message, facts=facts)
        self.causes = tuple(causes)
        self.is_retryable = any(getattr(cause, "is_retryable", False) for cause in self.causes)


class NoConsensusError(CallError, core.ModelError):
    """Too few members agreed.

    Attributes:
        answers: Every answer that came, by ref.
    """

    code = "no_consensus"

    def __init__(
        self, message: str, *, answers: Sequence[tuple[str, AIMessage]] = (), facts: CallFacts = NO_FACTS
    ) -> None:
        super().__init__(message, facts=facts)
        self.answers = tuple(answers)
