"""Tiers of the operator's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.refs import parse_allowed
from langchain_lucky_models.settings.base import Settings, Texts, check_lines, check_manner
from langchain_lucky_models.strategies import Strategy


def _name_or_function(value: object) -> object:
    if isinstance(value, str) or callable(value):
        return value
    raise ConfigError("strategy: expected a name, or in Python a function that makes a plan.", field="strategy")


# Only Python can give a function: a file gives its name, and nothing that a file says is ever imported.
StrategyChoice = Annotated[str | Annotated[Strategy[Any, Any], SkipJsonSchema()], BeforeValidator(_name_or_function)]


class TierConfig(Settings):
    """A tier of the operator's own.

    Attributes:
        strategy: How its members are asked.
        models: Refs and wildcards, in order; cut down to each user's list.
        params: What every member is given, such as `temperature`.
    """

    strategy: StrategyChoice = "fallback"
    models: Texts
    params: dict[str, Any] = Field(default_factory=dict)

    def model_post_init(self, _context: object, /) -> None:
        """Refuse malformed refs, unknown strategies and connections at once."""
        check_lines(self.models, parse_allowed)
        check_manner(self.strategy if isinstance(self.strategy, str) else None, self.params)
