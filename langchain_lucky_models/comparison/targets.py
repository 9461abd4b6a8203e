"""Who is compared: names of one user's, or handles, each under a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.errors.base import ConfigError

TargetLike = str | LuckyChatModel
"""`openai#gpt-4o`, `tier:cheap`, `user:ada:local_first@b`, or a handle."""
TargetsLike = Sequence[TargetLike] | Mapping[str, TargetLike]
"""Targets, or targets by the label they have in the table."""


class Pick(Protocol):
    """From a name to its handle."""

    def __call__(self, name: str, **params: Any) -> LuckyChatModel:
        """The handle, given these parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is asked.

    Attributes:
        label: The name in the table.
        handle: Whom it stands for.
    """

    label: str
    handle: LuckyChatModel

    @property
    def described(self) -> str:
        """Whom it means now, in words; other words are another target."""
        line = self.handle.line()
        given = {**dict(line.candidates[0].params), **line.manner.given}
        told = ", ".join(f"{name}={_told(value)}" for name, value in sorted(given.items()))
        refs = ", ".join(str(candidate.ref) for candidate in line.candidates)
        return f"{line.manner.label} of {refs} for {self.handle.user_id}" + (f" with {told}" if told else "")


def targets_of(given: TargetsLike, pick: Pick, params: Mapping[str, Any]) -> tuple[Target, ...]:
    """Targets from what somebody wrote.

    Args:
        given: Names and handles.
        pick: From a name to its handle.
        params: What those that are named are given.

    Raises:
        ConfigError: There is none, or two have one label.
        SelectionError: A name leads to nobody whom its user may ask.
    """
    if isinstance(given, str | LuckyChatModel):
        raise ConfigError("targets must be a list of names, not one of them.", field="targets")
    labelled = list(given.items()) if isinstance(given, Mapping) else [(_label(one), one) for one in given]
    if not labelled:
        raise ConfigError("targets is empty; name at least one.", field="targets")
    labels = [label for label, _ in labelled]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ConfigError(
            f"targets: {twice[0]!r} is here twice; give them labels: {{'plain': …, 'warm': …}}.", field="targets"
        )
    return tuple(
        Target(label, one if isinstance(one, LuckyChatModel) else pick(one, **params)) for label, one in labelled
    )


def _label(given: TargetLike) -> str:
    return given if isinstance(given, str) else " | ".join((given.model, *given.also))


def _told(value: Any) -> str:
    # Of a function or the like nothing is the same next time but its kind.
    return repr(value) if isinstance(value, str | int | float | None | list | tuple | dict) else type(value).__name__
