"""Tools and structured output across unlike members: each member formats its own, the handle only keeps the wish."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import BaseGenerationOutputParser, BaseOutputParser
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, RunnableLambda, RunnableSequence
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import ValidationError

# LangChain's tools are Runnables; their own module takes long to import, and annotations must be readable at run time.
ToolLike: TypeAlias = dict[str, Any] | type | Callable[..., Any] | Runnable[Any, Any]
Schema = dict[str, Any] | type
Keywords = dict[str, Any]

_NO_JSON = re.compile(r" at line \d+ column \d+")
"""How OpenAI's package says that a piece of an answer is no JSON."""


class ToolList(list[dict[str, Any]]):
    """Tools as LangGraph and tracers expect to see them, with the originals for each member to format its own way.

    Args:
        originals: What the caller gave.
        options: Further keywords of the caller's `bind_tools`.
    """

    def __init__(self, originals: Sequence[ToolLike], options: Mapping[str, Any]) -> None:
        super().__init__(_shown(tool) for tool in originals)
        self.originals = list(originals)
        self.options = dict(options)
        self._bound: dict[object, Keywords] = {}

    def __reduce__(self) -> tuple[type[ToolList], tuple[list[ToolLike], dict[str, Any]]]:
        return ToolList, (self.originals, self.options)

    def __repr__(self) -> str:
        # Part of LangChain's cache key: the same tools with other options are another wish.
        return f"{super().__repr__()} with {dict(sorted(self.options.items()))}" if self.options else super().__repr__()

    def keywords(self, partner: BaseChatModel, shape: object, tool_choice: Any) -> Keywords:
        """What the member's own `bind_tools` makes of them; worked out once for each shape of member."""
        key = (shape, str(tool_choice))
        bound = self._bound.get(key)
        if bound is None:
            chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
            bound = self._bound[key] = unwrapped(
                partner.bind_tools(cast("Any", self.originals), **chosen, **self.options)
            )
        return bound


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """The wish for a structured answer; every member is asked for it in the way it does best.

    Attributes:
        schema: What the caller gave.
        options: `method`, `strict` and further keywords, where the caller gave them.
    """

    schema: Schema
    options: Mapping[str, Any] = field(default_factory=dict)
    _bound: dict[object, tuple[Keywords, Runnable[Any, Any]]] = field(default_factory=dict, repr=False)

    def keywords(self, partner: BaseChatModel, shape: object) -> Keywords:
        """The keywords that make the member answer in the schema."""
        return self._for(partner, shape)[0]

    def parser(self, partner: BaseChatModel, shape: object) -> Runnable[Any, Any]:
        """What turns the member's answer into the schema."""
        return self._for(partner, shape)[1]

    def _for(self, partner: BaseChatModel, shape: object) -> tuple[Keywords, Runnable[Any, Any]]:
        bound = self._bound.get(shape)
        if bound is None:
            sequence = cast("RunnableSequence[Any, Any]", partner.with_structured_output(self.schema, **self.options))
            keywords = unwrapped(sequence.first)
            keywords.pop("ls_structured_output_format", None)
            rest = sequence.steps[1:]
            parser = rest[0] if len(rest) == 1 else RunnableSequence(*rest)
            bound = self._bound[shape] = (keywords, parser)
        return bound

    def __repr__(self) -> str:
        # Part of LangChain's cache key, so it must say everything and be the same in every process.
        return f"Structure({_json_schema(self.schema)}, {dict(sorted(self.options.items()))})"

    def traced(self) -> Mapping[str, Any]:
        """What a tracer is told about the wish."""
        return {"kwargs": dict(self.options), "schema": _json_schema(self.schema)}


class AnswerParser(Runnable[AIMessage, Any]):
    """Parses an answer with the parser of the member that gave it.

    Args:
        own: The only member's parser, where the handle has but one; it may then parse while the answer streams.
        by_message: The parser of whoever gave a whole message.
    """

    def __init__(
        self, own: Callable[[], Runnable[Any, Any]] | None, by_message: Callable[[AIMessage], Runnable[Any, Any]]
    ) -> None:
        self._own = own
        self._by_message = by_message

    def invoke(self, input: AIMessage, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Parse a whole answer."""
        return self._by_message(input).invoke(input, config, **kwargs)

    async def ainvoke(self, input: AIMessage, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Same as `invoke`."""
        return await self._by_message(input).ainvoke(input, config, **kwargs)

    def transform(
        self, input: Iterator[AIMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Parse while the answer streams, where it is known beforehand who gives it."""
        if self._own is not None and not chosen_model(config):
            yield from self._own().transform(input, config, **kwargs)
            return
        yield self.invoke(_joined(list(input)), config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[AIMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Same as `transform`."""
        if self._own is not None and not chosen_model(config):
            async for parsed in self._own().atransform(input, config, **kwargs):
                yield parsed
            return
        yield await self.ainvoke(_joined([chunk async for chunk in input]), config, **kwargs)


def chosen_model(config: RunnableConfig | None) -> str | None:
    """The model that the run's configuration names: `config={"configurable": {"model": "tier:smart"}}`."""
    settings = (config or {}).get("configurable") or (var_child_runnable_config.get() or {}).get("configurable") or {}
    chosen = settings.get("model")
    return chosen if isinstance(chosen, str) and chosen else None


def parsed_quietly(parser: Runnable[Any, Any], message: AIMessage) -> object:
    """Parse a message without a run of its own in anybody's trace.

    Raises:
        OutputParserException: The message does not fit, whatever the parser raises then.
    """
    try:
        if isinstance(parser, BaseGenerationOutputParser | BaseOutputParser):
            return parser.parse_result([ChatGeneration(message=message)])
        return _function_of(parser)(message)
    except Exception as error:
        raise OutputParserException(error) from error


def misfits(structure: Structure, error: Exception) -> bool:
    """Whether an exception says that an answer does not fit the structure, as opposed to being no answer.

    OpenAI's package parses answers itself, as they come.
    """
    if isinstance(error, ValidationError):
        return error.title == getattr(structure.schema, "__name__", None)
    if type(error) is ValueError:
        return _NO_JSON.search(str(error)) is not None
    return isinstance(error, OutputParserException) or type(error).__name__ == "LengthFinishReasonError"


def _function_of(parser: Runnable[Any, Any]) -> Callable[[AIMessage], object]:
    while isinstance(parser, RunnableBinding):
        parser = parser.bound
    return parser.func if isinstance(parser, RunnableLambda) else parser.invoke


def unwrapped(bound: Runnable[Any, Any]) -> Keywords:
    """The keywords of a binding, inner ones first."""
    keywords: Keywords = {}
    while isinstance(bound, RunnableBinding):
        keywords = {**bound.kwargs, **keywords}
        bound = bound.bound
    return keywords


def _shown(tool: ToolLike) -> dict[str, Any]:
    # A tool that only one provider knows (web search, computer use) has no common form; it is shown as it came.
    if isinstance(tool, dict) and "function" not in tool and "name" not in tool and "title" not in tool:
        return tool
    return convert_to_openai_tool(cast("Any", tool))


def _json_schema(schema: Schema) -> Mapping[str, Any]:
    return convert_to_json_schema(schema)


def _joined(chunks: Sequence[AIMessage]) -> AIMessage:
    if not chunks:
        raise ValueError("No generation chunks were returned")
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = cast("AIMessageChunk", whole) + chunk  # type: ignore[assignment]
    return whole
