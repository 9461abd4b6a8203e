"""Every error of the package.

```
LuckyError
├── ConfigError                    a setting: file, line, field
│   ├── InvalidRefError            a text that is no model name
│   ├── ForbiddenParameterError    base_url, api_key, … given to a model
│   └── MissingKeysError           byok without keys
├── MissingExtraError              an optional part is not installed (also ImportError)
├── LocalModelError                the embedded model: not fetched, no room, damaged
├── CatalogError                   a catalog or a row of one was refused
├── UnboundHandleError             unpickled, and not yet rebound
├── ShadowCapError                 a shadow has spent the money of its day
├── SelectionError                 a name leads to no model
│   ├── UnknownModelError          not in the catalog
│   ├── ModelNotAllowedError       not in the user's list
│   ├── ProviderNotConfiguredError no key, or disabled
│   ├── RetiredModelError          switched off: replacement, date
│   ├── UnknownTierError           no such tier
│   ├── UnknownExperimentError     no such experiment, or not this user's
│   └── EmptyTierError             nobody left, with the reason for each
└── CallError                      a call gave no answer: attempts, status, request id
    ├── InvalidRequestError        400, 422                        ModelInvalidRequestError
    ├── ContextTooLongError        input larger than the context   ContextOverflowError
    ├── ContentRefusedError        content policy                  ModelPermissionDeniedError
    ├── AuthFailedError            401, 403                        ModelAuthenticationError
    ├── QuotaExhaustedError        402, no quota left              ModelError
    ├── ModelGoneError             404                             ModelNotFoundError
    ├── RateLimitedError           429                             ModelRateLimitError
    ├── ProviderDownError          5xx                             ModelAPIError
    │   └── ConnectionFailedError  not reached                     ModelConnectionError
    ├── ProviderTimeoutError       too slow                        ModelTimeoutError
    │   ├── FirstTokenTimeoutError
    │   └── StallTimeoutError
    ├── DeadlineExceededError      the whole call                  ModelTimeoutError
    ├── ProtocolError              not an answer                   ModelAPIError
    │   ├── UnfitAnswerError       not in the structure wished for
    │   └── AnswerTooLargeError
    ├── StreamInterruptedError     broke after content; .partial   ModelAPIError
    │   └── StreamTruncatedError   ended without a finish
    ├── TransportRefusedError      we would not connect            ModelConnectionError
    │   ├── TlsRefusedError
    │   ├── RedirectRefusedError
    │   └── AddressRefusedError
    ├── LocalRefusalError          we would not call               ModelError
    │   ├── PolicyDeniedError
    │   ├── KeyMissingError
    │   ├── BudgetExceededError
    │   ├── LimitReachedError
    │   └── LedgerUnavailableError
    ├── CircuitOpenError           all members rest                ModelAPIError
    ├── UnknownFailureError        fits no class                   ModelError
    ├── AllAttemptsFailedError     nobody answered; .attempts      ModelAPIError
    └── NoConsensusError           too few agreed; .answers        ModelError
```

The right column is LangChain's error that ours also is. Those classes load when first named: they need LangChain.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from langchain_lucky_models.errors.base import (
    CatalogError,
    ConfigError,
    EmptyTierError,
    ForbiddenParameterError,
    InvalidRefError,
    LocalModelError,
    LuckyError,
    MissingExtraError,
    MissingKeysError,
    ModelNotAllowedError,
    ProviderNotConfiguredError,
    RetiredModelError,
    SelectionError,
    ShadowCapError,
    UnboundHandleError,
    UnknownExperimentError,
    UnknownModelError,
    UnknownTierError,
    did_you_mean,
    nearest_names,
)

if TYPE_CHECKING:
    from langchain_lucky_models.errors.calls import (
        AddressRefusedError,
        AllAttemptsFailedError,
        AnswerTooLargeError,
        AttemptReport,
        AuthFailedError,
        BudgetExceededError,
        CallError,
        CallFacts,
        CircuitOpenError,
        ConnectionFailedError,
        ContentRefusedError,
        ContextTooLongError,
        DeadlineExceededError,
        FirstTokenTimeoutError,
        InvalidRequestError,
        KeyMissingError,
        LedgerUnavailableError,
        LimitReachedError,
        LocalRefusalError,
        ModelGoneError,
        NoConsensusError,
        PolicyDeniedError,
        ProtocolError,
        ProviderDownError,
        ProviderTimeoutError,
        QuotaExhaustedError,
        RateLimitedError,
        RedirectRefusedError,
        StallTimeoutError,
        StreamInterruptedError,
        StreamTruncatedError,
        TlsRefusedError,
        TransportRefusedError,
        UnfitAnswerError,
        UnknownFailureError,
    )

__all__ = [
    "AddressRefusedError",
    "AllAttemptsFailedError",
    "AnswerTooLargeError",
    "AttemptReport",
    "AuthFailedError",
    "BudgetExceededError",
    "CallError",
    "CallFacts",
    "CatalogError",
    "CircuitOpenError",
    "ConfigError",
    "ConnectionFailedError",
    "ContentRefusedError",
    "ContextTooLongError",
    "DeadlineExceededError",
    "EmptyTierError",
    "FirstTokenTimeoutError",
    "ForbiddenParameterError",
    "InvalidRefError",
    "InvalidRequestError",
    "KeyMissingError",
    "LedgerUnavailableError",
    "LimitReachedError",
    "LocalModelError",
    "LocalRefusalError",
    "LuckyError",
    "MissingExtraError",
    "MissingKeysError",
    "ModelGoneError",
    "ModelNotAllowedError",
    "NoConsensusError",
    "PolicyDeniedError",
    "ProtocolError",
    "ProviderDownError",
    "ProviderNotConfiguredError",
    "ProviderTimeoutError",
    "QuotaExhaustedError",
    "RateLimitedError",
    "RedirectRefusedError",
    "RetiredModelError",
    "SelectionError",
    "ShadowCapError",
    "StallTimeoutError",
    "StreamInterruptedError",
    "StreamTruncatedError",
    "TlsRefusedError",
    "TransportRefusedError",
    "UnboundHandleError",
    "UnfitAnswerError",
    "UnknownExperimentError",
    "UnknownFailureError",
    "UnknownModelError",
    "UnknownTierError",
    "did_you_mean",
    "nearest_names",
]


def __getattr__(name: str) -> object:
    """Load the errors of a call when the first of them is named."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module("langchain_lucky_models.errors.calls"), name)
    globals()[name] = value  # asked for several times in every call
    return value
