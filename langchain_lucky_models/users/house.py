"""What an application has in common for all its users: providers, house keys, tiers, catalog, connections."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

from langchain_lucky_models.asking.members import MemberPool
from langchain_lucky_models.asking.meter import Backstage, Meter
from langchain_lucky_models.budgets.budget import Budget
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.events import Events
from langchain_lucky_models.health import HealthBoard
from langchain_lucky_models.health.telling import tell_health
from langchain_lucky_models.keys import Credential, Secret, origin_of
from langchain_lucky_models.meter import Accounts
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS, FAMILIES, family_of
from langchain_lucky_models.settings import (
    ProviderSettings,
    RegistryConfig,
    RolloutConfig,
    TierConfig,
    UserConfig,
)
from langchain_lucky_models.users.moves import Moves
from langchain_lucky_models.wire import Wire

HOUSE = "house"
"""The owner of the registry's own keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A provider as one registry, or one user, has set it up.

    Attributes:
        name: Its name in refs.
        family: How its kind of server is spoken to.
        settings: What was set.
        base_url: Where it answers; nothing for a server that is started at first use.
        secret: The key of whoever set it up.
        brought: Whether a user set it up.
    """

    name: str
    family: Family
    settings: ProviderSettings
    base_url: str | None
    secret: Secret | None
    brought: bool = False

    @classmethod
    def of(cls, name: str, settings: ProviderSettings, secret: Secret | None, *, brought: bool = False) -> Provider:
        """Fill settings up with what is known of a provider of that name.

        Raises:
            ConfigError: The kind is not known, or the address is none.
        """
        row = DEFAULT_PROVIDERS.get(name)
        kind = settings.kind or (row.kind if row else None)
        if kind is None:
            raise ConfigError(
                f"providers.{name} needs a kind.{did_you_mean(nearest_names(name, DEFAULT_PROVIDERS))}"
                f" Kinds: {', '.join(sorted(FAMILIES))}.",
                field=f"providers.{name}.kind",
            )
        family = family_of(kind)
        base_url = settings.base_url or (row.base_url if row else None) or family.base_url
        if base_url is not None:
            origin_of(base_url, where=f"providers.{name}.base_url")
        elif family.serve is None:
            raise ConfigError(
                f"providers.{name} needs a base_url, such as http://localhost:8000/v1.",
                field=f"providers.{name}.base_url",
            )
        return cls(name, family, settings, base_url, secret, brought)

    @property
    def needs_key(self) -> bool:
        """Whether it answers nobody without a key: its family never does, or its official service does not."""
        row = DEFAULT_PROVIDERS.get(self.name)
        official = row is not None and row.key_env is not None and self.settings.base_url is None
        return self.family.needs_key or official

    def in_private(self) -> Provider:
        """The same, where the operator lets it lie in private address space."""
        return replace(self, settings=self.settings.model_copy(update={"allow_private": True}))

    def credential(self, owner: str, secret: Secret | None) -> Credential:
        """Who pays for a call here, bound to the one origin it may go to."""
        origin = _origin(self)
        own = owner == HOUSE or self.brought
        return Credential(
            provider=self.name,
            owner=owner,
            secret=secret,
            origins=frozenset({origin} if origin else ()),
            headers=self.settings.secret_headers(self.name) if own else {},
            public_only=self.brought and not self.settings.allow_private,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What holds in a house at one moment. It is exchanged whole, so that nobody sees half of a change.

    Attributes:
        config: What the operator has set.
        providers: The providers that follow from it.
        user_configs: The experiments of users, by their ids.
        watched: The users whose experiments stand in files that are looked after.
    """

    config: RegistryConfig
    providers: Mapping[str, Provider]
    user_configs: Mapping[str, UserConfig]
    watched: frozenset[str] = frozenset()

    @property
    def told(self) -> dict[str, UserConfig]:
        """The experiments of users that stand in no such file: whoever keeps a registry's state keeps these."""
        return {user_id: config for user_id, config in self.user_configs.items() if user_id not in self.watched}

    @classmethod
    def of(cls, config: RegistryConfig, keys: Mapping[str, Secret], before: Setup | None = None) -> Setup:
        """The setup that follows from a configuration.

        Args:
            config: What the operator has set.
            keys: The house's keys by provider.
            before: What held so far; providers that are as they were stay the same objects.

        Raises:
            ConfigError: A key belongs to nobody, or a provider cannot be set up so.
        """
        names = dict.fromkeys([*DEFAULT_PROVIDERS, *config.providers])
        unknown = sorted(set(keys) - set(names))
        if unknown:
            near = did_you_mean(nearest_names(unknown[0], names))
            raise ConfigError(f"fallback_keys: there is no provider {unknown[0]!r}.{near}", field="fallback_keys")
        known = before.providers if before else {}
        providers = {}
        for name in names:
            settings = config.providers.get(name) or ProviderSettings()
            same = known.get(name)
            if same is None or same.settings != settings:
                same = Provider.of(name, settings, keys.get(name) or settings.house_secret(name))
            providers[name] = same
        if before is None:
            return cls(config, MappingProxyType(providers), MappingProxyType({}))
        return replace(before, config=config, providers=MappingProxyType(providers))

    def budgets_of(self, user_id: str) -> list[Budget]:
        """Those that a user has set for their own experiments."""
        config = self.user_configs.get(user_id)
        return config.budgets(user_id) if config is not None else []

    def budgets(self) -> tuple[Budget, ...]:
        """The operator's budgets, and those that users have set for their own experiments.

        Raises:
            ConfigError: An experiment has one, and no records are kept to count by.
        """
        own = [budget for user_id in self.user_configs for budget in self.budgets_of(user_id)]
        if own and not self.config.track.usage:
            raise ConfigError(f"{own[0].experiment} has a budget, and this registry keeps no records (track.usage).")
        return (*(row.budget() for row in self.config.budgets), *own)


