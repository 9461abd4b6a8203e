"""One string picks the model, one policy says whose key pays, one ledger knows what it cost.

Names load when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_lucky_models.budgets import Budget
    from langchain_lucky_models.catalog import Catalog, ModelEntry
    from langchain_lucky_models.chat_model import LuckyChatModel
    from langchain_lucky_models.comparison import Comparison
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
    from langchain_lucky_models.ledger import Ledger
    from langchain_lucky_models.limits import Limit
    from langchain_lucky_models.refs import ModelRef
    from langchain_lucky_models.registry import LLMRegistry, UserModels, create_llm_registry
    from langchain_lucky_models.reloading import ConfigStatus
    from langchain_lucky_models.rollout import Rollout
    from langchain_lucky_models.settings import (
        BudgetConfig,
        ExperimentConfig,
        LimitConfig,
        ProviderSettings,
        RegistryConfig,
        RolloutConfig,
        TierConfig,
        UserConfig,
    )
    from langchain_lucky_models.strategies import Attempt, Plan, Rules, Strategy, Verdict, Wave
    from langchain_lucky_models.users.vitals import ModelHealth, ProviderHealth

__all__ = [
    "FALLBACK_ELIGIBLE",
    "Attempt",
    "Budget",
    "BudgetAlert",
    "BudgetConfig",
    "Catalog",
    "Comparison",
    "ConfigRejected",
    "ConfigReloaded",
    "ConfigStatus",
    "Event",
    "ExperimentConfig",
    "FallbackKeys",
    "HealthChanged",
    "LLMRegistry",
    "Ledger",
    "Limit",
    "LimitConfig",
    "LimitReached",
    "LuckyChatModel",
    "LuckyError",
    "ModelEntry",
    "ModelHealth",
    "ModelMigrated",
    "ModelRef",
    "ModelRegistered",
    "ModelRemoved",
    "ModelUpdated",
    "Plan",
    "PriceChanged",
    "ProviderHealth",
    "ProviderSettings",
    "RegistryConfig",
    "Rollout",
    "RolloutChanged",
    "RolloutConfig",
    "Rules",
    "Strategy",
    "Subscription",
    "TierConfig",
    "UsageRecorded",
    "UserConfig",
    "UserModels",
    "Verdict",
    "Wave",
    "create_llm_registry",
]

_HOMES = {
    "FALLBACK_ELIGIBLE": "failures",
    "Attempt": "strategies",
    "Budget": "budgets",
    "BudgetAlert": "events",
    "BudgetConfig": "settings",
    "Catalog": "catalog",
    "Comparison": "comparison",
    "ConfigRejected": "events",
    "ConfigReloaded": "events",
    "ConfigStatus": "reloading",
    "Event": "events",
    "ExperimentConfig": "settings",
    "FallbackKeys": "keys",
    "HealthChanged": "events",
    "LLMRegistry": "registry",
    "Ledger": "ledger",
    "Limit": "limits",
    "LimitConfig": "settings",
    "LimitReached": "events",
    "LuckyChatModel": "chat_model",
    "LuckyError": "errors",
    "ModelEntry": "catalog",
    "ModelHealth": "users.vitals",
    "ModelMigrated": "events",
    "ModelRef": "refs",
    "ModelRegistered": "events",
    "ModelRemoved": "events",
    "ModelUpdated": "events",
    "Plan": "strategies",
    "PriceChanged": "events",
    "ProviderHealth": "users.vitals",
    "ProviderSettings": "settings",
    "RegistryConfig": "settings",
    "Rollout": "rollout",
    "RolloutChanged": "events",
    "RolloutConfig": "settings",
    "Rules": "strategies",
    "Strategy": "strategies",
    "Subscription": "events",
    "TierConfig": "settings",
    "UsageRecorded": "events",
    "UserConfig": "settings",
    "UserModels": "registry",
    "Verdict": "strategies",
    "Wave": "strategies",
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
