"""Tiers of the operator's own."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from langchain_lucky_models.refs import parse_allowed
from langchain_lucky_models.settings.base import Settings, Texts, check_lines, check_manner


class TierConfig(Settings):
    """A tier of the operator's own.

    Attributes:
        strategy: How its members are asked.
        models: Refs and wildcards, in order; cut down to each user's list.
        params: What every member is given, such as `temperature`.
    """

    strategy: str = "fallback"
    models: Texts
    params: dict[str, Any] = Field(default_factory=dict)

    def model_post_init(self, _context: object, /) -> None:
        """Refuse malformed refs, unknown strategies and connections at once."""
        check_lines(self.models, parse_allowed)
        check_manner(self.strategy, self.params)
