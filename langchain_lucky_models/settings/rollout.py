"""Who gets a new path instead of an old one, and who has both compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.settings.accounts import Dollars
from langchain_lucky_models.settings.base import Settings, Texts, check_name, row_of


class ShadowConfig(Settings):
    """How the new path is tried beside the old one, by calls that are answered by the old one.

    Attributes:
        share: The percentage of those calls.
        max_cost: US dollars a day (UTC) that a process may spend on it.
        unknown_price: Whether a model whose price nobody knows is asked, although no cap can hold for it.
        max_concurrent: How many run at once; further ones are dropped and counted.
        timeout: Seconds that one may take.
        keep: How many comparisons are kept for the report, the latest.
        keep_texts: Whether the two answers are kept with them.
    """

    share: float = Field(default=100.0, ge=0, le=100)
    max_cost: Dollars = Decimal(1)
    unknown_price: Literal["refuse", "allow"] = "refuse"
    max_concurrent: int = Field(default=4, ge=1, le=1000)
    timeout: float = Field(default=60.0, gt=0, le=3600)
    keep: int = Field(default=1000, ge=1, le=100_000)
    keep_texts: bool = True


class RolloutConfig(Settings):
    """One feature on its way from an old path to a new one.

    Attributes:
        percentage: Of all users, who gets the new path.
        allow: Users who get it whatever the percentage says.
        deny: Users who never get it, not even if they are allowed.
        enabled: The off switch: without it nobody gets the new path, and no shadow runs.
        on_failure: Where the new path fails: `raise` its error, or answer by the `old` path.
        shadow: How the new path is tried beside the old one; not at all where left out.

    Example:
        >>> RolloutConfig.read({"percentage": 10, "allow": ["ada"], "shadow": {"share": 5}}).shadow.max_cost
        Decimal('1')
    """

    percentage: float = Field(default=0.0, ge=0, le=100)
    allow: Texts = ()
    deny: Texts = ()
    enabled: bool = True
    on_failure: Literal["raise", "old"] = "raise"
    shadow: Annotated[ShadowConfig, row_of(ShadowConfig, "shadow")] | None = None

    def model_post_init(self, _context: object, /) -> None:
        """Refuse a user who is allowed and denied."""
        if both := sorted(set(self.allow) & set(self.deny)):
            raise ConfigError(f"deny: {both[0]!r} is also in allow; say one of the two.", field="deny")


def variable_of(name: str) -> str:
    """The environment variable that switches a feature.

    Example:
        >>> variable_of("new-chat")
        'LUCKY_ROLLOUT_NEW_CHAT'
    """
    return "LUCKY_ROLLOUT_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def check_features(names: Iterable[str]) -> None:
    """Refuse names that nobody could type, and two that one environment variable would switch.

    Raises:
        ConfigError: There are such.
    """
    taken: dict[str, str] = {}
    for name in names:
        check_name(name, "rollout")
        other = taken.setdefault(variable_of(name), name)
        if other != name:
            raise ConfigError(
                f"rollout.{name}: {variable_of(name)} would switch {other!r} as well; rename one of the two.",
                field=f"rollout.{name}",
            )
