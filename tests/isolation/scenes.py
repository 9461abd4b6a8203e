"""Every shape in which a canary comes into a registry, each with a handle that has answered and failed with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from langchain_lucky_models import FallbackKeys, LLMRegistry, LuckyChatModel, UserModels, create_llm_registry
from langchain_lucky_models.settings import ProviderSettings
from tests.isolation.search import CANARY
from tests.loopback import Provider

MODELS: Mapping[str, str] = {
    "openai": "openai#gpt-4o",
    "groq": "groq#openai/gpt-oss-20b",
    "anthropic": "anthropic#claude-sonnet-5",
    "openrouter": "openrouter#openai/gpt-4o",
}
OTHER = "sk-somebody-0123456789"


@dataclass(frozen=True)
class Scene:
    """A registry, a user and a handle that hold the canary."""

    registry: LLMRegistry
    user: UserModels
    handle: LuckyChatModel
    server: Provider


def function() -> str:
    """A key that is asked for."""
    return CANARY


async def coroutine() -> str:
    """Same, from a coroutine."""
    return CANARY


def _rows(server: Provider, **more: Any) -> dict[str, Any]:
    return {name: {"base_url": server.base_urls[name], **more} for name in MODELS}


Made = tuple[LLMRegistry, UserModels]


def byok(key: Any) -> Callable[[Provider], Made]:
    """The user brings it."""

    def make(server: Provider) -> Made:
        registry = create_llm_registry(providers=_rows(server), fallback_keys=dict.fromkeys(MODELS, OTHER))
        keys = dict.fromkeys(MODELS, key)
        return registry, registry.for_user(mode="byok", user_id="ada", models=list(MODELS.values()), api_keys=keys)

    return make


def shared(wrapped: Callable[[Any], Any], key: Any) -> Callable[[Provider], Made]:
    """The house has it among its fallback keys."""

    def make(server: Provider) -> Made:
        registry = create_llm_registry(providers=_rows(server), fallback_keys=wrapped(dict.fromkeys(MODELS, key)))
        return registry, _sharing(registry)

    return make


def settings(wrapped: Callable[[Any], Any], key: Any) -> Callable[[Provider], Made]:
    """The house has it in its providers' settings."""

    def make(server: Provider) -> Made:
        rows = {name: wrapped(row) for name, row in _rows(server, api_key=key).items()}
        registry = create_llm_registry(providers=rows)
        return registry, _sharing(registry)

    return make


def environment(server: Provider) -> Made:
    """The house has it in an environment variable."""
    registry = create_llm_registry(providers=_rows(server, api_key_env="LUCKY_CANARY"))
    return registry, _sharing(registry)


def house_header(server: Provider) -> Made:
    """The house sends it as a header of its own."""
    rows = _rows(server, headers={"X-Team": CANARY})
    registry = create_llm_registry(providers=rows, fallback_keys=dict.fromkeys(MODELS, OTHER))
    return registry, _sharing(registry)


def user_header(server: Provider) -> Made:
    """A user sends it to a server of the user's own."""
    registry = create_llm_registry(providers=_rows(server, allow_private=True))
    rows = _rows(server, headers={"X-Team": CANARY})
    keys = dict.fromkeys(MODELS, OTHER)
    return registry, registry.for_user(
        mode="byok", user_id="ada", models=list(MODELS.values()), api_keys=keys, endpoints=rows
    )


def _sharing(registry: LLMRegistry) -> UserModels:
    return registry.for_user(mode="shared", user_id="ada", models=list(MODELS.values()))


SHAPES: Mapping[str, Callable[[Provider], Made]] = {
    "byok text": byok(CANARY),
    "byok SecretStr": byok(SecretStr(CANARY)),
    "byok function": byok(function),
    "byok coroutine function": byok(coroutine),
    "shared text": shared(dict, CANARY),
    "shared FallbackKeys": shared(FallbackKeys, CANARY),
    "shared SecretStr": shared(dict, SecretStr(CANARY)),
    "shared function": shared(dict, function),
    "shared coroutine function": shared(dict, coroutine),
    "settings text": settings(dict, CANARY),
    "settings SecretStr": settings(dict, SecretStr(CANARY)),
    "ProviderSettings": settings(lambda row: ProviderSettings(**row), CANARY),
    "environment variable": environment,
    "header of the house": house_header,
    "header of a user": user_header,
}


@contextmanager
def scene_of(shape: str, model: str) -> Iterator[Scene]:
    """The scene of one shape, with a handle on one model."""
    with Provider() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUCKY_CANARY", CANARY)
        registry, user = SHAPES[shape](server)
        with registry:
            yield Scene(registry, user, user.model(model, max_retries=0), server)
