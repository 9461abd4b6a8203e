"""What stands in a call's way now: limits that are reached, budgets that are used up."""

from __future__ import annotations

import math
from collections.abc import Iterator

from langchain_lucky_models.asking.manners import Choice
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.budgets import Balance, Spender
from langchain_lucky_models.limits import Caller, limit_of
from langchain_lucky_models.meter.accounts import Accounts, key_id_of


def caller_of(accounts: Accounts, user: str, candidate: Candidate) -> Caller:
    """Whom limits count a call for."""
    published = limit_of(candidate.entry) if accounts.catalog_limits and candidate.entry else None
    return Caller(
        user=user,
        model=str(candidate.ref),
        provider=candidate.ref.provider,
        key=key_id_of(candidate.credential),
        published=published,
    )


def spender_of(user: str, candidate: Candidate, choice: Choice) -> Spender:
    """Whom budgets count a call for."""
    return Spender(
        user=user,
        model=str(candidate.ref),
        provider=candidate.ref.provider,
        key_owner=candidate.credential.owner,
        experiment=choice.experiment,
        tags=choice.tags,
    )


def in_the_way(accounts: Accounts, user: str, candidate: Candidate, choice: Choice) -> tuple[str, ...]:
    """Every limit and budget that has no room for a call, however small; nothing is taken."""
    if not accounts.bounded:
        return ()
    return (*_limits(accounts, user, candidate), *_budgets(accounts, spender_of(user, candidate, choice)))


def _limits(accounts: Accounts, user: str, candidate: Candidate) -> Iterator[str]:
    verdict = accounts.limiter.check(caller_of(accounts, user, candidate))
    if not verdict.allowed:
        wait = f", for {verdict.retry_after:.3g} s more" if math.isfinite(verdict.retry_after) else ""
        yield f"{verdict.limit} is reached{wait}"


def _budgets(accounts: Accounts, spender: Spender) -> Iterator[str]:
    if not accounts.budgets.budgets:
        return
    for balance in accounts.budgets.balances(spender).result():
        if not balance.left and balance.budget.on_exceed != "warn":
            yield _used_up(balance)


def _used_up(balance: Balance) -> str:
    again = f"; it begins anew at {balance.resets_at.isoformat()}" if balance.resets_at else ""
    return f"{balance.budget.label(balance.value)} is used up{again}"
