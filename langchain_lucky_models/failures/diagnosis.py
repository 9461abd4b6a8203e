"""Which failure is which: one classifier for every provider."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from langchain_core import exceptions as core

from langchain_lucky_models import errors, keys
from langchain_lucky_models.failures.signs import Kind, Seen, Signs, causes, read_signs
from langchain_lucky_models.failures.waits import retry_after, wait_in_text

LONGEST_MESSAGE = 300

REDIRECTS, CLIENT_ERRORS, SERVER_ERRORS = 300, 400, 500
"""The first status of each kind."""
TOO_LARGE = 413

Class = type[errors.CallError]

_BY_MODEL_ERROR: tuple[tuple[type[core.ModelError], Class], ...] = (
    (core.ContextOverflowError, errors.ContextTooLongError),
    (core.ModelAuthenticationError, errors.AuthFailedError),
    (core.ModelPermissionDeniedError, errors.AuthFailedError),
    (core.ModelNotFoundError, errors.ModelGoneError),
    (core.ModelRateLimitError, errors.RateLimitedError),
    (core.ModelInvalidRequestError, errors.InvalidRequestError),
    (core.ModelAPIError, errors.ProviderDownError),
)
"""LangChain's own classes; its connection and timeout errors are told finer by their causes."""

_BY_STATUS: Mapping[int, Class] = {
    400: errors.InvalidRequestError,
    401: errors.AuthFailedError,
    402: errors.QuotaExhaustedError,
    403: errors.AuthFailedError,
    404: errors.ModelGoneError,
    405: errors.ModelGoneError,
    408: errors.ProviderDownError,
    409: errors.ProviderDownError,
    410: errors.ModelGoneError,
    TOO_LARGE: errors.ContextTooLongError,
    422: errors.InvalidRequestError,
    425: errors.ProviderDownError,
    429: errors.RateLimitedError,
}

