"""Who is asked instead, where a budget has no room for a model and wants a cheaper one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.budgets import step_down
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.meter import StepDownError
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.users.house import Provider


class Payer(Protocol):
    """A user, as far as it matters here."""

    def usable_entries(self) -> Sequence[ModelEntry]:
        """What is known of every model of the user's list that can be used now."""

    def provider(self, name: str) -> Provider | None:
        """The provider of that name."""

    def credential(self, provider: Provider) -> Credential:
        """Who pays there."""

    def candidate(self, ref: ModelRef, entry: ModelEntry | None, params: tuple[tuple[str, object], ...]) -> Candidate:
        """Who is asked for a model."""


def cheaper_for(user: Payer, candidate: Candidate, refused: StepDownError) -> Candidate | None:
    """The next cheaper model of the user's list that what is left pays for; never with another payer's key.

    Args:
        user: Whose list.
        candidate: For whom there is no room.
        refused: The budget's refusal.
    """
    if candidate.entry is None:
        return None
    owner = candidate.credential.owner
    entries = [entry for entry in user.usable_entries() if _pays_there(user, owner, entry)]
    entry = step_down(entries, candidate.entry, refused.size, _most(refused), dt.datetime.now(dt.UTC))
    return None if entry is None else user.candidate(entry.ref, entry, candidate.params)


def _most(refused: StepDownError) -> Decimal:
    """Dollars that another model may cost: what is left, if the budget without room is another model's as well."""
    balance = refused.refusal.balance
    budget = balance.budget
    apart = budget.scope in {"model", "provider"} or budget.model or budget.provider
    # Whether one of another counter fits, that counter says when it is asked.
    return Decimal("Infinity") if apart else balance.left


def _pays_there(user: Payer, owner: str, entry: ModelEntry) -> bool:
    provider = user.provider(entry.provider)
    return provider is not None and user.credential(provider).owner == owner
