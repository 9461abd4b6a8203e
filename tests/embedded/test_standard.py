"""LangChain's integration suite against a model that really thinks, as far as 135 million parameters can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_lucky_models import LuckyChatModel, UserModels, create_llm_registry, embedded
from langchain_lucky_models.catalog import ModelEntry
from langchain_lucky_models.embedded.disk import CACHE_VARIABLE
from langchain_lucky_models.errors import LocalModelError, ProtocolError

LOCAL = "local#smollm2-135m"


RUNS_ON = pytest.mark.xfail(raises=ProtocolError, reason="a model this small may write until its tokens are used up")
WITHOUT_TOOLS = pytest.mark.xfail(raises=AssertionError, reason="asked through a tool, which it does not call")
LACKS = {
    "test_structured_output": RUNS_ON,
    "test_structured_output_async": RUNS_ON,
    "test_structured_output_optional_param": RUNS_ON,
    "test_structured_output_pydantic_2_v1": WITHOUT_TOOLS,
}


class TestLocal(ChatModelIntegrationTests):
    """A handle of one member, whose provider is this process's own server."""

    pytestmark: ClassVar[list[pytest.MarkDecorator]] = [
        pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),
        pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema"),
        pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    ]
    user: ClassVar[UserModels]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _serve(cls, request: pytest.FixtureRequest) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch, create_llm_registry() as registry:
            try:
                kept: Path = request.getfixturevalue("kept_cache")
            except LocalModelError as missing:
                pytest.skip(f"the model cannot be had: {missing}")
            patch.setenv(CACHE_VARIABLE, str(kept))
            cls.user = registry.for_user(mode="shared", user_id="ada", models=[LOCAL])
            yield
            embedded.stop()

    @pytest.fixture(autouse=True)
    def _mark(self, request: pytest.FixtureRequest) -> None:
        if lack := LACKS.get(request.node.originalname):
            request.applymarker(lack)

    @property
    def entry(self) -> ModelEntry:
        """What the catalog says that it can do: no tools, for one."""
        return self.user.get_catalog()[0]

    @property
    def has_tool_calling(self) -> bool:
        return self.entry.capabilities.tools is True

    @property
    def has_structured_output(self) -> bool:
        return self.entry.capabilities.json_schema is True

    @property
    def supports_json_mode(self) -> bool:
        return self.entry.capabilities.json_mode is True

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LuckyChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": LOCAL, "tenant": self.user.tenant, "temperature": 0, "max_tokens": 64, "timeout": 240}

    @property
    def model_override_value(self) -> str:
        return "smollm2-135m"
