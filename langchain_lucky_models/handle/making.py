"""What a handle is made from: its settings to a line of members, and members to what the handle says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from langchain_core.callbacks import BaseRunManager
from langchain_core.language_models import BaseChatModel, ModelProfile

from langchain_lucky_models.asking.manners import Line
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.keys import KeySource, Secret
from langchain_lucky_models.providers.keywords import refuse_connection
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS
from langchain_lucky_models.refs import ModelRef, parse_name
from langchain_lucky_models.settings import RegistryConfig, environment_secret
from langchain_lucky_models.users.house import House
from langchain_lucky_models.users.tenants import Tenant

MIXED_TYPE = "lucky-chat"
"""The type of a handle whose members are of several types."""

FRAMEWORK_TAGS = ("seq:step:", "map:key:", "graph:step:", "langsmith:", "langgraph:", "branch:", "condition:")
"""How tags begin that LangChain and LangGraph put on runs themselves."""

ALONE = "notebook"
"""The user of a handle that was made without a registry."""


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


def line_of(
    tenant: Tenant, names: Sequence[str], wanted: Mapping[str, Any], strategy: Any, params: Mapping[str, Any]
) -> Line:
    """Everybody a handle asks.

    Args:
        tenant: The user.
        names: What the handle was asked for.
        wanted: `require` and `min_context` of a tier.
        strategy: How its members are asked.
        params: What they are given.

    Raises:
        LuckyError: A name leads nowhere, or a parameter is refused.
    """
    still = tenant.settled()
    return still.line(" | ".join(names), still.choose(names, **wanted), strategy, params)


def own_tags(handle: Sequence[str] | None, run: BaseRunManager | None, stream: Sequence[str]) -> list[str]:
    """The words that a call's records carry: the handle's and its run's, without the ones that frameworks add.

    Args:
        handle: The handle's own.
        run: The run of a whole answer.
        stream: The words of a stream's run.
    """
    words = (*(handle or ()), *(run.tags or () if run is not None else ()), *stream)
    return [word for word in words if not word.startswith(FRAMEWORK_TAGS)]


def same_for_all(values: Sequence[str], mixed: str = MIXED_TYPE) -> str:
    """The value they share, or the neutral one."""
    return values[0] if len(set(values)) == 1 else mixed


def shared_profile(partners: Sequence[BaseChatModel]) -> ModelProfile | None:
    """What every member can do: abilities all of them have, and the smallest of their limits."""
    profiles = [partner.profile or {} for partner in partners]
    if len(profiles) == 1:
        return partners[0].profile
    shared: dict[str, Any] = {}
    for key in set.intersection(*(set(profile) for profile in profiles)):
        values = [cast("dict[str, Any]", profile)[key] for profile in profiles]
        if all(isinstance(value, bool) for value in values):
            shared[key] = all(values)
        elif all(isinstance(value, int) for value in values):
            shared[key] = min(values)
        elif all(value == values[0] for value in values):
            shared[key] = values[0]
    return cast("ModelProfile", shared)


def payers(candidates: Sequence[Candidate]) -> str:
    """Who pays and for whom, as digests, so that a cache never gives one user's answer to another."""
    return "|".join(f"{candidate.ref}@{candidate.credential.fingerprint()}" for candidate in candidates)