_BY_KIND: Mapping[Kind, Class] = {
    "timeout": errors.ProviderTimeoutError,
    "unreached": errors.ConnectionFailedError,
    "broken_off": errors.ProtocolError,
    "untrusted": errors.TlsRefusedError,
    "redirected": errors.RedirectRefusedError,
    "unreadable": errors.ProtocolError,
    "told": errors.ProtocolError,
    "unknown": errors.UnknownFailureError,
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How providers put one kind of failure, whatever status they send it with."""

    found: Class
    codes: frozenset[str]
    text: re.Pattern[str]


def _wording(found: Class, codes: str, text: str) -> Wording:
    return Wording(found, frozenset(codes.split()), re.compile(text, re.IGNORECASE))


_WORDINGS: tuple[Wording, ...] = (
    _wording(
        errors.QuotaExhaustedError,
        "insufficient_quota insufficient_credits billing_error billing_hard_limit_reached billing_not_active"
        " quota_exceeded insufficient_balance payment_required",
        r"exceeded your current quota|credit balance is too low|insufficient (credits|balance|funds|quota)"
        r"|(requests|tokens) per day|daily limit",
    ),
    _wording(
        errors.ContentRefusedError,
        "content_policy_violation content_filter content_management_policy moderation moderation_blocked"
        " responsibleaipolicyviolation safety refusal sensitive_content",
        r"content (management )?policy|content[ _]filter|flagged (by|as|for)|safety system"
        r"|violat\w+ .{0,40}usage polic",
    ),
    _wording(
        errors.ContextTooLongError,
        "context_length_exceeded context_window_exceeded request_too_large string_above_max_length",
        r"context (length|window|size)|maximum (input|prompt) length|prompt is too long|input is too long"
        r"|too many (input )?tokens|reduce the length",
    ),
    _wording(
        errors.ModelGoneError,
        "model_not_found model_not_available model_decommissioned model_not_active deprecated_model",
        r"\bmodel\b.{0,120}(does not exist|not found|not a valid|decommissioned|no longer (available|supported))"
        r"|not a valid model|no endpoints found|no allowed providers",
    ),
)
"""Checked in this order where the status leaves it open."""

_OPEN: Mapping[Class, frozenset[Class]] = {
    errors.InvalidRequestError: frozenset(wording.found for wording in _WORDINGS),
    errors.AuthFailedError: frozenset({errors.ContentRefusedError, errors.QuotaExhaustedError}),
    errors.RateLimitedError: frozenset({errors.QuotaExhaustedError}),
    errors.ProtocolError: frozenset(wording.found for wording in _WORDINGS),
    errors.UnknownFailureError: frozenset(wording.found for wording in _WORDINGS),
}
"""What a status may turn out to be once the provider's words are read; the other classes mean what they say."""

_BY_CODE: Mapping[str, Class] = {
    "rate_limit_exceeded": errors.RateLimitedError,
    "rate_limit_error": errors.RateLimitedError,
    "too_many_requests": errors.RateLimitedError,
    "server_error": errors.ProviderDownError,
    "api_error": errors.ProviderDownError,
    "internal_server_error": errors.ProviderDownError,
    "overloaded_error": errors.ProviderDownError,
    "service_unavailable": errors.ProviderDownError,
    "provider_unavailable": errors.ProviderDownError,
    "timeout_error": errors.ProviderDownError,
    "invalid_api_key": errors.AuthFailedError,
    "authentication_error": errors.AuthFailedError,
    "permission_error": errors.AuthFailedError,
    "not_found_error": errors.ModelGoneError,
    "invalid_request_error": errors.InvalidRequestError,
}
"""Words of error objects that came without a status of their own."""

_REFUSALS = frozenset({"OpenAIRefusalError", "ContentFilterFinishReasonError"})


def classify(
    error: Exception,
    *,
    provider: str,
    model: str,
    scrub: Callable[[str], str] = keys.scrub,
    evidence: Seen | None = None,
    now: float | None = None,
) -> errors.CallError:
    """Say which failure an exception is.

    Told by LangChain's `ModelError`, then the status, then the code inside the body, then what broke below. What is
    returned holds plain values only: raise it `from None`, and neither request nor response travels with it.

    Args:
        error: What a partner package or the wire raised. Errors of our own come back as they are.
        provider: Who was asked.
        model: For which model.
        scrub: Removes the keys of this call from a text.
        evidence: What the wire saw, such as the call's scope; without it, a partner's stumble over a broken answer
            cannot be told from a mistake in the call, and is an `UnknownFailureError`.
        now: The wall clock, for dates in answers that carry no `Date`.

    Example:
        >>> classify(TimeoutError("slow"), provider="openai", model="gpt-4o")
        ProviderTimeoutError('openai#gpt-4o: slow')
    """
    place = f"{provider}#{model}"
    if own := next((one for one in causes(error) if isinstance(one, errors.LuckyError)), None):
        return _completed(own, provider, model, scrub)
    signs = read_signs(error, evidence)
    found = _refine(_first_look(error, signs), signs)
    facts = errors.CallFacts(provider, model, signs.status, signs.request_id, _wait(found, signs, now))
    return found(_describe(place, signs, type(error).__name__, scrub), facts=facts)


def _completed(own: errors.LuckyError, provider: str, model: str, scrub: Callable[[str], str]) -> errors.CallError:
    if not isinstance(own, errors.CallError):
        text = scrub(f"{provider}#{model}: {own}")[:LONGEST_MESSAGE]
        return errors.LocalRefusalError(text, facts=errors.CallFacts(provider, model))
    if own.facts.provider is None:
        own.facts = replace(own.facts, provider=provider, model=model)
    return own


def _first_look(error: Exception, signs: Signs) -> Class:
    if signs.bases & _REFUSALS:
        return errors.ContentRefusedError
    if signs.kind in ("told", "unknown"):
        believed = next((found for kind, found in _BY_MODEL_ERROR if isinstance(error, kind)), None)
        return believed or (_by_status(signs) if signs.kind == "told" else _BY_KIND["unknown"])
    # Ours to blame: what we wanted to send was no HTTP.
    return errors.InvalidRequestError if "LocalProtocolError" in signs.bases else _BY_KIND[signs.kind]


def _by_status(signs: Signs) -> Class:
    status = signs.status or 0
    if status < REDIRECTS:
        return next((_BY_CODE[code] for code in sorted(signs.codes) if code in _BY_CODE), errors.ProtocolError)
    if status < CLIENT_ERRORS:
        return errors.RedirectRefusedError
    if status == TOO_LARGE and "rate_limit_exceeded" in signs.codes:
        return errors.RateLimitedError  # Groq's word for a prompt that no minute's tokens allow
    others = errors.InvalidRequestError if status < SERVER_ERRORS else errors.ProviderDownError
    return _BY_STATUS.get(status, others)


def _refine(found: Class, signs: Signs) -> Class:
    """Read the provider's words where its status leaves several meanings."""
    if signs.kind not in ("told", "unknown"):
        return found
    may_be = _OPEN.get(found, frozenset())
    for wording in _WORDINGS:
        if wording.found in may_be and (signs.codes & wording.codes or wording.text.search(signs.text)):
            return wording.found
    return found


def _wait(found: Class, signs: Signs, now: float | None) -> float | None:
    wait = retry_after(signs.headers, now)
    limited = issubclass(found, errors.RateLimitedError | errors.QuotaExhaustedError)
    return wait_in_text(signs.text) if wait is None and limited else wait


def _describe(place: str, signs: Signs, name: str, scrub: Callable[[str], str]) -> str:
    status = f" answered {signs.status}" if signs.kind == "told" and signs.status else ""
    named = f"{name}: " if signs.kind in ("unknown", "unreadable") else ""
    text = " ".join(scrub(signs.text).split())
    return f"{place}{status}: {named}{text}"[:LONGEST_MESSAGE]
