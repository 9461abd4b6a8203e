"""What an application has in common for all its users: providers, house keys, tiers, catalog, connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from langchain_lucky_models.asking.members import MemberPool
from langchain_lucky_models.asking.meter import Backstage, Meter
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.events import Events
from langchain_lucky_models.health import HealthBoard
from langchain_lucky_models.health.telling import tell_health
from langchain_lucky_models.keys import Credential, Secret, origin_of
from langchain_lucky_models.meter import Accounts
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS, FAMILIES, family_of
from langchain_lucky_models.settings import ProviderSettings, RolloutConfig, TierConfig, UserConfig
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
        origin = origin_of(self.base_url, where=f"providers.{self.name}.base_url") if self.base_url else None
        own = owner == HOUSE or self.brought
        return Credential(
            provider=self.name,
            owner=owner,
            secret=secret,
            origins=frozenset({origin} if origin else ()),
            headers=self.settings.secret_headers(self.name) if own else {},
            public_only=self.brought and not self.settings.allow_private,
        )


class House:
    """One registry's insides; `registry.py` shows them to users.

    Args:
        settings: Providers as the operator set them.
        keys: The house's keys by provider.
        tiers: The operator's own tiers.
        default_tier: What `user.tier()` means.
        catalog: What models exist.
        meter: What stands before and behind every attempt.
    """

    providers: Mapping[str, Provider] = MappingProxyType({})
    rollout: Mapping[str, RolloutConfig] = MappingProxyType({})

    def __init__(
        self,
        *,
        settings: Mapping[str, ProviderSettings],
        keys: Mapping[str, Secret],
        tiers: Mapping[str, TierConfig],
        default_tier: str | None,
        catalog: Catalog,
        meter: Meter | None = None,
    ) -> None:
        unknown = sorted(set(keys) - set(DEFAULT_PROVIDERS) - set(settings))
        if unknown:
            near = did_you_mean(nearest_names(unknown[0], [*DEFAULT_PROVIDERS, *settings]))
            raise ConfigError(f"fallback_keys: there is no provider {unknown[0]!r}.{near}", field="fallback_keys")
        self.events = Events()
        self.catalog = catalog
        self.tiers = MappingProxyType(dict(tiers))
        self.default_tier = default_tier
        self.user_configs: Mapping[str, UserConfig] = MappingProxyType({})
        self.wire = Wire()
        self.pool = MemberPool(self.wire)
        self.meter = meter or Meter(HealthBoard())
        self.accounts.events = self.events
        self.backstage = Backstage(self.pool, self.meter)
        catalog.tell(self.events)
        tell_health(self.meter.health, self.events)
        self.providers = MappingProxyType(
            {
                name: Provider.of(name, row, keys.get(name) or row.house_secret(name))
                for name in [*DEFAULT_PROVIDERS, *(name for name in settings if name not in DEFAULT_PROVIDERS)]
                for row in [settings.get(name) or ProviderSettings()]
            }
        )

    @property
    def accounts(self) -> Accounts:
        """What every attempt is charged to: ledger, budgets, limits."""
        return self.meter.accounts

    def configure_user(self, user_id: str, config: UserConfig) -> None:
        """Put a user's configuration in the place of the last; the calls under way keep theirs."""
        self.user_configs = MappingProxyType({**self.user_configs, user_id: config})

    def allows_private(self, provider: Provider) -> bool:
        """Whether the operator lets a user's own provider of that name or kind lie in private address space."""
        rows = [self.providers.get(provider.name), self.providers.get(provider.family.kind)]
        return any(row is not None and row.settings.allow_private for row in rows)

    def __repr__(self) -> str:
        keyed = sorted(name for name, provider in self.providers.items() if provider.secret)
        return f"<House: {len(self.providers)} providers, keys for {', '.join(keyed) or 'none'}>"
