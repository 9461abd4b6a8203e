"""What every standard suite of a handle shares: one server, one user, one line of members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_lucky_models import LuckyChatModel, UserModels
from tests import homes
from tests.loopback import Provider


class Handle:
    """A handle on a loopback server of its own.

    Attributes:
        params: What the handle is made with, beside its user.
    """

    pytestmark: ClassVar[list[pytest.MarkDecorator]] = [
        pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),
        pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema"),
        pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    ]
    params: ClassVar[dict[str, Any]] = {"model": homes.OPENAI}
    user: ClassVar[UserModels]

    @classmethod
    def set_up(cls, server: Provider) -> None:
        """Make the server behave; by default it is healthy."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with Provider() as server, homes.user_on(server) as user:
            cls.set_up(server)
            cls.user = user
            yield

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LuckyChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # The unit suite gives a key of its own, which a registry's handle refuses: its registry has them.
        return {**self.params, "tenant": self.user.tenant, "api_key": None}


class Integration(Handle, ChatModelIntegrationTests):
    """The integration suite; media are left out, because their tests fetch them from the internet."""

    __test__ = False

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"  # looked up in the user's list, as every name is

    @property
    def supports_json_mode(self) -> bool:
        return True


class Unit(Handle, ChatModelUnitTests):
    """The unit suite."""

    __test__ = False
