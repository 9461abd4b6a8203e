"""What a registry tells of its rollouts."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_lucky_models.rollout import Rollout, Rollouts


class Rolls:
    """The part of a registry that takes features from an old path to a new one."""

    _rollouts: Rollouts

    def rollout(self, name: str) -> Rollout:
        """One feature's rollout: who gets the new path, and calls that go to the one or the other.

        Args:
            name: As `rollout=` of `create_llm_registry`, or of its file, names it.

        Raises:
            ConfigError: There is none of that name.
        """
        return self._rollouts.named(name)

    def rollouts(self) -> Mapping[str, Rollout]:
        """Every rollout that is configured now, by name."""
        return {name: self._rollouts.named(name) for name in self._rollouts.names()}
