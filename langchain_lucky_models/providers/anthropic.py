"""Anthropic, through `ChatAnthropic`."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from langchain_lucky_models import extras
from langchain_lucky_models.providers.copies import PLACEHOLDER, copied, paying_with, without_environment
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.providers.keywords import construct, keywords_for
from langchain_lucky_models.providers.listing import Listing
from langchain_lucky_models.wire import Wire

SDK_PATH = "/v1"
"""Part of the address that other SDKs want, but that Anthropic's adds by itself."""
CLIENTS = ("_client", "_async_client")
"""Where `ChatAnthropic` memoises its SDK clients; it takes none from outside."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `ChatAnthropic` with SDK clients on the wire's connections."""
    partner = extras.require("langchain_anthropic", extra="anthropic")
    sdk = extras.require("anthropic", extra="anthropic")
    requests = extras.require("anthropic.resources.messages", extra="anthropic")
    template: Any = construct(
        partner.ChatAnthropic,
        {
            "output_version": None,
            **_output_limit(spec),
            **keywords_for(partner.ChatAnthropic, spec.params, request=requests.Messages.create),
            "model": spec.model,
            "base_url": spec.base_url.rstrip("/").removesuffix(SDK_PATH),
            "api_key": PLACEHOLDER,
            "anthropic_proxy": None,
            "max_retries": 0,
            "stream_usage": True,
            "cache": False,
        },
    )
    settings = template._client_params  # noqa: SLF001 - what the partner would give its own clients
    headers = settings["default_headers"]
    clients = (
        sdk.Anthropic(**settings, http_client=wire.client("httpx2")),
        sdk.AsyncAnthropic(**settings, http_client=wire.async_client("httpx2")),
    )
    for name, client in zip(CLIENTS, clients, strict=True):
        template.__dict__[name] = without_environment(client, headers)
    return template  # type: ignore[no-any-return]


def repay(template: BaseChatModel, ticket: str) -> BaseChatModel:
    """A copy that pays with the ticket."""
    member = copied(template, {"anthropic_api_key": SecretStr(ticket)})
    for name in CLIENTS:
        member.__dict__[name] = paying_with(template.__dict__[name], ticket)
    return member


def _output_limit(spec: MemberSpec) -> dict[str, int]:
    """Anthropic demands a limit; the partner knows it for its own models, the catalog for those that came later."""
    profiles = extras.require("langchain_anthropic.data._profiles", extra="anthropic")
    most = spec.entry.limits.output if spec.entry else None
    return {} if most is None or spec.model in profiles._PROFILES else {"max_tokens": most}  # noqa: SLF001


ANTHROPIC = Family(
    kind="anthropic",
    package="langchain_anthropic",
    extra="anthropic",
    build=build,
    repay=repay,
    base_url="https://api.anthropic.com",
    key_env="ANTHROPIC_API_KEY",
    listing=Listing(f"{SDK_PATH}/models", "x-api-key", (("anthropic-version", "2023-06-01"),)),
)
