"""What a question would cost before it is asked: of everybody who would be asked, usually and at most. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue

from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.budgets import CallSize, Estimate, estimate_call
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.limits import LearnedOutputs
from langchain_lucky_models.meter.sizes import answers_wanted, bound_on_output, tokens_in
from langchain_lucky_models.tables import Table

ONE_AT_A_TIME = frozenset({"first", "fallback"})
"""Strategies that ask the next member only after the one before."""


@dataclass(frozen=True, slots=True)
class MemberEstimate:
    """What one member would cost.

    Attributes:
        ref: The model.
        input_tokens: Of the question, about.
        max_output_tokens: The bound on the answer that was given, if any.
        usual: Dollars that such an answer costs; what models usually put out is learned. None where nobody knows.
        most: Dollars that a strict budget would hold for it: no answer costs more. None where nobody knows.
    """

    ref: str
    input_tokens: int
    max_output_tokens: int | None
    usual: Decimal | None
    most: Decimal | None

    def to_dict(self) -> dict[str, object]:
        """Its figures by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a question would cost, retries left aside.

    Attributes:
        usual: Dollars for those who are asked first: one, or all where they are asked at once.
        most: Dollars if everybody is asked and puts out as much as they may. None where a price is unknown.
        members: Each of them, in order.
    """

    usual: Decimal | None
    most: Decimal | None
    members: Table[MemberEstimate]

    def __str__(self) -> str:
        return f"usually {_shown(self.usual)}, at most {_shown(self.most)}\n{self.members!r}"

    def _repr_html_(self) -> str:
        return f"<p>usually {_shown(self.usual)}, at most {_shown(self.most)}</p>{self.members._repr_html_()}"


def cost_of_line(line: Line, question: LanguageModelInput, learned: LearnedOutputs) -> CostEstimate:
    """What a question to a line of members would cost."""
    messages = messages_of(question)
    members = Table(
        [
            cost_of_model((str(one.ref), one.entry), messages, {**line.choice.params, **dict(one.params)}, learned)
            for one in line.candidates
        ]
    )
    at_first = members[:1] if line.manner.label in ONE_AT_A_TIME else members
    return CostEstimate(_sum(row.usual for row in at_first), _sum(row.most for row in members), members)


def cost_of_model(
    model: tuple[str, ModelEntry | None],
    messages: Sequence[BaseMessage],
    params: Mapping[str, Any],
    learned: LearnedOutputs,
) -> MemberEstimate:
    """What a question to one model would cost.

    Args:
        model: Its ref, and what the catalog knows.
        messages: The question.
        params: What it is given.
        learned: What models usually put out.
    """
    ref, entry = model
    size, bound, answers = tokens_in(messages, params), bound_on_output(params), answers_wanted(params)
    outputs = (None if bound is None else bound * answers, learned.usual(ref))
    at = dt.datetime.now(dt.UTC)

    def priced(tokens: int) -> Estimate:
        return (
            Estimate(None, None)
            if entry is None
            else estimate_call(entry, CallSize(tokens, *outputs, counted=True), at)
        )

    return MemberEstimate(ref, size.likely, bound, priced(size.likely).usual, priced(size.most).most)


def messages_of(question: LanguageModelInput) -> list[BaseMessage]:
    """Whatever a model may be asked, as messages."""
    if isinstance(question, PromptValue):
        return question.to_messages()
    return [HumanMessage(question)] if isinstance(question, str) else convert_to_messages(question)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _shown(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"${amount.normalize():f}"
