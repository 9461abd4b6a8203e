"""What a registry's operator does with users' models and experiments: ask them, and compare them."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, Unpack

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.comparison import (
    Comparison,
    ComparisonOptions,
    PromptLike,
    TargetsLike,
    acompare,
    compare,
    outline_of,
)
from langchain_lucky_models.comparison.targets import Pick
from langchain_lucky_models.errors.base import ConfigError, UnboundHandleError
from langchain_lucky_models.refs import ExperimentName, parse_name
from langchain_lucky_models.registry.user_models import UserModels


class Comparing:
    """The part of a registry that acts for its users. Keys and allowlists are always those of a user."""

    _users: weakref.WeakValueDictionary[str, UserModels]

    def experiment(self, name: str, *, subject: str | None = None, **params: Any) -> LuckyChatModel:
        """A handle on any user's experiment, for whoever operates the registry; its owner's keys pay.

        Args:
            name: `user:ada:local_first`, or one of its variants: `user:ada:local_first@b`.
            subject: Whose id decides which variant it is; by default its owner's.
            **params: As for `user.model`; they win over the experiment's.

        Raises:
            ConfigError: The name is not an experiment's.
            UnboundHandleError: Its owner is not in use here.
            SelectionError: There is no such experiment, or it asks for a model that its owner may not use.
        """
        parsed = parse_name(name)
        if not isinstance(parsed, ExperimentName):
            raise ConfigError(
                f"{name!r} is no experiment; write it as user:<user id>:<experiment>, or ask a user for it.",
                field="name",
            )
        return self._user_in_use(parsed.user_id).model(name, subject=subject, **params)

    def compare(
        self,
        prompts: Iterable[PromptLike],
        targets: TargetsLike,
        *,
        user: UserModels | str | None = None,
        **options: Unpack[ComparisonOptions],
    ) -> Comparison:
        """Ask several models, tiers or experiments the same prompts, and lay their answers side by side.

        Args:
            prompts: Texts, lists of messages, or `{"id": …, "prompt": …, "reference": …}`.
            targets: Names, or handles; by label, where you give a mapping.
            user: On whose behalf, or the id of somebody in use here. Experiments are their owners' anyway.
            **options: See `ComparisonOptions`: `judge`, `repeat`, `budget`, `resume`, …

        Raises:
            ConfigError: Something cannot be used; nobody was asked.
            SelectionError: A name leads to nobody whom its user may ask; nobody was asked.
        """
        return compare(outline_of(prompts, targets, self._pick_for(user), options))

    async def acompare(
        self,
        prompts: Iterable[PromptLike],
        targets: TargetsLike,
        *,
        user: UserModels | str | None = None,
        **options: Unpack[ComparisonOptions],
    ) -> Comparison:
        """Same as `compare`, without blocking the event loop."""
        return await acompare(outline_of(prompts, targets, self._pick_for(user), options))

    def _pick_for(self, user: UserModels | str | None) -> Pick:
        asking = self._user_in_use(user) if isinstance(user, str) else user

        def pick(name: str, **params: Any) -> LuckyChatModel:
            parsed = parse_name(name)
            if isinstance(parsed, ExperimentName) and not (asking and asking.user_id == parsed.user_id):
                return self.experiment(name, **params)
            if asking is None:
                raise ConfigError(
                    f"user= is missing: {name!r} is looked up in a user's list, and that user's keys pay.", field="user"
                )
            return asking.model(name, **params)

        return pick

    def _user_in_use(self, user_id: str) -> UserModels:
        user = self._users.get(user_id)
        if user is None:
            raise UnboundHandleError(
                f"no user {user_id!r} is in use here; call for_user(user_id={user_id!r}, …) first."
            )
        return user
