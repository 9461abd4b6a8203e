"""Who is asked instead, where a budget has no room for a model and wants a cheaper one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
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
    owner, left = candidate.credential.owner, refused.refusal.balance.left
    entries = [entry for entry in user.usable_entries() if _pays_there(user, owner, entry)]
    entry = step_down(entries, candidate.entry, refused.size, left, dt.datetime.now(dt.UTC))
    return None if entry is None else user.candidate(entry.ref, entry, candidate.params)


def _pays_there(user: Payer, owner: str, entry: ModelEntry) -> bool:
    provider = user.provider(entry.provider)
    return provider is not None and user.credential(provider).owner == owner
