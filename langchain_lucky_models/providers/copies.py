"""Copies that pay with another ticket: of SDK clients, and of the partner models around them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel

PLACEHOLDER = "lucky-template"
"""What stands in a template where a member has its ticket; no wire accepts it."""

Client = TypeVar("Client")
Model = TypeVar("Model", bound=BaseChatModel)

FROM_ENVIRONMENT = ("organization", "project", "admin_api_key", "webhook_secret", "auth_token", "webhook_key")
"""Attributes that SDK clients fill from the environment behind the caller's back."""


def without_environment(client: Client, headers: Mapping[str, str] | None = None) -> Client:
    """Remove from a new SDK client what it took from the environment; only the given headers remain."""
    state = vars(client)
    for name in FROM_ENVIRONMENT:
        if name in state:
            state[name] = None
    state["_custom_headers"] = dict(headers or {})
    return client


def paying_with(client: Client, ticket: str) -> Client:
    """A copy of an SDK client that sends another ticket; connections and settings are shared.

    The SDK's own `with_options` would read the environment again, and costs five times as much.
    """
    twin = copy.copy(client)
    vars(twin)["api_key"] = ticket
    kind = type(client)
    for name in [name for name in vars(client) if isinstance(getattr(kind, name, None), cached_property)]:
        del vars(twin)[name]  # a resource is bound to the client it was made for
    return twin


def copied(template: Model, changes: Mapping[str, Any]) -> Model:
    """A copy of a partner model with other clients, and nothing of the first one's identity."""
    member = template.model_copy(update=dict(changes))
    # Memoised by LangChain from the first model's fields: cache keys and traces would name the wrong one.
    member.__dict__.pop("_serialized", None)
    if template.metadata is not None:
        member.metadata = dict(template.metadata)
    return member
