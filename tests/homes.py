"""Registries whose every provider is one loopback server, for tests of handles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langchain_lucky_models import LLMRegistry, UserModels, create_llm_registry
from tests.loopback import Provider

KEYS = {name: f"sk-house-{name}-0123456789" for name in ("openai", "groq", "openrouter", "anthropic")}

OPENAI = "openai#gpt-4o"
GROQ = "groq#openai/gpt-oss-20b"
OPENROUTER = "openrouter#openai/gpt-4o"
ANTHROPIC = "anthropic#claude-sonnet-5"
EVERY = (OPENAI, GROQ, OPENROUTER, ANTHROPIC)
PATHS = {
    OPENAI: "/v1/chat/completions",
    GROQ: "/openai/v1/chat/completions",
    OPENROUTER: "/api/v1/chat/completions",
    ANTHROPIC: "/v1/messages",
}
"""Where each of them is asked."""

MINI = "openai#gpt-4o-mini"
MODELS = [*EVERY, MINI, "openai#gpt-4.1", "openai#gpt-4.1-mini"]


def registry_on(server: Provider, **more: Any) -> LLMRegistry:
    """A registry that reaches all its providers on one server."""
    providers = {name: {"base_url": server.base_urls[name]} for name in KEYS}
    settings: dict[str, Any] = {"fallback_keys": KEYS, "providers": providers}
    return create_llm_registry(**settings | more)


def user_of(registry: LLMRegistry, user_id: str = "ada", **more: Any) -> UserModels:
    """A user for whom the house pays."""
    settings = {"mode": "shared", "models": MODELS} | more
    return registry.for_user(user_id=user_id, **settings)


@contextmanager
def user_on(server: Provider) -> Iterator[UserModels]:
    """The only user of a registry of its own."""
    with registry_on(server) as registry:
        yield user_of(registry)
