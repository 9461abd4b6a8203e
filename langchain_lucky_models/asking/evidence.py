"""What is known of how an attempt ended: from the wire, and from as much of the answer as came."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from langchain_lucky_models import errors
from langchain_lucky_models.asking.answers import Opened, Whole
from langchain_lucky_models.binding import Structure, misfits
from langchain_lucky_models.failures import classify
from langchain_lucky_models.ledger import Outcome
from langchain_lucky_models.meter import Evidence, tokens_shown
from langchain_lucky_models.providers.answers import Answer
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.wire import CallScope

_log = logging.getLogger("langchain_lucky_models.meter")


class Witness(Protocol):
    """An attempt that is over.

    Attributes:
        scope: What the wire saw of it.
        seen: As much of the answer as came, be it none of use.
        sent_at: When it was let go, on the monotonic clock.
        first_at: When its first content came; 0 where none did.
    """

    scope: CallScope
    seen: Whole | Opened | None
    sent_at: float
    first_at: float


def evidence_of(witness: Witness, outcome: Outcome, error: Exception | None) -> Evidence:
    """How an attempt ended.

    Args:
        witness: The attempt.
        outcome: In one word.
        error: Its failure, where it failed.
    """
    scope, seen = witness.scope, witness.seen
    now = time.monotonic()
    complete = isinstance(seen, Whole) or (isinstance(seen, Opened) and seen.flow.complete)
    usage = seen.usage if seen is not None else None
    return Evidence(
        outcome=outcome,
        error=error,
        sent=scope.sent,
        streamed=isinstance(seen, Opened),
        complete=complete,
        status=scope.status,
        request_id=scope.request_id,
        headers=scope.headers,
        served=_served(seen),
        usage=usage,
        reported=_reported(seen),
        shown=tokens_shown(seen.message) if seen is not None and not (usage and complete) else 0,
        seconds=now - witness.sent_at,
        first_token=witness.first_at - witness.sent_at if witness.first_at else None,
    )


def found_of(error: Exception, scope: CallScope, ref: ModelRef, structure: Structure | None) -> errors.CallError:
    """Which failure an exception is, by what the wire saw, and by what structure was wished for.

    An answer that does not fit it says nothing against the provider, or one caller's schema would make it rest for all.
    """
    cause = scope.failure or error
    found = classify(cause, provider=ref.provider, model=ref.model, scrub=scope.scrub, evidence=scope)
    if structure is not None and type(found) is errors.ProtocolError and misfits(structure, cause):
        return errors.UnfitAnswerError(str(found), facts=found.facts)
    return found


@contextmanager
def reported() -> Iterator[None]:
    """What the ledger cannot write costs nobody an answer that is paid for; it is said in the log."""
    try:
        yield
    except (errors.LedgerUnavailableError, TimeoutError) as trouble:
        _log.error("A record is not written yet: %s", str(trouble) or "the ledger takes long")


def _answers(seen: Whole | Opened | None) -> Sequence[Answer]:
    if isinstance(seen, Whole):
        return (seen.message,)
    return seen.flow.tail if seen is not None else ()


def _served(seen: Whole | Opened | None) -> str | None:
    """The model that the provider says has answered."""
    told = [seen.message.response_metadata] if isinstance(seen, Whole) else []
    if isinstance(seen, Opened):
        # A raw chunk of a stream carries its facts beside its message.
        told = [
            facts
            for chunk in seen.flow.tail
            for facts in (chunk.generation_info, chunk.message.response_metadata)
            if facts
        ]
    names = (facts.get("model_name") for facts in told)
    return next((name for name in names if isinstance(name, str) and name), None)


def _reported(seen: Whole | Opened | None) -> Decimal | None:
    """What the provider itself says it cost."""
    if seen is None:
        return None
    family = seen.member.candidate.family
    return next((cost for answer in _answers(seen) if (cost := family.reported_cost(answer)) is not None), None)
