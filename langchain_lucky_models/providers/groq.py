"""Groq, through `ChatGroq`."""

from __future__ import annotations

import importlib
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from langchain_lucky_models import extras
from langchain_lucky_models.providers.copies import PLACEHOLDER, copied, paying_with
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.providers.keywords import construct, keywords_for
from langchain_lucky_models.providers.listing import Listing
from langchain_lucky_models.wire import Wire

MODEL_MODULE = "langchain_lucky_models.providers.groq_model"
"""Imported at first use, because it is made of the partner class."""
SDK_PATH = "/openai/v1"
"""Part of the address that Groq prints everywhere, but that its SDK adds by itself."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `ChatGroq` that names the model which answered."""
    model = importlib.import_module(MODEL_MODULE).ServedChatGroq
    requests = extras.require("groq.resources.chat.completions", extra="groq")
    return construct(
        model,
        {
            "output_version": None,
            **keywords_for(model, spec.params, request=requests.Completions.create),
            "model": spec.model,
            "base_url": spec.base_url.rstrip("/").removesuffix(SDK_PATH),
            "api_key": PLACEHOLDER,
            "http_client": wire.client("httpx"),
            "http_async_client": wire.async_client("httpx"),
            "groq_proxy": None,
            "max_retries": 0,
            "cache": False,
        },
    )


def repay(template: BaseChatModel, ticket: str) -> BaseChatModel:
    """A copy that pays with the ticket."""
    original: Any = template
    return copied(
        template,
        {
            "groq_api_key": SecretStr(ticket),
            "client": paying_with(original.client._client, ticket).chat.completions,  # noqa: SLF001 - ChatGroq keeps no other way to its client
            "async_client": paying_with(original.async_client._client, ticket).chat.completions,  # noqa: SLF001
        },
    )


GROQ = Family(
    kind="groq",
    package="langchain_groq",
    extra="groq",
    build=build,
    repay=repay,
    base_url="https://api.groq.com",
    key_env="GROQ_API_KEY",
    listing=Listing(f"{SDK_PATH}/models"),
)
