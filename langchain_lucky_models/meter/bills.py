"""What an attempt cost, decided from what is known of how it ended. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from langchain_core.messages.ai import UsageMetadata

from langchain_lucky_models import errors
from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.usage import Usage, read_usage
from langchain_lucky_models.failures import action_for
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.ledger import Basis, Outcome
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.refs import ModelRef

FIRST_ERROR = 400
GAVE_UP = frozenset({408, 499, 502, 504})
"""Error statuses of somebody between us and the model who stopped waiting: the model may have answered, and be paid."""

ZERO = Decimal(0)


class Payable(Protocol):
    """Whom an attempt asks, as far as money is concerned."""

    @property
    def ref(self) -> ModelRef:
        """The model."""

    @property
    def entry(self) -> ModelEntry | None:
        """What the catalog knows about it."""

    @property
    def family(self) -> Family:
        """How its kind of server is spoken to."""

    @property
    def credential(self) -> Credential:
        """Who pays."""


class Evidence(NamedTuple):
    """How an attempt ended, as far as anybody knows.

    Attributes:
        outcome: In one word.
        error: Its failure, where it failed.
        sent: Whether any byte of the request was handed to the network.
        streamed: Whether the answer came in pieces: a provider stops when nobody reads on.
        complete: Whether the provider has said that the answer is whole.
        status: The answer's status, where there was one.
        request_id: The provider's own id of the request.
        headers: The answer's headers.
        served: The model that the provider says has answered.
        usage: What the provider says it used.
        reported: What the provider says it cost.
        shown: About how many tokens of the answer have come.
        seconds: From sending to the end.
        first_token: Seconds until the first content.
    """

    outcome: Outcome
    error: Exception | None = None
    sent: bool = True
    streamed: bool = False
    complete: bool = False
    status: int | None = None
    request_id: str | None = None
    headers: Mapping[str, str] | None = None
    served: str | None = None
    usage: UsageMetadata | None = None
    reported: Decimal | None = None
    shown: int = 0
    seconds: float = 0.0
    first_token: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected of an attempt before it was sent.

    Attributes:
        input: Tokens of the question, about.
        output: Tokens of the answer at most, where anything bounds it, else usually.
        held: Dollars that were held for it; None where nothing was.
    """

    input: int = 0
    output: int = 0
    held: Decimal | None = None


class Bill(NamedTuple):
    """What an attempt used and cost.

    Attributes:
        usage: Its tokens.
        cost: Dollars; None where nobody knows.
        basis: Who says so.
        estimated: Whether the tokens are our estimate.
        suspect: Whether the provider's report cannot be true.
    """

    usage: Usage
    cost: Decimal | None
    basis: Basis
    estimated: bool = False
    suspect: bool = False

    @property
    def tokens(self) -> int | None:
        """Tokens of input and output together, where they are known."""
        into, out = self.usage.input, self.usage.output
        return None if into is None or out is None else into + out

    @property
    def uncertain(self) -> bool:
        """Whether nobody has said so who must know."""
        return self.estimated or self.basis in {"estimated", "bound", "unknown"}


NOTHING = Bill(Usage(), ZERO, "catalog")
"""Of what was never sent, or was refused by the provider: nobody is billed for it."""


def bill_of(asked: Payable, ended: Evidence, expected: Expected, at: dt.datetime) -> Bill:
    """What an attempt is charged: what the provider reports, else an estimate, else all that was held.

    Args:
        asked: Who was asked; prices are those it had when it was asked.
        ended: How it ended.
        expected: What was expected of it.
        at: When it was sent.
    """
    if ended.usage is not None and (ended.complete or ended.outcome == "answered"):
        return _reported(asked, ended, at)
    if not ended.sent or _refused(ended):
        return NOTHING
    if ended.reported is not None:
        return Bill(_estimate(ended, expected, ended.shown), ended.reported, "provider", estimated=True)
    if _may_have_gone_on(ended):
        return _priced(asked, _estimate(ended, expected, max(ended.shown, expected.output)), at, expected.held)
    return _priced(asked, _estimate(ended, expected, ended.shown), at)


def _reported(asked: Payable, ended: Evidence, at: dt.datetime) -> Bill:
    usage = read_usage(ended.usage)
    if ended.reported is not None:
        return Bill(usage, ended.reported, "provider", suspect=bool(usage.suspect))
    cost = _cost(asked, usage, at)
    return Bill(usage, cost.amount, cost.basis, suspect=bool(usage.suspect))


def _refused(ended: Evidence) -> bool:
    """Whether the provider itself has turned the request down: no provider bills that."""
    if ended.error is None or (ended.status or 0) in GAVE_UP:
        return False
    if (ended.status or 0) >= FIRST_ERROR:
        return True
    return action_for(ended.error).booking in {"nothing", "release"}


def _may_have_gone_on(ended: Evidence) -> bool:
    """Whether the provider may have made the whole answer although we left: it does where it has not begun to send."""
    if ended.complete or ended.outcome == "answered":
        return False
    if isinstance(ended.error, errors.CallError):
        return action_for(ended.error).booking == "bound"
    return not ended.streamed


def _estimate(ended: Evidence, expected: Expected, output: int) -> Usage:
    """What came before the end counts, where the provider has said it; the rest is our own count."""
    said = read_usage(ended.usage) if ended.usage is not None else None
    into = said.input if said is not None and said.input else expected.input
    return Usage(input=into, output=max(output, (said.output if said is not None else 0) or 0))


def _priced(asked: Payable, usage: Usage, at: dt.datetime, held: Decimal | None = None) -> Bill:
    cost = _cost(asked, usage, at)
    amount = cost.amount if held is None else max(held, cost.amount or ZERO)
    return Bill(usage, amount, "unknown" if amount is None else "estimated", estimated=True)


def _cost(asked: Payable, usage: Usage, at: dt.datetime) -> prices.Cost:
    if asked.entry is None:
        return _FREE if asked.family.kind == "local" else _UNKNOWN
    if usage.input is None and usage.output is None:
        return _FREE if asked.entry.price_state in {"free", "local"} else _UNKNOWN
    return prices.cost(usage, asked.entry, at)


_FREE = prices.Cost(ZERO, "catalog")
_UNKNOWN = prices.Cost(None, "unknown")
