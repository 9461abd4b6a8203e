"""Members that are made of `langchain_openai`, whichever server they speak to."""

from __future__ import annotations

import importlib
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from langchain_lucky_models import extras
from langchain_lucky_models.providers.copies import PLACEHOLDER, copied, paying_with, without_environment
from langchain_lucky_models.providers.family import MemberSpec
from langchain_lucky_models.providers.keywords import Params, construct, keywords_for
from langchain_lucky_models.wire import Wire

PACKAGE = "langchain_openai"
REQUESTS_MODULE = "langchain_lucky_models.providers.plain_requests"
"""Imported at first use, because it is made of the SDK's classes."""


def build(model: type[BaseChatModel], spec: MemberSpec, wire: Wire, params: Params, **fixed: Any) -> BaseChatModel:
    """A template of a class of the `BaseChatOpenAI` kind, on the wire's clients.

    Args:
        model: The partner class, or one of ours made of it.
        spec: What the member shall look like.
        wire: Whose clients it uses.
        params: The caller's keywords, as far as the class shall see them.
        **fixed: What the family decides beyond these.
    """
    # The SDK looks at httpx on every call once anybody loads it; half loaded by another thread, it would fail the call.
    importlib.import_module("httpx")
    requests = extras.require("openai.resources.chat.completions", extra="openai")
    template: Any = construct(
        model,
        {
            "output_version": None,
            "stream_chunk_timeout": None,  # the wire's own timers end a silent stream, in sync as well
            **keywords_for(model, params, request=requests.Completions.create),
            "model": spec.model,
            "base_url": spec.base_url,
            "api_key": PLACEHOLDER,
            "http_client": wire.client("httpx2"),
            "http_async_client": wire.async_client("httpx2"),
            "openai_proxy": None,
            "max_retries": 0,
            "stream_usage": True,
            "cache": False,
            **fixed,
        },
    )
    template.openai_organization = None
    headers = template.default_headers
    without_environment(template.root_client, headers)
    without_environment(template.root_async_client, headers)
    return template  # type: ignore[no-any-return]


def repay(template: BaseChatModel, ticket: str) -> BaseChatModel:
    """A copy of such a template that pays with the ticket."""
    original: Any = template
    requests = importlib.import_module(REQUESTS_MODULE)
    client = paying_with(original.root_client, ticket)
    async_client = paying_with(original.root_async_client, ticket)
    return copied(
        template,
        {
            "openai_api_key": SecretStr(ticket),
            "root_client": client,
            "client": requests.PlainCompletions(client),
            "root_async_client": async_client,
            "async_client": requests.AsyncPlainCompletions(async_client),
        },
    )
