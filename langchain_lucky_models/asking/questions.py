"""What a call asks, whoever is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_lucky_models.asking.manners import Cheaper, Timeouts, nobody_cheaper
from langchain_lucky_models.asking.members import Candidate, Member
from langchain_lucky_models.binding import Structure, ToolList
from langchain_lucky_models.meter import (
    Purpose,
    Size,
    answers_wanted,
    bound_on_output,
    tokens_in,
)

NO_PURPOSE = Purpose()


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a call asks, whoever is asked.

    Attributes:
        messages: The prompt.
        stop: Where to stop.
        keywords: What the caller gave beside it; the tools may be a `ToolList`.
        timeouts: How long it may take.
        deadline: The end of the call on the monotonic clock.
        structure: The structured answer that is wished for.
        must_parse: Whether an answer that does not fit the structure is a failure, because somebody else may do better.
        purpose: What for: whom its records name.
        cheaper: Finds somebody cheaper, where a budget wants one.
    """

    messages: list[BaseMessage]
    stop: list[str] | None
    keywords: Mapping[str, Any]
    timeouts: Timeouts
    deadline: float
    structure: Structure | None = None
    must_parse: bool = False
    purpose: Purpose = NO_PURPOSE
    cheaper: Cheaper = nobody_cheaper

    def keywords_for(self, member: Member) -> dict[str, Any]:
        """The keywords in the member's own form."""
        keywords = dict(self.keywords)
        shape = member.candidate.shape
        if isinstance(tools := keywords.get("tools"), ToolList):
            del keywords["tools"]
            keywords = {**tools.keywords(member.partner, shape, keywords.pop("tool_choice", None)), **keywords}
        if self.structure is not None:
            keywords = {**self.structure.keywords(member.partner, shape), **keywords}
        return keywords

    def size(self, candidate: Candidate, *, left: float, others: bool) -> Size:
        """How large it is for a candidate, before anybody has counted."""
        params = dict(candidate.params)
        schema = {"schema": [self.structure.traced()["schema"]]} if self.structure is not None else {}
        return Size(
            input=tokens_in(self.messages, {**self.keywords, **schema}),
            bound=bound_on_output(params, self.keywords),
            answers=answers_wanted(params, self.keywords),
            left=left,
            others=others,
        )
