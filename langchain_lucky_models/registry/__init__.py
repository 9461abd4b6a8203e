"""Where users of the package begin: `create_llm_registry`, `LLMRegistry`, `UserModels`."""

from __future__ import annotations

from langchain_lucky_models.registry.creating import create_llm_registry
from langchain_lucky_models.registry.llm_registry import LLMRegistry
from langchain_lucky_models.registry.user_models import UserModels

__all__ = ["LLMRegistry", "UserModels", "create_llm_registry"]
