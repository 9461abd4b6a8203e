"""How much a call may cost at most, and how much shorter its answer must be to fit what is left. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from langchain_lucky_models.budgets import CallSize, Estimate, Refusal, affordable_output, estimate_call
from langchain_lucky_models.meter.bills import ZERO, Payable
from langchain_lucky_models.meter.sizes import NO_TOKENS, Tokens

LEAST_OUTPUT = 16
"""Tokens; an answer is not cut shorter to fit what is left of a budget."""
UNBOUNDED = 4_096
"""Tokens that an answer under a budget is bound to, where neither caller nor catalog has a bound."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a call is.

    Attributes:
        input: The question.
        bound: Tokens of output that the caller allows; None where the caller says nothing.
        answers: How many answers are asked for at once.
        left: Seconds that the attempt may take.
        others: Whether somebody else can be asked instead.
    """

    input: Tokens = NO_TOKENS
    bound: int | None = None
    answers: int = 1
    left: float = 600.0
    others: bool = False


def call_size(asked: Payable, size: Size, usual: int | None, *, strict: bool) -> CallSize:
    """The call as budgets see it; where nothing else bounds its answer, a strict budget does."""
    known = asked.entry.limits.output if asked.entry else None
    priced = asked.entry is not None and asked.entry.price_state == "priced"
    own = max(UNBOUNDED, usual or 0) if strict and size.bound is None and known is None and priced else None
    # The bytes of the question are a bound themselves, so nothing is added for safety.
    return CallSize(size.input.most, size.bound or own, usual, counted=True)


def estimate_of(asked: Payable, call: CallSize, answers: int, at: dt.datetime) -> Estimate:
    """What the call may cost; each of several answers may be as long as the bound."""
    entry = asked.entry
    if entry is None:
        return Estimate(ZERO, ZERO) if asked.family.kind == "local" else Estimate(None, None)
    bound = call.max_output_tokens or entry.limits.output
    several = call if answers == 1 or bound is None else replace(call, max_output_tokens=bound * answers)
    return estimate_call(entry, several, at)


def shortened(asked: Payable, call: CallSize, size: Size, refusal: Refusal, at: dt.datetime) -> CallSize | None:
    """The call with a shorter answer that fits what is left, where the caller lets us choose; None where none does."""
    entry, balance = asked.entry, refusal.balance
    if size.bound is not None or entry is None or balance.budget.mode != "strict" or refusal.asked is None:
        return None
    fitting = affordable_output(entry, call, balance.left, at)
    if fitting is None or fitting < LEAST_OUTPUT * size.answers:
        return None
    each, before = fitting // size.answers, call.max_output_tokens or entry.limits.output
    return replace(call, max_output_tokens=each) if before is None or each < before else None
