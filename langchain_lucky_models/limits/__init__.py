"""Limits in requests, tokens and calls at once: exact in any window, taken all at once, waited for in line."""

from __future__ import annotations

from langchain_lucky_models.limits.counts import Counts, MemoryCounts
from langchain_lucky_models.limits.headers import Ceiling, ceilings, reset_seconds
from langchain_lucky_models.limits.limit import Caller, Limit, limit_of
from langchain_lucky_models.limits.limiter import History, Limiter
from langchain_lucky_models.limits.outputs import LearnedOutputs, token_charge
from langchain_lucky_models.limits.passage import Load, Passage, Verdict
from langchain_lucky_models.limits.redis import RedisCounts

__all__ = [
    "Caller",
    "Ceiling",
    "Counts",
    "History",
    "LearnedOutputs",
    "Limit",
    "Limiter",
    "Load",
    "MemoryCounts",
    "Passage",
    "RedisCounts",
    "Verdict",
    "ceilings",
    "limit_of",
    "reset_seconds",
    "token_charge",
]
