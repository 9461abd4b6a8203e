"""A workshop that makes members of every family and points them at one loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.providers import MemberSpec, family_of, origin_of
from langchain_lucky_models.wire import Ticket, Wire
from tests.loopback import Provider

KINDS = (
    "openai",
    "groq",
    "openrouter",
    "anthropic",
    "requesty",
    "ollama",
    "vllm",
    "deepseek",
    "openai_compatible",
)
OPENAI_SHAPED = ("openai", "openrouter", "requesty", "vllm", "mistral", "deepseek", "openai_compatible")


@dataclass
class Workshop:
    """Makes members; keeps their tickets alive."""

    server: Provider
    wire: Wire
    tickets: list[Ticket] = field(default_factory=list)

    def spec(self, kind: str, entry: ModelEntry | None = None, model: str = "m-1", **params: object) -> MemberSpec:
        base_url = self.server.base_urls.get(kind, f"{self.server.url}/v1")
        return MemberSpec(kind, kind, model, base_url, tuple(sorted(params.items())), entry)

    def template(
        self, kind: str, entry: ModelEntry | None = None, model: str = "m-1", **params: object
    ) -> BaseChatModel:
        return family_of(kind).template(self.spec(kind, entry, model, **params), self.wire)

    def ticket(self, key: str = "sk-of-ada-0001") -> str:
        origins = frozenset({origin_of(self.server.url)})
        ticket = self.wire.issue(Credential("loopback", "house", Secret(key, field="api_key"), origins))
        self.tickets.append(ticket)
        return ticket.text

    def member(self, kind: str, *, key: str = "sk-of-ada-0001", model: str = "m-1", **params: object) -> BaseChatModel:
        template = family_of(kind).template(self.spec(kind, None, model, **params), self.wire)
        return family_of(kind).member(template, self.ticket(key))


@pytest.fixture
def workshop(provider: Provider) -> Iterator[Workshop]:
    """A workshop in front of a healthy server."""
    wire = Wire()
    yield Workshop(provider, wire)
    wire.close()
