"""Who would be asked, in which order, at whose cost and why: the dry run of a name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.asking.meter import Meter
from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.entry import TokenLimits
from langchain_lucky_models.keys import MASK
from langchain_lucky_models.users.standing import in_the_way


@dataclass(frozen=True, slots=True)
class ExplainedMember:
    """One member of the order.

    Attributes:
        ref: The model.
        reason: Why it stands at this place.
        owner: Who pays: `house`, or `user:<id>`.
        key: The key, masked; `None` where the server asks for none.
        base_url: Where the request would go.
        input_price: Dollars for a million input tokens today, where known.
        output_price: Dollars for a million output tokens today, where known.
        limits: How many tokens fit.
        resting: Why it would be skipped now, and for how long, where it rests.
        in_the_way: Limits that are reached and budgets that are used up, so that it would be refused now.
    """

    ref: str
    reason: str
    owner: str
    key: str | None
    base_url: str | None
    input_price: Decimal | None
    output_price: Decimal | None
    limits: TokenLimits | None
    resting: str | None = None
    in_the_way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a name means for a user now.

    Attributes:
        asked: The name.
        strategy: How the members are asked.
        order: Who is asked, in order.
        left_out: Who is not, by ref, with the reason.
        experiment: The experiment it is, by its full name.
        variant: Which of the experiment's variants.
    """

    asked: str
    strategy: str
    order: tuple[ExplainedMember, ...]
    left_out: Mapping[str, str]
    experiment: str | None = None
    variant: str | None = None

    def __str__(self) -> str:
        variant = f", variant {self.variant}" if self.variant else ""
        lines = [f"{self.asked}{variant}: {self.strategy} of {len(self.order)}"]
        lines += [f"{place}. {_told(member)}" for place, member in enumerate(self.order, start=1)]
        lines += [f"-  {ref}: {reason}" for ref, reason in self.left_out.items()]
        return "\n".join(lines)


def explain_line(line: Line, meter: Meter, user: str) -> Explanation:
    """Explain a line of members to a user without asking any of them."""
    reasons = {ref: reason for ref, _, reason in line.choice.refs}
    order = tuple(
        replace(_explained(one, reasons[one.ref], meter), in_the_way=in_the_way(meter.accounts, user, one, line.choice))
        for one in line.candidates
    )
    unasked = {str(ref): f"only the first is asked: {why}" for ref, _, why in line.choice.refs[len(order) :]}
    left_out = {**unasked, **line.choice.left_out}
    return Explanation(line.asked, line.manner.label, order, left_out, line.choice.experiment, line.choice.variant)


def _told(member: ExplainedMember) -> str:
    facts = (member.reason, f"{member.owner} pays", member.resting, *member.in_the_way)
    return f"{member.ref} ({'; '.join(filter(None, facts))})"


def _explained(candidate: Candidate, reason: str, meter: Meter) -> ExplainedMember:
    entry, credential = candidate.entry, candidate.credential
    price = prices.price_at(entry, dt.datetime.now(dt.UTC)) if entry else None
    return ExplainedMember(
        ref=str(candidate.ref),
        reason=reason,
        owner=credential.owner,
        key=MASK if credential.secret else None,
        base_url=candidate.base_url,
        input_price=price.input if price else None,
        output_price=price.output if price else None,
        limits=entry.limits if entry else None,
        resting=meter.why_resting(candidate),
    )
