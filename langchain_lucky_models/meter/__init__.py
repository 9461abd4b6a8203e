"""What an attempt is charged to: ledger, budgets and limits, asked before it and settled after it."""

from __future__ import annotations

from langchain_lucky_models.meter.accounts import Accounts, OnLedgerFailure, accounts_of

__all__ = [
    "Accounts",
    "OnLedgerFailure",
    "accounts_of",
]
