"""What a handle is made from: its settings to a line of members, and members to what the handle says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import BaseRunManager
from langchain_core.language_models import BaseChatModel, ModelProfile

if TYPE_CHECKING:
    from langchain_lucky_models.asking.manners import Line
    from langchain_lucky_models.asking.members import Candidate
    from langchain_lucky_models.users.tenants import Tenant

MIXED_TYPE = "lucky-chat"
"""The type of a handle whose members are of several types."""

FRAMEWORK_TAGS = ("seq:step:", "map:key:", "graph:step:", "langsmith:", "langgraph:", "branch:", "condition:")
"""How tags begin that LangChain and LangGraph put on runs themselves."""


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
