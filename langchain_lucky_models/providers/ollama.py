"""Ollama, through `ChatOllama`."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models import extras
from langchain_lucky_models.providers.copies import PLACEHOLDER, copied
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.providers.keywords import construct, keywords_for
from langchain_lucky_models.providers.listing import Listing
from langchain_lucky_models.wire import Wire

RENAMED = {"max_tokens": "num_predict"}
"""What every other family calls differently."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `ChatOllama` whose clients send through the wire."""
    partner = extras.require("langchain_ollama", extra="ollama")
    timeout = dict(spec.params).get("timeout")
    params = ((RENAMED.get(name, name), value) for name, value in spec.params if name != "timeout")
    common = {
        "headers": _authorization(PLACEHOLDER),
        "timeout": timeout,
        "follow_redirects": False,
        "trust_env": False,
    }
    return construct(
        partner.ChatOllama,
        {
            "output_version": None,
            **keywords_for(partner.ChatOllama, params),
            "model": spec.model,
            "base_url": spec.base_url.rstrip("/").removesuffix("/v1"),
            "client_kwargs": common,
            "sync_client_kwargs": {"transport": wire.transport("httpx")},
            "async_client_kwargs": {"transport": wire.async_transport("httpx")},
            "cache": False,
        },
    )


def repay(template: BaseChatModel, ticket: str) -> BaseChatModel:
    """A copy that pays with the ticket; Ollama's clients hold it in their headers, so they are made anew."""
    original: Any = template
    sdk = extras.require("ollama", extra="ollama")
    settings = {**original.client_kwargs, "headers": _authorization(ticket)}
    member: Any = copied(template, {})
    member._client = sdk.Client(  # noqa: SLF001 - where the partner keeps them
        host=original.base_url, cookies=_no_cookies(), **settings, **original.sync_client_kwargs
    )
    member._async_client = sdk.AsyncClient(  # noqa: SLF001
        host=original.base_url, cookies=_no_cookies(), **settings, **original.async_client_kwargs
    )
    return member  # type: ignore[no-any-return]


def _authorization(ticket: str) -> dict[str, str]:
    # Without one, the SDK would take OLLAMA_API_KEY from the environment.
    return {"Authorization": f"Bearer {ticket}"}


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


OLLAMA = Family(
    kind="ollama",
    package="langchain_ollama",
    extra="ollama",
    build=build,
    repay=repay,
    base_url="http://localhost:11434",
    needs_key=False,
    listing=Listing("/api/tags"),
    open_catalog=True,
    slow_start=True,
    bound_word=None,  # the partner takes it for the model alone
)
