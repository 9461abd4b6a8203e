"""What the ledger is told of an attempt: before it is sent, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from langchain_lucky_models import errors
from langchain_lucky_models.ledger import Record
from langchain_lucky_models.meter.accounts import key_id_of
from langchain_lucky_models.meter.bills import Bill, Evidence, Payable
from langchain_lucky_models.meter.sizes import NO_TOKENS, Tokens


class Purpose(NamedTuple):
    """What a call is for: what its attempts' records have in common.

    Attributes:
        user: Who asks.
        asked: What the caller typed.
        strategy: How members are asked.
        experiment: Of which experiment it is.
        variant: Of which of the experiment's variants.
        tags: Words to group by.
        call_id: What its attempts share.
    """

    user: str = ""
    asked: str = ""
    strategy: str = "first"
    experiment: str | None = None
    variant: str | None = None
    tags: tuple[str, ...] = ()
    call_id: str = ""


def begun(attempt_id: str, asked: Payable, purpose: Purpose, size: Tokens = NO_TOKENS) -> Record:
    """What is known of an attempt before it is sent; it is what stands in the ledger should this process die."""
    ref, credential = asked.ref, asked.credential
    return Record(
        attempt_id=attempt_id,
        call_id=purpose.call_id,
        user=purpose.user,
        provider=ref.provider,
        asked=purpose.asked,
        model=str(ref),
        key_owner=credential.owner,
        key_id=key_id_of(credential),
        strategy=purpose.strategy,
        experiment=purpose.experiment,
        variant=purpose.variant,
        tags=purpose.tags,
        outcome="abandoned",
        input_tokens=size.likely,
        estimated=True,
    )


def ended(record: Record, bill: Bill, evidence: Evidence) -> Record:
    """The same once the attempt is over."""
    usage, error = bill.usage, evidence.error
    return replace(
        record,
        served=evidence.served,
        outcome=evidence.outcome,
        error=error.code if isinstance(error, errors.CallError) else None,
        input_tokens=usage.input or 0,
        output_tokens=usage.output or 0,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_1h,
        reasoning_tokens=usage.reasoning,
        audio_input_tokens=usage.audio_input,
        audio_output_tokens=usage.audio_output,
        cost=bill.cost,
        basis=bill.basis,
        seconds=evidence.seconds,
        first_token=evidence.first_token,
        estimated=bill.estimated,
        suspect=bill.suspect,
        request_id=evidence.request_id,
    )
