"""A catalog overlay: what an operator says of models, in a file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from langchain_lucky_models.settings.base import Settings, Texts, listed


class OverlayConfig(Settings):
    """What an operator says of models; over the catalog, in this order.

    Attributes:
        add: Models as `catalog.register` takes them.
        update: Changes by ref, as `catalog.update` takes them.
        remove: Refs.

    Example:
        >>> OverlayConfig.read({"update": {"openai#gpt-4o": {"tags": ["house"]}}}).update
        {'openai#gpt-4o': {'tags': ['house']}}
    """

    add: Annotated[tuple[dict[str, Any], ...], BeforeValidator(listed)] = ()
    update: dict[str, dict[str, Any]] = Field(default_factory=dict)
    remove: Texts = ()
