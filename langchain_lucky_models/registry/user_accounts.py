"""What a user sees of the accounts: what was used, what is left, what a question would cost."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from typing import Any, Unpack

from langchain_core.language_models import LanguageModelInput

from langchain_lucky_models.budgets import Balance
from langchain_lucky_models.ledger import Posted, UsageRow
from langchain_lucky_models.limits import Load, Verdict
from langchain_lucky_models.meter.accounts import Accounts
from langchain_lucky_models.registry.accounting import By, Which, names_of, selected
from langchain_lucky_models.registry.elsewhere import CallFacts, record_of
from langchain_lucky_models.strategies import Strategy
from langchain_lucky_models.tables import Table
from langchain_lucky_models.users.reckoning import CostEstimate, cost_of_line
from langchain_lucky_models.users.standing import caller_of
from langchain_lucky_models.users.tenants import Tenant


class UserAccounts:
    """The part of a user's models that knows what was used and what is left; of nobody else."""

    tenant: Tenant

    def usage(self, by: By = ("model",), **which: Unpack[Which]) -> Table[UsageRow]:
        """Requests, tokens and cost of this user, dearest first.

        Args:
            by: What is told apart: `model`, `provider`, `experiment`, `day`, …
            **which: `since`, `until`, `where`, `whole`, as for `registry.usage`.
        """
        own = {**which.get("where", {}), "user": self.tenant.user_id}
        ledger = self._accounts.ledger
        return Table(ledger.usage(names_of(by), selected(ledger, Which(**{**which, "where": own}))))

    async def ausage(self, by: By = ("model",), **which: Unpack[Which]) -> Table[UsageRow]:
        """Same as `usage`."""
        return await asyncio.to_thread(functools.partial(self.usage, by, **which))

    def budget(self) -> Table[Balance]:
        """What each of this user's own budgets has left, and when it begins anew.

        Budgets that are shared with others are not shown, for they say what others have spent; they hold all the same.
        """
        return Table(self._accounts.budgets.standing(self.tenant.user_id).result())

    async def abudget(self) -> Table[Balance]:
        """Same as `budget`."""
        return Table(await self._accounts.budgets.standing(self.tenant.user_id))

    def estimate_cost(
        self,
        question: LanguageModelInput,
        *,
        model: str,
        strategy: str | Strategy[Any, Any] | None = None,
        **params: Any,
    ) -> CostEstimate:
        """What a question would cost; nobody is asked.

        Args:
            question: What a model would be asked: a text, messages, a prompt.
            model: Whom, as for `user.model`: a ref, a bare name, `tier:cheap`, an experiment.
            strategy: How, as for `user.model`.
            **params: As for `user.model`; `max_tokens` bounds what an answer can cost.

        Raises:
            SelectionError: The name leads to no model that this user may use now.
        """
        line = self.tenant.line(model, self.tenant.choose([model]), strategy, params)
        return cost_of_line(line, question, self._accounts.learned)

    def check_limit(self, model: str, tokens: int = 0) -> Verdict:
        """What a call of this user's would meet now; nothing is taken.

        Args:
            model: Whom it would ask, as for `user.model`; of several the first.
            tokens: How many tokens it would use, input and output together.

        Raises:
            SelectionError: The name leads to no model that this user may use now.
        """
        return self._accounts.limiter.check(*self._asking(model, tokens))

    async def acheck_limit(self, model: str, tokens: int = 0) -> Verdict:
        """Same as `check_limit`."""
        return await self._accounts.limiter.acheck(*self._asking(model, tokens))

    def record_usage(self, model: str, usage: Mapping[str, object] | None, **facts: Unpack[CallFacts]) -> Posted:
        """Book a call of this user's that was made elsewhere; as `registry.record_usage` does."""
        return self._accounts.book(self._elsewhere(model, usage, facts)).result()

    async def arecord_usage(self, model: str, usage: Mapping[str, object] | None, **facts: Unpack[CallFacts]) -> Posted:
        """Same as `record_usage`."""
        return await self._accounts.book(self._elsewhere(model, usage, facts))

    def _elsewhere(self, model: str, usage: Mapping[str, object] | None, facts: CallFacts) -> Any:
        owner = "house" if self.tenant.mode == "shared" else f"user:{self.tenant.user_id}"
        whole = CallFacts(**{"key_owner": owner, **facts, "user": self.tenant.user_id})
        return record_of(self.tenant.house.catalog, model, usage, whole)

    def _asking(self, model: str, tokens: int) -> Any:
        candidate = self.tenant.line(model, self.tenant.choose([model]), "first", {}).candidates[0]
        return caller_of(self._accounts, self.tenant.user_id, candidate), Load(tokens, tokens)

    @property
    def _accounts(self) -> Accounts:
        return self.tenant.house.accounts
