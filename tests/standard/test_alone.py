"""LangChain's own suites pass for a handle that no registry made: with a key of its own, or the environment's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_lucky_models import LuckyChatModel
from tests import homes
from tests.loopback import Provider
from tests.loopback.official import providers_on_loopback
from tests.standard.suite import Handle

KEY = "sk-of-a-notebook-0001"


class TestAlone(ChatModelUnitTests):
    """Made as in a notebook."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LuckyChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "openai#gpt-4o", "api_key": KEY}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return (
            {"OPENAI_API_KEY": "sk-of-the-environment"},
            {"model": "openai#gpt-4o"},
            {"model_name": "gpt-4o"},
        )


class TestAloneServed(ChatModelIntegrationTests):
    """With a key of its own, which goes to the provider's official address and nowhere else."""

    pytestmark: ClassVar[list[pytest.MarkDecorator]] = Handle.pytestmark
    server: ClassVar[Provider]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with providers_on_loopback() as cls.server:
            yield

    @pytest.fixture(autouse=True)
    def _look_at_keys(self) -> Iterator[None]:
        yield
        assert self.server.keys_seen() <= {KEY}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LuckyChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": homes.OPENAI, "api_key": KEY}

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def supports_json_mode(self) -> bool:
        return True
