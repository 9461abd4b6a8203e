"""Provider families: how a ref becomes a member, one file for each, one table for all."""

from __future__ import annotations

from langchain_lucky_models.providers.answers import Answer
from langchain_lucky_models.providers.family import Family, MemberSpec, origin_of
from langchain_lucky_models.providers.profiles import profile_of
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS, FAMILIES, ProviderRow, family_of

__all__ = [
    "DEFAULT_PROVIDERS",
    "FAMILIES",
    "Answer",
    "Family",
    "MemberSpec",
    "ProviderRow",
    "family_of",
    "origin_of",
    "profile_of",
]
