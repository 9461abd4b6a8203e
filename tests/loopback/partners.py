"""The unmodified partner models, pointed at a loopback provider, and the way to close them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_anthropic import _client_utils as anthropic_clients
from langchain_core.language_models import BaseChatModel
from langchain_groq import ChatGroq
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models import _client_utils as openai_clients
from pydantic import SecretStr

from tests.loopback.server import Provider

KEY = "sk-alice-0123456789"


def own_clients() -> None:
    """Make the next model build clients of its own: partners share them between models, and one closes all."""
    for shared in (
        openai_clients._cached_sync_httpx_client,
        openai_clients._cached_async_httpx_client,
        anthropic_clients._get_default_httpx_client,
        anthropic_clients._get_default_async_httpx_client,
    ):
        shared.cache_clear()


def openai(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatOpenAI on chat completions."""
    settings: dict[str, Any] = {"model": "gpt-4o", "stream_usage": True, "max_retries": 0} | more
    own_clients()
    return ChatOpenAI(api_key=SecretStr(key), base_url=server.base_urls["openai"], **settings)


def responses(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatOpenAI on the Responses API."""
    return openai(server, key, use_responses_api=True, **more)


def openrouter(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatOpenAI pointed at OpenRouter's dialect."""
    settings: dict[str, Any] = {"model": "openai/gpt-4o", "stream_usage": True, "max_retries": 0} | more
    own_clients()
    return ChatOpenAI(api_key=SecretStr(key), base_url=server.base_urls["openrouter"], **settings)


def groq(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatGroq."""
    settings: dict[str, Any] = {"model": "openai/gpt-oss-20b", "max_retries": 0} | more
    return ChatGroq(api_key=SecretStr(key), base_url=server.base_urls["groq"], **settings)


def anthropic(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatAnthropic."""
    settings: dict[str, Any] = {"model_name": "claude-sonnet-5", "max_retries": 0, "timeout": 10, "stop": None} | more
    own_clients()
    return ChatAnthropic(api_key=SecretStr(key), base_url=server.base_urls["anthropic"], **settings)


def ollama(server: Provider, key: str = KEY, **more: Any) -> BaseChatModel:
    """ChatOllama; it takes a key only as a header."""
    headers = {"authorization": f"Bearer {key}"}
    timeout = {"timeout": more.pop("timeout")} if "timeout" in more else {}
    settings: dict[str, Any] = {"model": "llama3.2"} | more
    return ChatOllama(base_url=server.base_urls["ollama"], client_kwargs={"headers": headers, **timeout}, **settings)


Builder = Callable[..., BaseChatModel]
BUILDERS: tuple[Builder, ...] = (openai, responses, openrouter, groq, anthropic, ollama)

_CLIENTS = ("root_client", "root_async_client", "_client", "_async_client", "client", "async_client")


async def aclose(model: BaseChatModel) -> None:
    """Close the connections of a partner model: each keeps its clients under names of its own."""
    for name in _CLIENTS:
        client = _innermost(getattr(model, name, None))
        if hasattr(client, "aclose"):
            await client.aclose()
        elif hasattr(client, "close"):
            client.close()
    # Partners keep them by address, closed or not, and a later server may come to the same port.
    own_clients()


def _innermost(client: Any) -> Any:
    """The HTTP client inside an SDK's client, which may be inside a resource."""
    while (inner := getattr(client, "_client", None)) is not None:
        client = inner
    return client
