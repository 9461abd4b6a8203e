"""Every family by its kind, and the providers that are known by name without any settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.providers.anthropic import ANTHROPIC
from langchain_lucky_models.providers.compatible import OPENAI_COMPATIBLE, VLLM
from langchain_lucky_models.providers.deepseek import DEEPSEEK
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.providers.groq import GROQ
from langchain_lucky_models.providers.local import LOCAL
from langchain_lucky_models.providers.mistral import MISTRAL
from langchain_lucky_models.providers.ollama import OLLAMA
from langchain_lucky_models.providers.openai import OPENAI
from langchain_lucky_models.providers.openrouter import OPENROUTER, REQUESTY

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.kind: family
        for family in (
            OPENAI,
            GROQ,
            OPENROUTER,
            ANTHROPIC,
            REQUESTY,
            OLLAMA,
            MISTRAL,
            DEEPSEEK,
            VLLM,
            LOCAL,
            OPENAI_COMPATIBLE,
        )
    }
)
"""Kind → family. Adding one is one file and one line here."""


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """What a provider is when the settings say nothing of it.

    Attributes:
        kind: Its family.
        base_url: Its official address; nothing for `local`, which starts its own server.
        key_env: The environment variable that customarily holds its key.
        extra: The extra of this package it needs.
    """

    kind: str
    base_url: str | None
    key_env: str | None
    extra: str


def _row(family: Family) -> ProviderRow:
    return ProviderRow(family.kind, family.base_url, family.key_env, family.extra)


def _compatible(base_url: str, key_env: str) -> ProviderRow:
    return ProviderRow(OPENAI_COMPATIBLE.kind, base_url, key_env, OPENAI_COMPATIBLE.extra)


DEFAULT_PROVIDERS: Mapping[str, ProviderRow] = MappingProxyType(
    {
        **{family.kind: _row(family) for family in FAMILIES.values() if family is not OPENAI_COMPATIBLE},
        "google": _compatible("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
        "xai": _compatible("https://api.x.ai/v1", "XAI_API_KEY"),
    }
)
"""Provider name → what it is by default."""


def family_of(kind: str) -> Family:
    """The family of a kind.

    Raises:
        ConfigError: There is none of that name.

    Example:
        >>> family_of("groq").key_env
        'GROQ_API_KEY'
    """
    if (family := FAMILIES.get(kind)) is not None:
        return family
    kinds = sorted(FAMILIES)
    raise ConfigError(
        f"no kind of provider is called {kind!r}.{did_you_mean(nearest_names(kind, kinds))} "
        f"There are: {', '.join(kinds)}.",
        field="kind",
    )
