"""The user of a handle that was made without a registry: keys from the environment, or the one it was given."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.keys import KeySource, Secret
from langchain_lucky_models.providers.keywords import refuse_connection
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS
from langchain_lucky_models.refs import ModelRef, parse_name
from langchain_lucky_models.settings import RegistryConfig, environment_secret
from langchain_lucky_models.users.house import House
from langchain_lucky_models.users.tenants import Tenant

ALONE = "notebook"
"""What that user is called."""


def standalone_tenant(name: str, api_key: KeySource | None) -> Tenant:
    """The user of a handle made without a registry.

    Args:
        name: The model the handle is made for.
        api_key: Its own key; without one, keys come from the environment.
    """
    house = _environment_house()
    if api_key is None:
        return Tenant(house, mode="shared", user_id=ALONE, models=["*", *_itself(name)], own={}, endpoints={})
    ref = parse_name(name)
    provider = ref.provider if isinstance(ref, ModelRef) else _provider_of(house, name)
    own = {provider: Secret(api_key, field="api_key")}
    lines = [f"{provider}#*", *_itself(name)]
    return Tenant(house, mode="byok", user_id=ALONE, models=lines, own=own, endpoints={})


def with_key(tenant: Tenant, name: str, api_key: KeySource) -> Tenant:
    """The user of a handle that is given another key.

    Raises:
        ForbiddenParameterError: The handle is a registry's, whose keys are not a model's to choose.
    """
    if tenant.house is not _environment_house():
        refuse_connection({"api_key": api_key})
    return standalone_tenant(name, api_key)


@cache
def _environment_house() -> House:
    # Made once a process: its keys are read from the environment at each call, so nothing in it grows old.
    keys = {name: environment_secret(row.key_env) for name, row in DEFAULT_PROVIDERS.items() if row.key_env}
    return House(RegistryConfig(), keys=keys, catalog=Catalog.packaged())


def _itself(name: str) -> list[str]:
    """The model itself, so that servers with an open catalog may be named too."""
    return [name] if isinstance(parse_name(name), ModelRef) else []


def _provider_of(house: House, name: str) -> str:
    view = Tenant(house, mode="shared", user_id=ALONE, models=["*"], own={}, endpoints={}).view
    found = view.allowed.named(name, house.catalog)
    return found.provider if found else view.find(cast("Any", parse_name(name)))[0].provider
