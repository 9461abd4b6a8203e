"""`UserModels`: one person's or tenant's view of a registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.keys import KeyMode
from langchain_lucky_models.refs import ExperimentName
from langchain_lucky_models.registry.user_accounts import UserAccounts
from langchain_lucky_models.registry.user_comparing import OwnComparisons
from langchain_lucky_models.strategies import Strategy
from langchain_lucky_models.users.access import Problem
from langchain_lucky_models.users.explain import Explanation, explain_line
from langchain_lucky_models.users.tenants import Tenant


class UserModels(OwnComparisons, UserAccounts):
    """One user's models. Made by `registry.for_user`."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    @property
    def user_id(self) -> str:
        """Who it is."""
        return self.tenant.user_id

    @property
    def mode(self) -> KeyMode:
        """Whose keys pay."""
        return self.tenant.mode

    def model(
        self,
        name: str,
        *,
        strategy: str | Strategy[Any, Any] | None = None,
        subject: str | None = None,
        **params: Any,
    ) -> LuckyChatModel:
        """A handle on one model.

        Args:
            name: `openai#gpt-4o`, or `gpt-4o` from the user's list, or `tier:cheap`, or `user:ada:local_first`.
            strategy: How the members of a tier are asked; by default the first alone.
            subject: Whose id decides which variant of an experiment it is; by default the user's.
            **params: What the model does: `temperature`, `max_tokens`, `timeout`, any keyword of the partner class.

        Raises:
            SelectionError: The name leads to no model that this user may use now.
        """
        wanted = {} if subject is None else {"subject": subject}
        handle = LuckyChatModel(model=name, strategy=strategy, wanted=wanted, tenant=self.tenant, **params)
        if tags := handle.line().choice.tags:
            handle.tags = [*tags, *(handle.tags or ())]
        return handle

    def experiment(
        self, name: str, *, variant: str | None = None, subject: str | None = None, **params: Any
    ) -> LuckyChatModel:
        """A handle on one of the user's own experiments; `user.model("user:ada:local_first")` by its short name.

        Args:
            name: As in the user's configuration.
            variant: Which of its variants, whoever asks: `user.model("user:ada:local_first@b")` by its short name.
            subject: Whose id decides which variant it is, such as the customer's; by default the user's.
            **params: As for `model`; they win over the experiment's.

        Raises:
            SelectionError: There is none of that name, or it asks for a model that the user may not use.
        """
        return self.model(str(ExperimentName(self.user_id, name, variant)), subject=subject, **params)

    def models(self, *names: str, strategy: str | Strategy[Any, Any] = "fallback", **params: Any) -> LuckyChatModel:
        """Several models behind one handle.

        Args:
            *names: In order of preference.
            strategy: `fallback`, `race`, `consensus`, `first`, or a function of your own.
            **params: As for `model`.
        """
        if not names:
            raise ConfigError("models() needs at least one name.", field="names")
        return LuckyChatModel(model=names[0], also=names[1:], strategy=strategy, tenant=self.tenant, **params)

    def tier(
        self,
        name: str | None = None,
        *,
        strategy: str | Strategy[Any, Any] | None = None,
        require: Iterable[str] = frozenset(),
        min_context: int = 0,
        **params: Any,
    ) -> LuckyChatModel:
        """A handle on the user's models in the order of a tier.

        Args:
            name: `cheap`, `fast`, `smart`, `balanced` or one of the configuration; by default its `default_tier`.
            strategy: How they are asked; by default as the configuration says, else the first alone.
            require: Capabilities a model must have: `{"tools", "vision"}`.
            min_context: Tokens that must fit.
            **params: As for `model`.

        Raises:
            EmptyTierError: Nobody is left; each is named with its reason.
        """
        wanted = {"require": frozenset(require), "min_context": min_context}
        tier = name or self.tenant.house.default_tier
        if tier is None:
            raise ConfigError("tier() needs a name: the configuration has no default_tier.", field="default_tier")
        return LuckyChatModel(model=f"tier:{tier}", strategy=strategy, wanted=wanted, tenant=self.tenant, **params)

    def resolve(self, name: str, **params: Any) -> BaseChatModel:
        """The partner model itself, for code that asks `isinstance`. It is unmetered: no strategy, ledger or budget."""
        line = self.tenant.line(name, self.tenant.choose([name]), "first", params)
        return self.tenant.house.pool.partner(line.candidates[0])

    def get_catalog(self) -> list[ModelEntry]:
        """Everything known of every model of the user's list that can be used now."""
        return self.tenant.usable_entries()

    def explain(
        self, name: str, *, strategy: str | Strategy[Any, Any] | None = None, subject: str | None = None
    ) -> Explanation:
        """Who would be asked for a name, in which order and at whose cost, and why others would not."""
        line = self.tenant.line(name, self.tenant.choose([name], subject=subject), strategy, {})
        return explain_line(line, self.tenant.house.meter, self.user_id)

    def problems(self) -> list[Problem]:
        """The lines of the user's list that cannot be used now, each with its reason."""
        return self.tenant.view.problems()

    def __repr__(self) -> str:
        return f"<UserModels {self.user_id!r}: {self.mode}, {len(self.tenant.allowed)} lines>"
