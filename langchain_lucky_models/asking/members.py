"""From a candidate (a ref, and who pays) to the partner model that is asked: built at first use, kept in an LRU."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Container, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from cachetools import LRUCache
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.health import Scope, scopes_of
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.providers.family import Family, MemberSpec, origin_of
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.wire import Ticket, Wire

MOST_TEMPLATES = 512
MOST_MEMBERS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Somebody who may be asked: which model, at whose cost, with which parameters. Nothing is built yet.

    Attributes:
        ref: The model.
        entry: What the catalog knows about it.
        family: How its kind of server is spoken to.
        credential: Who pays, and where the key may go.
        base_url: The address, where the registry or the user sets one.
        params: What the caller gave, sorted by name.
        max_concurrency: Calls at once that the provider may be sent.
        timeout: Seconds a call may take where the caller says nothing, as the provider's settings have it.
        endpoint: The server as health sees it; a user's own server is another one than the house's of that name.
    """

    ref: ModelRef
    entry: ModelEntry | None
    family: Family
    credential: Credential
    base_url: str | None = None
    params: tuple[tuple[str, object], ...] = ()
    max_concurrency: int | None = None
    timeout: float | None = None
    endpoint: str = ""
    shape: Hashable = field(init=False, repr=False)
    scopes: tuple[Scope, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", self.endpoint or self.ref.provider)
        object.__setattr__(self, "scopes", scopes_of(self.endpoint, self.ref.model, self.credential.owner))
        object.__setattr__(self, "shape", (self.ref, self.family.kind, self.base_url, frozen(self.params)))


@dataclass(frozen=True, eq=False)
class Member:
    """A candidate and the partner model that speaks for it."""

    candidate: Candidate
    partner: BaseChatModel

    @cached_property
    def traced(self) -> LangSmithParams:
        """What tracers are told of a plain call; not to be changed."""
        return self.partner._get_ls_params()


class MemberPool:
    """Every member in use: templates shared by all payers, and a cheap copy for each payer.

    Args:
        wire: The connections they share.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = threading.RLock()
        self._templates: LRUCache[Hashable, BaseChatModel] = LRUCache(MOST_TEMPLATES)
        self._members: LRUCache[Hashable, Member] = LRUCache(MOST_MEMBERS)

    def member(self, candidate: Candidate) -> Member:
        """The member that speaks for a candidate, built now if it is not there yet."""
        # A server that we start ourselves may have moved since, after a fork or a restart.
        address = candidate.family.address(candidate.ref.model, candidate.base_url)
        # The member holds its candidate and so the credential: the identity cannot be given to another one meanwhile.
        key = (candidate.shape, address, id(candidate.credential))
        with self._lock:
            member = self._members.get(key)
            if member is None:
                member = self._members[key] = Member(candidate, self._built(candidate, address))
        return member

    async def amember(self, candidate: Candidate) -> Member:
        """Same as `member`; where building takes long, the event loop is not held up."""
        if candidate.family.slow_start:
            return await asyncio.to_thread(self.member, candidate)
        return self.member(candidate)

    def partner(self, candidate: Candidate) -> BaseChatModel:
        """A partner model of its own for a candidate, not shared with anybody."""
        return self._built(candidate, candidate.family.address(candidate.ref.model, candidate.base_url))

    def _built(self, candidate: Candidate, address: str) -> BaseChatModel:
        template = self._template(candidate, address)
        ticket = self._wire.issue(_bound(candidate.credential, address))
        partner = candidate.family.member(template, ticket.text)
        _keep(partner, ticket)
        return partner

    def forget(self, endpoints: Container[str]) -> None:
        """Forget the members of some endpoints; those in use live on until their calls end."""
        with self._lock:
            for key, member in list(self._members.items()):
                if member.candidate.endpoint in endpoints:
                    del self._members[key]

    def clear(self) -> None:
        """Forget every member; those in use live on until their calls end."""
        with self._lock:
            self._members.clear()
            self._templates.clear()

    def _template(self, candidate: Candidate, address: str) -> BaseChatModel:
        key = (candidate.shape, address)
        with self._lock:
            template = self._templates.get(key)
            if template is None:
                spec = MemberSpec(
                    candidate.ref.provider,
                    candidate.family.kind,
                    candidate.ref.model,
                    address,
                    candidate.params,
                    candidate.entry,
                )
                template = self._templates[key] = candidate.family.template(spec, self._wire)
        return template


def frozen(value: object) -> Hashable:
    """A hashable stand-in for a parameter: equal values give equal stand-ins."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), frozen(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, set | frozenset):
        return frozenset(frozen(item) for item in value)
    # 1, 1.0 and True are equal keys but unlike parameters.
    return (type(value).__name__, value if isinstance(value, Hashable) else id(value))


def _bound(credential: Credential, address: str) -> Credential:
    """A server that we start ourselves has its address only now."""
    return credential if credential.origins else replace(credential, origins=frozenset({origin_of(address)}))


def _keep(partner: BaseChatModel, ticket: Ticket) -> None:
    # The wire forgets a ticket that nobody holds; copies of the partner hold it too.
    partner.__dict__["_lucky_ticket"] = ticket
