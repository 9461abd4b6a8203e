"""A registry with one rollout, `new-chat`, on one loopback server."""

from __future__ import annotations

from typing import Any

from langchain_lucky_models import LLMRegistry
from tests.homes import registry_on
from tests.loopback import Provider

NAME = "new-chat"


def rolling(server: Provider, **settings: Any) -> LLMRegistry:
    """A registry whose `new-chat` is set up so."""
    return registry_on(server, rollout={NAME: settings})


def everybody(server: Provider, **settings: Any) -> LLMRegistry:
    """Same, for a feature that everybody has."""
    return rolling(server, percentage=100, **settings)


def shadowed(server: Provider, on_failure: str = "raise", **settings: Any) -> LLMRegistry:
    """Same, for a feature that nobody has, and that is tried on every call."""
    return rolling(server, on_failure=on_failure, shadow=settings)
