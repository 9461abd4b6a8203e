"""Where users of the package begin: `create_llm_registry`, `LLMRegistry`, `UserModels`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.asking.meter import meter_of
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.errors.base import (
    ConfigError,
    UnboundHandleError,
    did_you_mean,
    nearest_names,
)
from langchain_lucky_models.keys import MASK, FallbackKeys, KeyMode
from langchain_lucky_models.settings import ProviderSettings, RegistryConfig, Source, TierConfig, UserConfig
from langchain_lucky_models.settings.reading import members
from langchain_lucky_models.strategies import Strategy
from langchain_lucky_models.users.access import Problem
from langchain_lucky_models.users.explain import Explanation, explain_line
from langchain_lucky_models.users.house import House
from langchain_lucky_models.users.newcomers import Belongings, Endpoints, Keys
from langchain_lucky_models.users.tenants import Tenant
from langchain_lucky_models.users.vitals import CHECKUP_SECONDS, ProviderHealth, Vitals


class LLMRegistry:
    """An application's models: its providers, house keys, tiers and catalog. One a process.

    Made by `create_llm_registry`. Close it, or use it as a context manager, to close its connections.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._vitals = Vitals(house)
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
        self._house.configure_user(user_id, read)
        return read

    def load_user_configs(self, folder: str | Path) -> list[Problem]:
        """Read the experiments of every user who has a file in a folder, named by the user's id.

        Returns:
            The files that cannot be used, each with the reason; the others are.

        Raises:
            ConfigError: It is no folder.
        """
        problems = []
        for user_id in members(Path(folder)):
            try:
                self.load_user_config(user_id, folder)
            except ConfigError as error:
                problems.append(Problem(user_id, error))
        return problems

    def rebind(self, handle: LuckyChatModel) -> LuckyChatModel:
        """Give an unpickled handle back to its user, who must be known here by `for_user`.

        Raises:
            UnboundHandleError: No user of that id is in use here.
        """
        user = self._users.get(handle.user_id)
        if user is None:
            raise UnboundHandleError(
                f"no user {handle.user_id!r} is in use here; call for_user(user_id={handle.user_id!r}, …) first."
            )
        handle.move_to(user.tenant)
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

    def health(self) -> dict[str, ProviderHealth]:
        """How every provider does that has a key here, was set up, or was asked lately; nobody is asked for it."""
        return self._vitals.read()

    def check_health(
        self, providers: Iterable[str] | None = None, *, within: float = CHECKUP_SECONDS
    ) -> dict[str, ProviderHealth]:
        """Ask providers for their lists of models, all at once; what they say counts for `health` and for calls.

        A provider that is down makes its row say so, and nothing else.

        Args:
            providers: Whom to ask; by default every provider that has a key here or was set up.
            within: Seconds that each of them has.

        Raises:
            ConfigError: There is no provider of that name.
        """
        return self._vitals.check(providers, within)

    async def acheck_health(
        self, providers: Iterable[str] | None = None, *, within: float = CHECKUP_SECONDS
    ) -> dict[str, ProviderHealth]:
        """Same as `check_health`, without blocking the event loop."""
        return await self._vitals.acheck(providers, within)

    def close(self) -> None:
        """Close every connection."""
        self._house.meter.close()
        self._house.pool.clear()
        self._house.wire.close()

    async def aclose(self) -> None:
        """Same as `close`."""
        await self._house.meter.aclose()
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


class UserModels:
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

    def model(self, name: str, *, strategy: str | Strategy[Any, Any] | None = None, **params: Any) -> LuckyChatModel:
        """A handle on one model.

        Args:
            name: `openai#gpt-4o`, or `gpt-4o` from the user's list, or `tier:cheap`, or `user:ada:local_first`.
            strategy: How the members of a tier are asked; by default the first alone.
            **params: What the model does: `temperature`, `max_tokens`, `timeout`, any keyword of the partner class.

        Raises:
            SelectionError: The name leads to no model that this user may use now.
        """
        if tags := self.tenant.tags(name):
            params["tags"] = [*tags, *(params.get("tags") or ())]
        return LuckyChatModel(model=name, strategy=strategy, tenant=self.tenant, **params)

    def experiment(self, name: str, **params: Any) -> LuckyChatModel:
        """A handle on one of the user's own experiments; `user.model("user:ada:local_first")` by its short name.

        Args:
            name: As in the user's configuration.
            **params: As for `model`; they win over the experiment's.

        Raises:
            SelectionError: There is none of that name, or it asks for a model that the user may not use.
        """
        return self.model(f"user:{self.user_id}:{name}", **params)

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

    def explain(self, name: str, *, strategy: str | Strategy[Any, Any] | None = None) -> Explanation:
        """Who would be asked for a name, in which order and at whose cost, and why others would not."""
        line = self.tenant.line(name, self.tenant.choose([name]), strategy, {})
        return explain_line(line, self.tenant.house.meter)

    def problems(self) -> list[Problem]:
        """The lines of the user's list that cannot be used now, each with its reason."""
        return self.tenant.view.problems()

    def __repr__(self) -> str:
        return f"<UserModels {self.user_id!r}: {self.mode}, {len(self.tenant.allowed)} lines>"


def create_llm_registry(  # noqa: PLR0913 - each is a setting of its own, by name
    config: RegistryConfig | Mapping[str, Any] | str | Path | None = None,
    *,
    fallback_keys: FallbackKeys | Keys | None = None,
    providers: Mapping[str, ProviderSettings | Mapping[str, Any]] | None = None,
    tiers: Mapping[str, TierConfig | Mapping[str, Any]] | None = None,
    default_tier: str | None = None,
    catalog: Catalog | None = None,
    shared_state: str | None = None,
    when_all_rest: Literal["fail", "probe"] | None = None,
) -> LLMRegistry:
    """Make a registry: once, at start-up. Nobody is asked and no key is validated.

    Args:
        config: The path of a YAML or JSON file, or what could stand in one. What is given beside it wins.
        fallback_keys: The house's keys by provider: strings, `SecretStr` or functions.
        providers: Settings by provider; `{"mybox": {"kind": "openai_compatible", "base_url": …}}` adds one.
        tiers: Tiers of your own: `{"fast": {"strategy": "race", "models": […]}}`.
        default_tier: What `user.tier()` means.
        catalog: What models exist, instead of the packaged catalog.
        shared_state: `redis://host:port/db`, through which registries of many processes hear who rests.
        when_all_rest: Where every member of a call rests: `fail` at once, or `probe` whoever may be asked soonest;
            by default it fails.

    Raises:
        ConfigError: A setting cannot be used; the message names it, and where it stands in the file.
    """
    source = Source.of_operator(config)
    settings = source.settings(RegistryConfig).but(
        providers=providers,
        tiers=tiers,
        default_tier=default_tier,
        shared_state=shared_state,
        when_all_rest=when_all_rest,
    )
    keys = fallback_keys if isinstance(fallback_keys, FallbackKeys) else FallbackKeys(fallback_keys)
    with source.explained():
        house = House(
            settings=settings.providers,
            keys=keys,
            tiers=settings.tiers,
            default_tier=settings.default_tier,
            catalog=catalog or Catalog.packaged(),
            meter=meter_of(settings.shared_state, settings.when_all_rest),
        )
    return LLMRegistry(house)
