"""Holds whose process died: booked at all that was held, so that a crash can only over-count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from langchain_lucky_models.ledger.commands import Append
from langchain_lucky_models.ledger.database import Session
from langchain_lucky_models.ledger.money import dollars
from langchain_lucky_models.ledger.posting import Terms, carry_out
from langchain_lucky_models.ledger.records import Record, from_plain

MOST_AT_ONCE = 500

_EXPIRED = (
    "SELECT attempt_id, MAX(facts), MAX(held) FROM lucky_holds "
    "WHERE state = 'reserved' AND lease_until < :now GROUP BY attempt_id ORDER BY attempt_id LIMIT :most"
)
_RENEW = (
    "UPDATE lucky_holds SET lease_until = CASE WHEN dies_at < :until THEN dies_at ELSE :until END "
    "WHERE state = 'reserved' AND owner = :owner"
)
_BOOKED = "SELECT key, slot, SUM(spent), SUM(held) FROM lucky_holds GROUP BY key, slot"
_COUNTED = "SELECT key, slot, spent, held FROM lucky_slots"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter that does not equal the sum of its entries; picodollars."""

    key: str
    slot: int
    counted: tuple[int, int]
    booked: tuple[int, int]


def renew(session: Session, now: int, terms: Terms) -> None:
    """A sign of life for every hold of this process."""
    session.rows(_RENEW, {"until": now + terms.lease, "owner": terms.owner})


def recover(session: Session, now: int, terms: Terms) -> int:
    """Book what expired, whoever held it; how many attempts that were."""
    orphans = [_orphan(facts, held) for _, facts, held in session.rows(_EXPIRED, {"now": now, "most": MOST_AT_ONCE})]
    carry_out(session, now, terms, [Append(record) for record in orphans])
    return len(orphans)


def audit(session: Session) -> Sequence[Discrepancy]:
    """Every counter that differs from its entries; none, unless somebody wrote into the tables by hand."""
    booked = {(key, slot): (int(spent), int(held)) for key, slot, spent, held in session.rows(_BOOKED)}
    counted = {(key, slot): (int(spent), int(held)) for key, slot, spent, held in session.rows(_COUNTED)}
    return [
        Discrepancy(key, slot, counted.get((key, slot), (0, 0)), booked.get((key, slot), (0, 0)))
        for key, slot in sorted(booked.keys() | counted.keys())
        if counted.get((key, slot), (0, 0)) != booked.get((key, slot), (0, 0))
    ]


def _orphan(facts: str, held: int) -> Record:
    record = from_plain(orjson.loads(facts))
    return replace(record, outcome="abandoned", cost=dollars(int(held)), basis="bound", error="process_died")
