"""How a user compares their own models and experiments."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Unpack

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.comparison import (
    Comparison,
    ComparisonOptions,
    PromptLike,
    TargetsLike,
    acompare,
    compare,
    outline_of,
)


class OwnComparisons:
    """The part of a user that compares."""

    @abstractmethod
    def model(self, name: str, **params: Any) -> LuckyChatModel:
        """A handle on one of the user's models."""

    def compare(
        self, prompts: Iterable[PromptLike], targets: TargetsLike, **options: Unpack[ComparisonOptions]
    ) -> Comparison:
        """Ask several models, tiers or experiments the same prompts, and lay their answers side by side.

        Args:
            prompts: Texts, lists of messages, or `{"id": …, "prompt": …, "reference": …}`.
            targets: Names, or handles; by label, where you give a mapping.
            **options: See `ComparisonOptions`: `judge`, `repeat`, `budget`, `resume`, …

        Raises:
            ConfigError: Something cannot be used; nobody was asked.
            SelectionError: A name leads to nobody whom the user may ask; nobody was asked.
        """
        return compare(outline_of(prompts, targets, self.model, options))

    async def acompare(
        self, prompts: Iterable[PromptLike], targets: TargetsLike, **options: Unpack[ComparisonOptions]
    ) -> Comparison:
        """Same as `compare`, without blocking the event loop."""
        return await acompare(outline_of(prompts, targets, self.model, options))
