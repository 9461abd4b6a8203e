"""`LLMRegistry`: an application's providers, house keys, tiers and catalog, and its users."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.errors.base import (
    ConfigError,
    did_you_mean,
    nearest_names,
)
from langchain_lucky_models.keys import MASK, KeyMode
from langchain_lucky_models.registry.accounting import Accounting
from langchain_lucky_models.registry.bookkeeping import Bookkeeping
from langchain_lucky_models.registry.comparing import Comparing
from langchain_lucky_models.registry.health import Checks
from langchain_lucky_models.registry.managing import Managing
from langchain_lucky_models.registry.reloading import Reloading
from langchain_lucky_models.registry.rollouts import Rolls
from langchain_lucky_models.registry.telling import Telling
from langchain_lucky_models.registry.user_models import UserModels
from langchain_lucky_models.reloading import Reloader
from langchain_lucky_models.rollout import Rollouts
from langchain_lucky_models.settings import Source, UserConfig
from langchain_lucky_models.settings.reading import read_members
from langchain_lucky_models.users.access import Problem
from langchain_lucky_models.users.house import House
from langchain_lucky_models.users.newcomers import Belongings, Endpoints, Keys
from langchain_lucky_models.users.vitals import Vitals


class LLMRegistry(Accounting, Bookkeeping, Checks, Comparing, Managing, Reloading, Rolls, Telling):
    """An application's models: its providers, house keys, tiers and catalog. One a process.

    Made by `create_llm_registry`. Close it, or use it as a context manager, to close its connections.
    """

    def __init__(self, house: House, reloader: Reloader) -> None:
        self._house = house
        self._reloader = reloader
        self._vitals = Vitals(house)
        self._rollouts = Rollouts(house)
        self._users: weakref.WeakValueDictionary[str, UserModels] = weakref.WeakValueDictionary()

    @property
    def catalog(self) -> Catalog:
        """What models exist; what is registered here is this registry's alone."""
        return self._house.catalog

    def for_user(
        self,
        *,
        mode: KeyMode,
        user_id: str,
        models: Sequence[str],
        api_keys: Keys | None = None,
        endpoints: Endpoints | None = None,
    ) -> UserModels:
        """One user's view of the registry. Nothing is built and nobody is asked.

        Args:
            mode: `byok`: only the user's own keys pay. `shared`: the registry's do.
            user_id: Who it is; names usage records and keeps caches apart.
            models: The refs the user may use, in order; `openai#*` and `*` are wildcards.
            api_keys: A byok user's keys by provider.
            endpoints: A byok user's own servers.

        Raises:
            ConfigError: The mode, the id, a line of the list or a key cannot be used.
            MissingKeysError: byok without keys.
        """
        bringing = Belongings.of(self._house, mode, api_keys, endpoints)
        user = UserModels(bringing.tenant(self._house, mode, user_id, models))
        self._users[user_id] = user
        return user

    def load_user_config(self, user_id: str, config: UserConfig | Mapping[str, Any] | str | Path) -> UserConfig:
        """Read a user's experiments, in the place of the last that were read; those stay where it fails.

        Args:
            user_id: Whose they are.
            config: The path of a YAML or JSON file, or of a folder in which the id names one; or the settings.

        Raises:
            ConfigError: Something in it cannot be used; the message says where it stands.
        """
        read = Source.of_user(config, user_id).settings(UserConfig)
        self._house.configure_users({user_id: read})
        self._keep()
        return read

    def load_user_configs(self, folder: str | Path) -> list[Problem]:
        """Read the experiments of every user who has a file in a folder, named by the user's id.

        Returns:
            The files that cannot be used, each with the reason; the others are.

        Raises:
            ConfigError: It is no folder.
        """
        problems = []
        for user_id, member in read_members(Path(folder)).items():
            try:
                self._house.configure_users({user_id: Source.of_member(member).settings(UserConfig)})
            except ConfigError as error:
                problems.append(Problem(user_id, error))
        self._keep()
        return problems

    def rebind(self, handle: LuckyChatModel) -> LuckyChatModel:
        """Give an unpickled handle back to its user, who must be known here by `for_user`.

        Raises:
            UnboundHandleError: No user of that id is in use here.
        """
        handle.move_to(self._user_in_use(handle.user_id).tenant)
        return handle

    def provider_config(self, name: str) -> Mapping[str, Any]:
        """How a provider is set up, its key masked.

        Raises:
            ConfigError: There is no such provider.
        """
        provider = self._house.providers.get(name)
        if provider is None:
            near = did_you_mean(nearest_names(name, self._house.providers))
            raise ConfigError(f"there is no provider {name!r}.{near}", field="providers")
        shown = provider.settings.model_dump()
        key = MASK if provider.secret is not None and provider.secret.there else None
        return {
            **shown,
            "kind": provider.family.kind,
            "base_url": provider.base_url,
            "api_key": key,
        }

    def close(self) -> None:
        """Close every connection, once subscribers have heard what has happened so far, or too much time has passed."""
        self._reloader.close()
        self._stop_keeping()
        self._rollouts.close()
        self._house.meter.close()
        self._house.events.close()
        self._house.pool.clear()
        self._house.wire.close()

    async def aclose(self) -> None:
        """Same as `close`."""
        await asyncio.to_thread(self._reloader.close)
        await asyncio.to_thread(self._stop_keeping)
        await asyncio.to_thread(self._rollouts.close)
        await self._house.meter.aclose()
        await self._house.events.aclose()
        self._house.pool.clear()
        await self._house.wire.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<LLMRegistry: {len(self.catalog)} models, {self._house!r}>"
