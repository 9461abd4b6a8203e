"""`create_llm_registry`: from settings to a registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from langchain_lucky_models.asking.meter import meter_of
from langchain_lucky_models.budgets import Budget, UnknownPrice
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.keys import FallbackKeys
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.limits import Limit
from langchain_lucky_models.meter import OnLedgerFailure, accounts_of
from langchain_lucky_models.registry.llm_registry import LLMRegistry
from langchain_lucky_models.registry.reloading import reloader_of
from langchain_lucky_models.settings import Blueprint, ProviderSettings, RegistryConfig, RolloutConfig, TierConfig
from langchain_lucky_models.users.house import House
from langchain_lucky_models.users.newcomers import Keys


def create_llm_registry(  # noqa: PLR0913 - each is a setting of its own, by name
    config: RegistryConfig | Mapping[str, Any] | str | Path | None = None,
    *,
    fallback_keys: FallbackKeys | Keys | None = None,
    providers: Mapping[str, ProviderSettings | Mapping[str, Any]] | None = None,
    tiers: Mapping[str, TierConfig | Mapping[str, Any]] | None = None,
    default_tier: str | None = None,
    when_vanished: str | None = None,
    catalog: Catalog | None = None,
    shared_state: str | None = None,
    when_all_rest: Literal["fail", "probe"] | None = None,
    budgets: Sequence[Budget | Mapping[str, Any]] = (),
    limits: Sequence[Limit | Mapping[str, Any]] = (),
    ledger: str | Path | Mapping[str, Any] | Ledger | None = None,
    on_ledger_failure: OnLedgerFailure | None = None,
    unknown_price: UnknownPrice | str | float | None = None,
    limit_wait: float | None = None,
    catalog_limits: bool | None = None,
    rollout: Mapping[str, RolloutConfig | Mapping[str, Any]] | None = None,
    environment: Sequence[str] | None = None,
    watch: bool = False,
) -> LLMRegistry:
    """Make a registry: once, at start-up. Nobody is asked and no key is validated.

    Args:
        config: The path of a YAML or JSON file, or what could stand in one. What is given beside it wins.
        fallback_keys: The house's keys by provider: strings, `SecretStr` or functions.
        providers: Settings by provider; `{"mybox": {"kind": "openai_compatible", "base_url": …}}` adds one.
        tiers: Tiers of your own: `{"fast": {"strategy": "race", "models": […]}}`.
        default_tier: What `user.tier()` means.
        when_vanished: What is asked for in the place of a model that was retired or is gone, such as `tier:cheap`;
            by default nothing: an error names the replacement.
        catalog: What models exist, instead of the packaged catalog.
        shared_state: `redis://host:port/db`, through which registries of many processes hear who rests.
        when_all_rest: Where every member of a call rests: `fail` at once, or `probe` whoever may be asked soonest;
            by default it fails.
        budgets: What may be spent: `Budget` values, or mappings with their names.
        limits: How much may be asked: `Limit` values, or mappings with their names. Counted in `shared_state`, where
            there is one.
        ledger: Where records are kept: a path, `sqlite:///file.db`, `postgresql://…`, a `Ledger`; by default in memory.
        on_ledger_failure: Calls while the ledger is away: `refuse`, `allow`, or `by_payer`, which refuses where the
            house pays, and is the default.
        unknown_price: Calls without a known price, under a budget: `refuse`, `allow`, `by_payer`, or dollars to hold.
        limit_wait: Seconds a call waits for room under a limit at most; by default as long as its timeout lets it.
        catalog_limits: Whether the limits that providers publish are kept, for every key.
        rollout: Features on their way from an old path to a new one: `{"new-chat": {"percentage": 10}}`.
        environment: The environment variables that the file may name, such as `["MYBOX_URL", "LUCKY_*"]`; by default
            every one.
        watch: Whether the file of `config` is looked after: what changes in it holds from then on. See `registry.watch`
            for more.

    Raises:
        ConfigError: A setting cannot be used; the message names it, and where it stands in the file.
    """
    given = {name: value for name, value in locals().items() if name in RegistryConfig.model_fields and value != ()}
    over = {
        "providers": providers,
        "tiers": tiers,
        "default_tier": default_tier,
        "when_vanished": when_vanished,
        "shared_state": shared_state,
        "when_all_rest": when_all_rest,
        "budgets": budgets or None,
        "limits": limits or None,
        "ledger": ledger,
        "on_ledger_failure": on_ledger_failure,
        "unknown_price": unknown_price,
        "limit_wait": limit_wait,
        "catalog_limits": catalog_limits,
        "rollout": rollout,
    }
    return _registry_of(Blueprint(config, over, environment), fallback_keys, catalog or Catalog.packaged(), watch=watch)


def _registry_of(
    blueprint: Blueprint, given: FallbackKeys | Keys | None, catalog: Catalog, *, watch: bool
) -> LLMRegistry:
    if watch and blueprint.file is None:  # before anything is opened that nobody could close
        raise ConfigError("watch: there is no file to look after; give its path as config.", field="watch")
    keys = given if isinstance(given, FallbackKeys) else FallbackKeys(given)
    text = blueprint.text()
    source, settings = blueprint.read(text)
    source.warn_of_keys()
    with source.explained():
        accounts = accounts_of(**settings.accounts(), lent=isinstance(settings.ledger, Ledger))
        meter = meter_of(settings.shared_state, settings.when_all_rest, accounts)
        house = House(settings, keys=keys, catalog=catalog, meter=meter)
    registry = LLMRegistry(house, reloader_of(house, blueprint, text))
    if watch:
        registry.watch()
    return registry
