"""What is asked of every target: prompts as people write them, checked and named. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage, convert_to_messages, messages_to_dict

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names

PromptLike = str | Sequence[Any] | Mapping[str, Any]
"""A text, a list of messages in any form LangChain takes, or `{"id": …, "prompt": …, "reference": …}`."""

_KEYS = ("id", "prompt", "reference")


@dataclass(frozen=True)
class Prompt:
    """One prompt.

    Attributes:
        id: Its name in the table.
        messages: What is sent.
        reference: The answer it should have, where one is known.
    """

    id: str
    messages: tuple[BaseMessage, ...]
    reference: str | None = None

    @cached_property
    def text(self) -> str:
        """What was said last."""
        return str(self.messages[-1].text)

    @cached_property
    def digest(self) -> str:
        """What tells it apart from every other prompt."""
        told = [messages_to_dict(list(self.messages)), self.reference]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def prompts_of(given: Iterable[PromptLike], system: str | None = None) -> tuple[Prompt, ...]:
    """Prompts from what somebody wrote; those without an id are counted from 1.

    Args:
        given: The prompts.
        system: What every target is told first.

    Raises:
        ConfigError: There is none, or one of them is no prompt; the message names its place.

    Example:
        >>> [prompt.id for prompt in prompts_of(["Hello?", {"id": "sum", "prompt": "1 + 1?", "reference": "2"}])]
        ['1', 'sum']
    """
    if isinstance(given, str | Mapping):
        raise ConfigError("prompts must be a list of prompts, not one of them.", field="prompts")
    prompts = tuple(_prompt(place, one, system) for place, one in enumerate(given))
    if not prompts:
        raise ConfigError("prompts is empty; give at least one.", field="prompts")
    seen: set[str] = set()
    for place, prompt in enumerate(prompts):
        if prompt.id in seen:
            raise ConfigError(f"prompts.{place}: the id {prompt.id!r} is here twice.", field=f"prompts.{place}.id")
        seen.add(prompt.id)
    return prompts


def _prompt(place: int, given: PromptLike, system: str | None) -> Prompt:
    where = f"prompts.{place}"
    row = given if isinstance(given, Mapping) else {"prompt": given}
    for key in row:
        if key not in _KEYS:
            near = did_you_mean(nearest_names(str(key), _KEYS))
            raise ConfigError(f"{where}: a prompt has no {key!r}.{near} It has: {', '.join(_KEYS)}.", field=where)
    if "prompt" not in row:
        raise ConfigError(f"{where}.prompt is missing.", field=where)
    reference = row.get("reference")
    return Prompt(
        id=str(row.get("id", place + 1)),
        messages=_messages(where, row["prompt"], system),
        reference=None if reference is None else str(reference),
    )


def _messages(where: str, given: object, system: str | None) -> tuple[BaseMessage, ...]:
    try:
        asked = convert_to_messages([given] if isinstance(given, str) else given)  # type: ignore[arg-type]
    except (ValueError, TypeError, LookupError, NotImplementedError) as error:
        raise ConfigError(f"{where} is neither a text nor a list of messages: {error}", field=where) from None
    if not asked:
        raise ConfigError(f"{where} is empty.", field=where)
    if system is None:
        return tuple(asked)
    if any(isinstance(message, SystemMessage) for message in asked):
        raise ConfigError(f"{where} has a system message of its own; system= would be a second one.", field="system")
    return (SystemMessage(system), *asked)
