"""What an attempt is charged to: ledger, budgets and limits, asked before it and settled after it."""

from __future__ import annotations

from langchain_lucky_models.meter.accounts import Accounts, OnLedgerFailure, accounts_of
from langchain_lucky_models.meter.bills import Bill, Evidence
from langchain_lucky_models.meter.bounds import Size
from langchain_lucky_models.meter.charge import Charge, StepDownError
from langchain_lucky_models.meter.sizes import Tokens, answers_wanted, bound_on_output, tokens_in, tokens_shown
from langchain_lucky_models.meter.steps import acarry, carry
from langchain_lucky_models.meter.writing import Purpose

__all__ = [
    "Accounts",
    "Bill",
    "Charge",
    "Evidence",
    "OnLedgerFailure",
    "Purpose",
    "Size",
    "StepDownError",
    "Tokens",
    "acarry",
    "accounts_of",
    "answers_wanted",
    "bound_on_output",
    "carry",
    "tokens_in",
    "tokens_shown",
]
