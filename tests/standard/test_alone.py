"""LangChain's unit suite passes for a handle that no registry made: with a key of its own, or the environment's."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_lucky_models import LuckyChatModel


class TestAlone(ChatModelUnitTests):
    """Made as in a notebook."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LuckyChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "openai#gpt-4o", "api_key": "sk-of-a-notebook-0001"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return (
            {"OPENAI_API_KEY": "sk-of-the-environment"},
            {"model": "openai#gpt-4o"},
            {"model_name": "gpt-4o"},
        )
