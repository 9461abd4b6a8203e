"""LangChain's own integration suite passes for unmodified partner models, so the loopback may judge our handles too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.loopback import Provider
from tests.loopback.partners import own_clients

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),
    pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema"),
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]


class Standard(ChatModelIntegrationTests):
    """What both suites share."""

    __test__ = False
    server: ClassVar[Provider]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with Provider() as server:
            own_clients()
            cls.server = server
            yield

    @property
    def model_override_value(self) -> str:
        return "another-model"


class TestChatOpenAI(Standard):
    """ChatOpenAI on chat completions."""

    __test__ = True

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "api_key": "sk-a", "base_url": self.server.base_urls["openai"], "stream_usage": True}

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestChatAnthropic(Standard):
    """ChatAnthropic on messages."""

    __test__ = True

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "claude-sonnet-5", "api_key": "sk-a", "base_url": self.server.url}
