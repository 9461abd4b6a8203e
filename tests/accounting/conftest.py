"""A registry whose accounts lie in memory, in a file, or in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, UserModels, create_llm_registry
from tests.accounts import BACKENDS, place_for

KEY = "sk-canary-of-the-house"
Make = Callable[..., LLMRegistry]


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Where the ledger is kept."""
    return place_for(request.param, tmp_path)


@pytest.fixture
def make() -> Iterator[Make]:
    """Make registries that are closed in the end."""
    with ExitStack() as opened:

        def made(**settings: Any) -> LLMRegistry:
            keys = {"openai": KEY, "groq": KEY}
            return opened.enter_context(create_llm_registry(fallback_keys=keys, **settings))

        yield made


@pytest.fixture
def registry(make: Make, place: str | None) -> LLMRegistry:
    """A registry with an account for every user a day."""
    return make(ledger=place, budgets=[{"scope": "user", "limit": "0.02", "window": "total", "alerts": [0.5]}])


def user_of(registry: LLMRegistry, user_id: str = "ada") -> UserModels:
    """A user of the registry's keys."""
    models = ["openai#gpt-4o", "openai#gpt-4o-mini", "groq#openai/gpt-oss-20b"]
    return registry.for_user(mode="shared", user_id=user_id, models=models)


def used(into: int = 1_000, out: int = 100) -> dict[str, object]:
    """What a provider reports."""
    return {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
