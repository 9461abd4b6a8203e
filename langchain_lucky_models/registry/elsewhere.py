"""A call that was made elsewhere, as a record: what is known of it, checked like what a provider reports."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict, get_args

from langchain_lucky_models.catalog import prices
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.usage import read_usage
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.ledger import Outcome, Record
from langchain_lucky_models.refs import ModelRef

Dollars = Decimal | str | int | float


class CallFacts(TypedDict, total=False):
    """What is known of a call, besides its model and what it used.

    Attributes:
        attempt_id: What makes it unique; a new one where left out.
        call_id: What it shares with others of the same question.
        user: Who asked.
        key_owner: Who paid: `house`, or `user:<id>`.
        cost: Dollars; the catalog's prices say where left out.
        outcome: `answered`, `failed`, `cancelled`, `abandoned`.
        error: Why it failed, in a word.
        served: The model that has answered.
        seconds: How long it took.
        first_token: Seconds until the first content.
        experiment: What it belongs to.
        variant: Which of the experiment's variants.
        tags: Words that it carries.
        request_id: The provider's own id.
    """

    attempt_id: str
    call_id: str
    user: str
    key_owner: str
    cost: Dollars
    outcome: Outcome
    error: str
    served: str
    seconds: float
    first_token: float
    experiment: str
    variant: str
    tags: Sequence[str]
    request_id: str


def record_of(catalog: Catalog, model: str, usage: Mapping[str, object] | None, facts: CallFacts) -> Record:
    """The record of a call.

    Args:
        catalog: Whose prices say what it cost, where nobody else does.
        model: Its ref.
        usage: What it used, as LangChain's `usage_metadata`.
        facts: What else is known.

    Raises:
        ConfigError: The model is no ref, there is no such fact, or one of them cannot be.

    Example:
        >>> used = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
        >>> record = record_of(Catalog.packaged(), "openai#gpt-4o", used, {"user": "ada"})
        >>> str(record.cost.normalize()), record.basis, record.user
        ('0.0035', 'catalog', 'ada')
    """
    ref = ModelRef.parse(model)
    plain: dict[str, Any] = dict(facts)
    for name in plain:
        if name not in CallFacts.__annotations__:
            near = did_you_mean(nearest_names(name, CallFacts.__annotations__))
            raise ConfigError(f"record_usage: there is no fact {name!r}.{near}", field=name)
    if plain.get("outcome", "answered") not in get_args(Outcome):
        raise ConfigError(f"outcome is one of {', '.join(get_args(Outcome))}.", field="outcome")
    cost = _cost((catalog, ref), usage, plain.pop("cost", None))
    usual = {"attempt_id": f"elsewhere-{uuid.uuid4().hex}", "user": "", "outcome": "answered", "strategy": "elsewhere"}
    about = {**usual, **plain, "tags": tuple(plain.get("tags", ()))}
    return Record(
        provider=ref.provider,
        model=str(ref),
        asked=str(ref),
        cost=cost.amount,
        basis=cost.basis,
        **_tokens(usage),
        **about,
    )


def corrected(
    catalog: Catalog, stands: Record, at: dt.datetime, usage: Mapping[str, object] | None, cost: Dollars | None
) -> Record:
    """A record with what is known better now.

    Args:
        catalog: Whose prices say what it cost, where nobody else does.
        stands: What stands in the ledger.
        at: When it was asked; it costs what it cost then.
        usage: What it really used, as LangChain's `usage_metadata`; None leaves the tokens as they stand.
        cost: What it really cost; None leaves it to the prices.

    Raises:
        ConfigError: Nothing is given, or the money is none.
    """
    if usage is None and cost is None:
        raise ConfigError("what is to be corrected? Give usage, cost, or both.", field="usage")
    found = _cost((catalog, ModelRef.parse(stands.model)), usage, cost, at)
    known = {} if usage is None else {**_tokens(usage), "estimated": False}
    return replace(stands, **known, cost=found.amount, basis=found.basis)


def _cost(
    model: tuple[Catalog, ModelRef],
    usage: Mapping[str, object] | None,
    given: object,
    at: dt.datetime | None = None,
) -> prices.Cost:
    if given is not None:
        try:
            amount = Decimal(str(given))
        except InvalidOperation:
            amount = Decimal("nan")
        if not amount.is_finite() or amount < 0:
            raise ConfigError(f"the cost of a call is dollars, such as '0.0125', not {given!r}.", field="cost")
        return prices.Cost.reported(amount)
    catalog, ref = model
    entry = catalog.get(ref, None)
    return prices.Cost(None, "unknown") if entry is None else prices.cost(usage, entry, at)


def _tokens(usage: Mapping[str, object] | None) -> dict[str, Any]:
    used = read_usage(usage)
    return {
        "input_tokens": used.input or 0,
        "output_tokens": used.output or 0,
        "cache_read_tokens": used.cache_read,
        "cache_write_tokens": used.cache_write + used.cache_write_1h,
        "reasoning_tokens": used.reasoning,
        "audio_input_tokens": used.audio_input,
        "audio_output_tokens": used.audio_output,
        "suspect": usage is not None and bool(used.suspect),
    }
