"""Limits in money: held before a call is sent, settled after, exact over threads, processes and machines."""

from __future__ import annotations

from langchain_lucky_models.budgets.accounts import Alert, Balance, Budgets, Refusal, UnknownPrice
from langchain_lucky_models.budgets.budget import Budget, Spender
from langchain_lucky_models.budgets.estimates import (
    CallSize,
    Estimate,
    affordable_output,
    estimate_call,
    step_down,
)
from langchain_lucky_models.budgets.windows import window_of

__all__ = [
    "Alert",
    "Balance",
    "Budget",
    "Budgets",
    "CallSize",
    "Estimate",
    "Refusal",
    "Spender",
    "UnknownPrice",
    "affordable_output",
    "estimate_call",
    "step_down",
    "window_of",
]
