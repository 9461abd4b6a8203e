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
    "Catalog",
    "ExperimentConfig",
    "FallbackKeys",
    "LLMRegistry",
    "LuckyChatModel",
    "LuckyError",
    "ModelEntry",
    "ModelRef",
    "ProviderSettings",
    "RegistryConfig",
    "TierConfig",
    "UserConfig",
    "UserModels",
    "create_llm_registry",
]

_HOMES = {
    "FALLBACK_ELIGIBLE": "failures",
    "Catalog": "catalog",
    "ExperimentConfig": "settings",
    "FallbackKeys": "keys",
    "LLMRegistry": "registry",
    "LuckyChatModel": "chat_model",
    "LuckyError": "errors",
    "ModelEntry": "catalog",
    "ModelRef": "refs",
    "ProviderSettings": "settings",
    "RegistryConfig": "settings",
    "TierConfig": "settings",
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
