"""What a handle says of itself: a handle of one member says what the member says, one of several what holds for all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from pydantic import Field

from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.extras import Later
from langchain_lucky_models.handle.choosing import RUN_TAGS
from langchain_lucky_models.handle.making import payers, same_for_all, shared_profile

if TYPE_CHECKING:
    from langchain_lucky_models.asking import manners, members
else:
    manners = Later("langchain_lucky_models.asking.manners")
    members = Later("langchain_lucky_models.asking.members")

PARTNER_WORDS = ("temperature", "max_tokens", "stop")
"""Fields that members get as their own parameters."""
FETCHES = frozenset({"allow_fetching_images"})
"""By these, partners would fetch what a message points at, past the wire, only to count it."""


class Portrait(BaseChatModel):
    """How LangChain, tracers and agents see a handle.

    Attributes:
        stop: Where the members stop.
        params: Keywords for the members, and our own that are no fields.
    """

    stop: list[str] | str | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @abstractmethod
    def line(self, override: str | None = None) -> manners.Line:
        """Everybody the handle asks, in order."""

    @abstractmethod
    def members(self, override: str | None = None) -> list[members.Member]:
        """The partner models behind the handle."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A profile that nobody gave is the members'."""
            return self._members_profile() if name == "profile" else super().__getattr__(name)

    @property
    @abstractmethod
    def user_id(self) -> str:
        """Whose handle it is; a cache keeps users apart even where the house pays for both."""

    @property
    def sole(self) -> bool:
        """Whether only one member is ever asked."""
        return len(self.line().candidates) == 1

    @property
    def ref(self) -> str:
        """The first member's ref: `openai#gpt-4o`."""
        return str(self.line().candidates[0].ref)

    @property
    def model_name(self) -> str:
        """The first member's bare id: `gpt-4o`. Agents recognise models by it."""
        return self.line().candidates[0].ref.model

    @property
    def _llm_type(self) -> str:
        return same_for_all([member.partner._llm_type for member in self.members()])

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        line = self.line()
        given = {name: value for name in PARTNER_WORDS if (value := getattr(self, name)) is not None}
        refs = [str(candidate.ref) for candidate in line.candidates]
        return {
            "model_name": line.candidates[0].ref.model,
            "refs": refs,
            "strategy": line.manner.label,
            **given,
            **self.params,
        }

    def _members_profile(self) -> ModelProfile | None:
        return shared_profile([member.partner for member in self.members()])

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        override = kwargs.pop("model", None)
        try:
            member = self.members(override)[0]
        except LuckyError:
            member = self.members()[0]
            kwargs["model"] = override
        if stop is None and not kwargs:
            return member.traced.copy()
        return member.partner._get_ls_params(stop=stop, **kwargs)

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        kwargs.pop(RUN_TAGS, None)
        line = self.line(kwargs.get("model"))
        return f"{super()._get_llm_string(stop=stop, **kwargs)}---{self.user_id!r}---{payers(line.candidates)}"

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        kwargs.pop(RUN_TAGS, None)
        structure = kwargs.pop("structure", None)
        told = {} if structure is None else {"structure": repr(structure)}
        given = [self.stop] if isinstance(self.stop, str) else self.stop
        # What LangChain makes of it too, which silences the whole process's warnings for a moment of every call.
        return {**self.asdict(), "stop": given if stop is None else stop, **kwargs, **told}

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Count as the first member does; roughly, where it has no tokenizer of its own or cannot reach it."""
        return self._counted("get_num_tokens_from_messages", messages, tools=tools)

    def get_num_tokens(self, text: str) -> int:
        """Same for a text."""
        return self._counted("get_num_tokens", text)

    def _counted(self, method: str, what: str | list[BaseMessage], **options: Any) -> int:
        if self.custom_get_token_ids is not None:
            return int(getattr(super(), method)(what, **options))
        partner = self.members()[0].partner
        # LangChain's own tokenizer is another model's, and a download.
        own = any(
            getattr(type(partner), name) is not getattr(BaseChatModel, name) for name in (method, "get_token_ids")
        )
        try:
            if own:
                count = getattr(partner, method)
                fetches = FETCHES & signature(count).parameters.keys()
                return int(count(what, **options, **dict.fromkeys(fetches, False)))
        except Exception:  # noqa: BLE001, S110 - a rough count is better than a failure, whatever the partner's was
            pass
        return count_tokens_approximately([what] if isinstance(what, str) else what)
