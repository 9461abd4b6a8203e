"""What a comparison is to do, checked before anybody is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypedDict

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.comparison.judging import FunctionJudge, Judge, JudgeFunction, ModelJudge
from langchain_lucky_models.comparison.prompts import Prompt, PromptLike, prompts_of
from langchain_lucky_models.comparison.targets import Pick, Target, TargetsLike, targets_of
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names

DEFAULT_CONCURRENCY = 8


class ComparisonOptions(TypedDict, total=False):
    """How to compare; all of it may be left out.

    Attributes:
        system: What every target is told first.
        params: What every target that is given by name is given: `{"temperature": 0}`.
        judge: Who scores the answers: a name, a handle, or a function from a `Prompt` and its answers to a score for
            each. It is shown them in an order of its own, without who said what.
        repeat: How often every prompt is asked.
        max_concurrency: Calls at once.
        budget: Dollars. Once so much is known to be spent, nobody is asked any more; calls under way are finished.
        resume: A file that is added to with every answer, and gone on from where it is there already.
        progress: Show a bar; by default where somebody sits at a terminal.
    """

    system: str | None
    params: Mapping[str, Any]
    judge: str | LuckyChatModel | JudgeFunction | None
    repeat: int
    max_concurrency: int
    budget: Decimal | str | float | None
    resume: str | os.PathLike[str] | None
    progress: bool | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What a comparison is to do.

    Attributes:
        prompts: What is asked.
        targets: Of whom.
        repeat: How often.
        judge: Who scores the answers.
        max_concurrency: Calls at once.
        budget: Dollars that it may cost.
        resume: The file that keeps what was done.
        progress: Whether a bar is shown; `None` where somebody sits at a terminal.
    """

    prompts: tuple[Prompt, ...]
    targets: tuple[Target, ...]
    repeat: int = 1
    judge: Judge | None = None
    max_concurrency: int = DEFAULT_CONCURRENCY
    budget: Decimal | None = None
    resume: Path | None = None
    progress: bool | None = None

    @property
    def planned(self) -> int:
        """How many rows the table has in the end."""
        return len(self.prompts) * len(self.targets) * self.repeat


def outline_of(prompts: Iterable[PromptLike], targets: TargetsLike, pick: Pick, options: ComparisonOptions) -> Outline:
    """Check everything, and look every name up.

    Args:
        prompts: What is asked.
        targets: Of whom.
        pick: From a name to its handle.
        options: How.

    Raises:
        ConfigError: Something cannot be used.
        SelectionError: A name leads to nobody whom its user may ask.
    """
    for name in options:
        if name not in ComparisonOptions.__annotations__:
            near = did_you_mean(nearest_names(name, ComparisonOptions.__annotations__))
            raise ConfigError(f"compare() takes no {name!r}.{near}", field=name)
    resume = options.get("resume")
    return Outline(
        prompts=prompts_of(prompts, options.get("system")),
        targets=targets_of(targets, pick, options.get("params", {})),
        repeat=_at_least_one("repeat", options.get("repeat", 1)),
        judge=_judge(options.get("judge"), pick),
        max_concurrency=_at_least_one("max_concurrency", options.get("max_concurrency", DEFAULT_CONCURRENCY)),
        budget=_dollars(options.get("budget")),
        resume=None if resume is None else Path(resume),
        progress=options.get("progress"),
    )


def _judge(given: str | LuckyChatModel | JudgeFunction | None, pick: Pick) -> Judge | None:
    if given is None:
        return None
    if isinstance(given, str | LuckyChatModel):
        return ModelJudge(pick(given) if isinstance(given, str) else given)
    if not callable(given):
        raise ConfigError(f"judge must be a name, a handle or a function, not {given!r}.", field="judge")
    return FunctionJudge(given)


def _at_least_one(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number from 1 on, not {value!r}.", field=name)
    return value


def _dollars(given: Decimal | str | float | None) -> Decimal | None:
    if given is None:
        return None
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(given, bool) or not amount.is_finite() or amount < 0:
        raise ConfigError(f"budget must be an amount of dollars, not {given!r}.", field="budget")
    return amount
