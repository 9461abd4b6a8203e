"""`bind_tools` and `with_structured_output` of a handle: each member binds and parses its own way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough

from langchain_lucky_models.binding import AnswerParser, Schema, Structure, ToolLike, ToolList
from langchain_lucky_models.extras import Later

if TYPE_CHECKING:
    from langchain_lucky_models.asking import members, records
else:
    members = Later("langchain_lucky_models.asking.members")
    records = Later("langchain_lucky_models.asking.records")


class BoundByMember(BaseChatModel):
    """What a handle can be bound to. The wish is kept; the member that is asked makes keywords of it."""

    @abstractmethod
    def members(self, override: str | None = None) -> list[members.Member]:
        """The partner models behind the handle."""

    @property
    @abstractmethod
    def sole(self) -> bool:
        """Whether only one member is ever asked."""

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: dict[str, Any] | str | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Give the members tools; each formats them its own way when it is asked."""
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=ToolList(tools, kwargs), **chosen)

    def with_structured_output(
        self, schema: Schema, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers in a schema. Without `method`, each member uses the one it does best.

        Args:
            schema: A pydantic class, TypedDict, JSON schema or OpenAI tool.
            include_raw: Give `{"raw", "parsed", "parsing_error"}` instead of the parsed answer alone.
            **kwargs: `method`, `strict`, and what the partner's own method takes.
        """
        structure = Structure(schema, {key: value for key, value in kwargs.items() if value is not None})
        asked = self.bind(structure=structure, ls_structured_output_format=structure.traced())
        parser = AnswerParser(self._sole_parser(structure), lambda message: self._parser_of(structure, message))
        if not include_raw:
            return asked | parser
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=asked) | parsed.with_fallbacks([failed], exception_key="parsing_error")

    def _sole_parser(self, structure: Structure) -> Callable[[], Runnable[Any, Any]] | None:
        if not self.sole:
            return None

        def parser() -> Runnable[Any, Any]:
            member = self.members()[0]
            return structure.parser(member.partner, member.candidate.shape)

        return parser

    def _parser_of(self, structure: Structure, message: AIMessage) -> Runnable[Any, Any]:
        members = self.members()
        served = message.response_metadata.get(records.MARK, {}).get("ref", str(members[0].candidate.ref))
        known = {str(member.candidate.ref): member for member in members}
        member = known.get(served) or self.members(served)[0]
        return structure.parser(member.partner, member.candidate.shape)
