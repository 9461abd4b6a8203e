"""A registry for whoever sits at the terminal: the keys of the environment, else the embedded model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from langchain_lucky_models.embedded import DEFAULT_MODEL
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS
from langchain_lucky_models.registry import UserModels, create_llm_registry

LOCAL_REF = f"local#{DEFAULT_MODEL}"
TERMINAL_USER = "terminal"


def keys_set(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variable of every provider whose key is set."""
    named = {name: row.key_env for name, row in DEFAULT_PROVIDERS.items() if row.key_env}
    return {name: variable for name, variable in named.items() if environment.get(variable)}


def terminal_user(models: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> UserModels:
    """The models of every provider whose key is set; the embedded one where there is no key.

    Args:
        models: Models to allow instead.
        environment: Where the keys are.
    """
    variables = keys_set(environment)
    registry = create_llm_registry(fallback_keys={name: environment[found] for name, found in variables.items()})
    allowed = models or [f"{name}#*" for name in variables] or [LOCAL_REF]
    return registry.for_user(mode="shared", user_id=TERMINAL_USER, models=list(allowed))
