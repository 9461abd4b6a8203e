"""What is booked, asked and given back by hand: budgets, limits, calls made elsewhere, estimates."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, Unpack

from langchain_core.language_models import LanguageModelInput
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_lucky_models.budgets import Balance
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.ledger import Posted, Record
from langchain_lucky_models.ledger.entries import recorded
from langchain_lucky_models.ledger.records import storable
from langchain_lucky_models.limits import Caller, Load, Verdict, limit_of
from langchain_lucky_models.limits.for_langchain import CallerLimiter
from langchain_lucky_models.meter.accounts import Accounts, key_id_of
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.registry.elsewhere import CallFacts, Dollars, corrected, record_of
from langchain_lucky_models.tables import Table
from langchain_lucky_models.users.house import HOUSE, House
from langchain_lucky_models.users.reckoning import MemberEstimate, cost_of_model, messages_of


class Bookkeeping:
    """The part of a registry that knows what may still be used.

    Whatever asks the ledger waits for its database; its twin with an `a` before its name waits in a task.
    """

    _house: House

    def budgets(self) -> Table[Balance]:
        """What every budget has left: one row for each user, model, … that something was charged to."""
        return Table(self._accounts.budgets.standing().result())

    async def abudgets(self) -> Table[Balance]:
        """Same as `budgets`."""
        return Table(await self._accounts.budgets.standing())

    def reset_budgets(self, value: str | None = None, *, reason: str = "") -> Table[Balance]:
        """Give budgets all their money back, by entries that take back what was spent in their windows.

        Args:
            value: Whose, such as a user's id: only budgets that count that value apart. By default all of them.
            reason: Why, for whoever reads the ledger later.

        Returns:
            What the budgets held before.
        """
        found = [row for row in self.budgets() if value is None or row.value == storable(value)]
        for pending in [self._accounts.budgets.reset(row.budget, row.value, reason) for row in found]:
            pending.result()
        return Table(found)

    async def areset_budgets(self, value: str | None = None, *, reason: str = "") -> Table[Balance]:
        """Same as `reset_budgets`."""
        return await asyncio.to_thread(functools.partial(self.reset_budgets, value, reason=reason))

    def record_usage(self, model: str, usage: Mapping[str, object] | None, **facts: Unpack[CallFacts]) -> Posted:
        """Book a call that was made elsewhere: it counts in usage, is charged to budgets, and is told like any other.

        Nothing can refuse it any more, so a budget may be overspent by it. Limits count calls that are made here.

        Args:
            model: Its ref.
            usage: What it used, as LangChain's `usage_metadata`; doubted like a provider's report.
            **facts: Of the call: `user`, `cost` (else the catalog's prices say), `attempt_id` (booked twice under the
                same one, it counts once), `experiment`, `tags`, `seconds`, …

        Raises:
            ConfigError: The model is no ref, there is no such fact, or the money is none.
        """
        return self._accounts.book(record_of(self._house.catalog, model, usage, facts)).result()

    async def arecord_usage(self, model: str, usage: Mapping[str, object] | None, **facts: Unpack[CallFacts]) -> Posted:
        """Same as `record_usage`."""
        return await self._accounts.book(record_of(self._house.catalog, model, usage, facts))

    def correct_usage(
        self, attempt_id: str, usage: Mapping[str, object] | None = None, *, cost: Dollars | None = None
    ) -> Posted:
        """Say what an attempt really used or cost, once the provider has been asked: usage and budgets follow.

        The entry that stands is never changed: another one holds the difference, and counts from now on.

        Args:
            attempt_id: Which, as `export` and the event `usage_recorded` name it.
            usage: What it used, as LangChain's `usage_metadata`.
            cost: Dollars; the catalog's prices of its day say where left out.

        Raises:
            ConfigError: The ledger has no such attempt, or nothing is given.
        """
        return self._accounts.correct(self._corrected(attempt_id, usage, cost)).result()

    async def acorrect_usage(
        self, attempt_id: str, usage: Mapping[str, object] | None = None, *, cost: Dollars | None = None
    ) -> Posted:
        """Same as `correct_usage`."""
        return await self._accounts.correct(await asyncio.to_thread(self._corrected, attempt_id, usage, cost))

    def check_limit(self, ref: str, tokens: int = 0, *, user_id: str | None = None) -> Verdict:
        """What a call with the house's key would meet now; nothing is taken.

        Args:
            ref: Whom it would ask.
            tokens: How many tokens it would use, input and output together.
            user_id: Who would ask.

        Raises:
            ConfigError: It is no ref, or there is no such provider.
        """
        return self._accounts.limiter.check(self._caller(ref, user_id), Load(tokens, tokens))

    async def acheck_limit(self, ref: str, tokens: int = 0, *, user_id: str | None = None) -> Verdict:
        """Same as `check_limit`."""
        return await self._accounts.limiter.acheck(self._caller(ref, user_id), Load(tokens, tokens))

    def rate_limiter(self, ref: str, tokens: int = 0, *, user_id: str | None = None) -> BaseRateLimiter:
        """The limits of this registry for a chat model of somebody else's: `ChatOpenAI(rate_limiter=…)`.

        Calls there and calls of handles take from the same limits; calls at once are not limited by it.

        Args:
            ref: Whom it asks, with the house's key.
            tokens: What each of its calls is charged, input and output together.
            user_id: Who asks.

        Raises:
            ConfigError: It is no ref, or there is no such provider.
        """
        return CallerLimiter(self._accounts.limiter, self._caller(ref, user_id), tokens)

    def estimate_cost(self, question: LanguageModelInput, *, model: str, **params: Any) -> MemberEstimate:
        """What a question to a model would cost; nobody is asked. `user.estimate_cost` knows tiers and strategies.

        Args:
            question: What it would be asked: a text, messages, a prompt.
            model: Its ref.
            **params: What it would be given; `max_tokens` bounds what an answer can cost.

        Raises:
            UnknownModelError: The catalog has no such model.
        """
        entry = self._house.catalog.get(ModelRef.parse(model))
        return cost_of_model((str(entry.ref), entry), messages_of(question), params, self._accounts.learned)

    def _corrected(self, attempt_id: str, usage: Mapping[str, object] | None, cost: Dollars | None) -> Record:
        found = self._accounts.ledger.read(lambda session: recorded(session, attempt_id))
        if found is None:
            raise ConfigError(
                f"the ledger has no attempt {attempt_id!r}; it was never recorded, or has been condensed.",
                field="attempt_id",
            )
        stands, at = found
        return corrected(self._house.catalog, stands, dt.datetime.fromtimestamp(at / 1e6, dt.UTC), usage, cost)

    def _caller(self, text: str, user_id: str | None) -> Caller:
        ref = ModelRef.parse(text)
        provider = self._house.providers.get(ref.provider)
        if provider is None:
            near = did_you_mean(nearest_names(ref.provider, self._house.providers))
            raise ConfigError(f"{text}: there is no provider {ref.provider!r}.{near}", field="providers")
        entry = self._house.catalog.get(ref, None) if self._accounts.catalog_limits else None
        return Caller(
            user=user_id,
            model=str(ref),
            provider=ref.provider,
            key=key_id_of(provider.credential(HOUSE, provider.secret)),
            published=limit_of(entry) if entry else None,
        )

    @property
    def _accounts(self) -> Accounts:
        return self._house.accounts
