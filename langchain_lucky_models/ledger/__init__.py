"""What was used and what it cost: append-only records, holds before sending, statistics."""

from __future__ import annotations

from langchain_lucky_models.ledger.book import Charge, Hold, Refused, Span, Stake
from langchain_lucky_models.ledger.ledger import Ledger
from langchain_lucky_models.ledger.money import dollars, picodollars, picodollars_up
from langchain_lucky_models.ledger.pending import Pending
from langchain_lucky_models.ledger.records import Basis, Movement, Outcome, Posted, Record
from langchain_lucky_models.ledger.statistics import MetricRow, Percentiles, Selection, UsageRow, ranked

__all__ = [
    "Basis",
    "Charge",
    "Hold",
    "Ledger",
    "MetricRow",
    "Movement",
    "Outcome",
    "Pending",
    "Percentiles",
    "Posted",
    "Record",
    "Refused",
    "Selection",
    "Span",
    "Stake",
    "UsageRow",
    "dollars",
    "picodollars",
    "picodollars_up",
    "ranked",
]
