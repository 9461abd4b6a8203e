"""One string picks the model, one policy says whose key pays, one ledger knows what it cost.

Names load when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_lucky_models.catalog import Catalog, ModelEntry
    from langchain_lucky_models.chat_model import LuckyChatModel
    from langchain_lucky_models.errors import LuckyError
    from langchain_lucky_models.events import (
        BudgetAlert,
        ConfigRejected,
        ConfigReloaded,
        Event,
        HealthChanged,
        LimitReached,
        ModelMigrated,
        ModelRegistered,
        ModelRemoved,
        ModelUpdated,
        PriceChanged,
        RolloutChanged,
        Subscription,
        UsageRecorded,
    )
    from langchain_lucky_models.failures import FALLBACK_ELIGIBLE
    from langchain_lucky_models.keys import FallbackKeys
    from langchain_lucky_models.refs import ModelRef
    from langchain_lucky_models.registry import LLMRegistry, UserModels, create_llm_registry
    from langchain_lucky_models.settings import (
        ExperimentConfig,
        ProviderSettings,
        RegistryConfig,
        TierConfig,
        UserConfig,
    )

__all__ = [
    "FALLBACK_ELIGIBLE",
    "BudgetAlert",
    "Catalog",
    "ConfigRejected",
    "ConfigReloaded",
    "Event",
    "ExperimentConfig",
    "FallbackKeys",
    "HealthChanged",
    "LLMRegistry",
    "LimitReached",
    "LuckyChatModel",
    "LuckyError",
    "ModelEntry",
    "ModelMigrated",
    "ModelRef",
    "ModelRegistered",
    "ModelRemoved",
    "ModelUpdated",
    "PriceChanged",
    "ProviderSettings",
    "RegistryConfig",
    "RolloutChanged",
    "Subscription",
    "TierConfig",
    "UsageRecorded",
    "UserConfig",
    "UserModels",
    "create_llm_registry",
]

_HOMES = {
    "FALLBACK_ELIGIBLE": "failures",
    "BudgetAlert": "events",
    "Catalog": "catalog",
    "ConfigRejected": "events",
    "ConfigReloaded": "events",
    "Event": "events",
    "ExperimentConfig": "settings",
    "FallbackKeys": "keys",
    "HealthChanged": "events",
    "LLMRegistry": "registry",
    "LimitReached": "events",
    "LuckyChatModel": "chat_model",
    "LuckyError": "errors",
    "ModelEntry": "catalog",
    "ModelMigrated": "events",
    "ModelRef": "refs",
    "ModelRegistered": "events",
    "ModelRemoved": "events",
    "ModelUpdated": "events",
    "PriceChanged": "events",
    "ProviderSettings": "settings",
    "RegistryConfig": "settings",
    "RolloutChanged": "events",
    "Subscription": "events",
    "TierConfig": "settings",
    "UsageRecorded": "events",
    "UserConfig": "settings",
    "UserModels": "registry",
    "create_llm_registry": "registry",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