class House:
    """One registry's insides; `registry/` shows them to users.

    Args:
        config: What the operator has set.
        keys: The house's keys by provider.
        catalog: What models exist.
        meter: What stands before and behind every attempt.
    """

    def __init__(
        self, config: RegistryConfig, *, keys: Mapping[str, Secret], catalog: Catalog, meter: Meter | None = None
    ) -> None:
        self.setup = Setup.of(config, keys)
        self._keys = keys
        self._refurnishing = threading.Lock()
        self._left: frozenset[str] = frozenset()  # origins that were asked once, and are no more
        self.events = Events()
        self.moves = Moves(self.events)
        self.catalog = catalog
        self.wire = Wire()
        self.pool = MemberPool(self.wire)
        self.meter = meter or Meter(HealthBoard())
        self.accounts.events = self.events
        self.backstage = Backstage(self.pool, self.meter)
        catalog.tell(self.events)
        tell_health(self.meter.health, self.events)

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers as of now."""
        return self.setup.providers

    @property
    def tiers(self) -> Mapping[str, TierConfig]:
        """The operator's own tiers as of now."""
        return self.setup.config.tiers

    @property
    def default_tier(self) -> str | None:
        """What `user.tier()` means as of now."""
        return self.setup.config.default_tier

    @property
    def rollout(self) -> Mapping[str, RolloutConfig]:
        """The features on their way from an old path to a new one, as of now."""
        return self.setup.config.rollout

    @property
    def accounts(self) -> Accounts:
        """What every attempt is charged to: ledger, budgets, limits."""
        return self.meter.accounts

    def refurnish(self, config: RegistryConfig) -> None:
        """Let another configuration hold from now on; the calls under way keep theirs.

        What the ledger is, and through what processes share their state, stays as it is.

        Raises:
            ConfigError: It cannot be used; then everything stays as it was.
        """
        with self._refurnishing:
            before = self.setup
            after = Setup.of(config, self._keys, before)
            self.accounts.change(
                budgets=self._other_budgets(after),
                limits=[row.limit() for row in config.limits] if config.limits != before.config.limits else None,
            )
            self.accounts.on_ledger_failure = config.on_ledger_failure
            self.accounts.wait = config.limit_wait
            self.accounts.catalog_limits = config.catalog_limits
            self.meter.probe_when_all_rest = config.when_all_rest == "probe"
            self.setup = after
            self._let_go(before, after)

    def configure_users(self, configs: Mapping[str, UserConfig | None], *, watched: bool = False) -> None:
        """Put users' configurations in the place of their last ones, all at once; the calls under way keep theirs.

        Args:
            configs: By the users' ids; nothing takes one away.
            watched: Whether they stand in files that are looked after.
        """
        with self._refurnishing:
            merged = {**self.setup.user_configs, **configs}
            kept = {user_id: config for user_id, config in merged.items() if config is not None}
            known = self.setup.watched
            after = replace(
                self.setup,
                user_configs=MappingProxyType(kept),
                watched=(known | set(configs) if watched else known - set(configs)) & set(kept),
            )
            if any(setup.budgets_of(user_id) for setup in (self.setup, after) for user_id in configs):
                # Of ten thousand users that are configured one by one, hardly any has a budget.
                self.accounts.change(budgets=self._other_budgets(after))
            self.setup = after

    def _other_budgets(self, setup: Setup) -> tuple[Budget, ...] | None:
        """The budgets of a setup, unless they are those that are kept already."""
        budgets = setup.budgets()
        return None if budgets == self.accounts.budgets.budgets else budgets

    def _let_go(self, before: Setup, after: Setup) -> None:
        """Keep no members of providers that are no longer set up so, nor connections once their calls have ended."""
        staying = set(map(id, after.providers.values()))
        gone = [provider for provider in before.providers.values() if id(provider) not in staying]
        if gone:
            self.pool.forget({provider.name for provider in gone})
        left = (self._left | _origins(gone)) - _origins(after.providers.values())
        if gone or left != self._left:
            self._left = left
            self.wire.shun(left)

    def allows_private(self, provider: Provider) -> bool:
        """Whether the operator lets a user's own provider of that name or kind lie in private address space."""
        rows = [self.providers.get(provider.name), self.providers.get(provider.family.kind)]
        return any(row is not None and row.settings.allow_private for row in rows)

    def __repr__(self) -> str:
        # A traceback may show a house whose configuration was refused.
        providers = self.setup.providers if hasattr(self, "setup") else {}
        keyed = sorted(name for name, provider in providers.items() if provider.secret)
        return f"<House: {len(providers)} providers, keys for {', '.join(keyed) or 'none'}>"


class Resident:
    """Somebody in a house: as it is now, or as it was when they settled.

    Args:
        house: Whose.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self._settled: tuple[Setup, Catalog] | None = None

    @property
    def setup(self) -> Setup:
        """What holds for them."""
        return self._settled[0] if self._settled else self.house.setup

    @property
    def catalog(self) -> Catalog:
        """What models exist for them."""
        return self._settled[1] if self._settled else self.house.catalog

    def settled(self) -> Self:
        """The same, for whom everything stays as it is now, whatever is reloaded meanwhile."""
        twin = copy.copy(self)
        twin._settled = (self.house.setup, self.house.catalog.still())  # noqa: SLF001 - our own
        return twin


def _origin(provider: Provider) -> str | None:
    return origin_of(provider.base_url, where=f"providers.{provider.name}.base_url") if provider.base_url else None


def _origins(providers: Iterable[Provider]) -> frozenset[str]:
    return frozenset(origin for origin in map(_origin, providers) if origin is not None)
