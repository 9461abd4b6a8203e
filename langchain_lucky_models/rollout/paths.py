"""The old path and the new one, whatever they are: functions, coroutines, or LangChain's Runnables."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.runnables.utils import is_async_callable

Path = Runnable[Any, Any] | Callable[..., Any]
"""What can be called; a Runnable is invoked."""

_RUNTIME = "__"
"""How LangGraph's own keys begin; they lead back into the user's graph."""
_THREADS = ("checkpoint_id", "checkpoint_ns", "checkpoint_map")
_TWINS = (("func", "afunc"), ("func", "coroutine"), ("_transform", "_atransform"))
"""Under which names Runnables and tools keep what is called, and what is awaited."""
_MOST_PARTS = 1_000


class UnshareableError(TypeError):
    """An argument can be used once only, so that the old path and the new one cannot both have it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of a path, so that it can be asked of the other one again.

    Attributes:
        feature: The rollout.
        user_id: Who asks.
        path: Which path.
        arguments: The positional arguments; a Runnable's input.
        keywords: The others.
        config: The run's configuration, for a Runnable.
        awaited: Whether it is awaited, in the loop in which it was asked.
        streamed: Whether a Runnable's answer is wished for in chunks.
    """

    feature: str
    user_id: str
    path: Path
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    config: RunnableConfig | None = None
    awaited: bool = False
    streamed: bool = False

    @classmethod
    def of(
        cls, feature: str, user_id: str, path: Path, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Asking:
        """What is asked with plain arguments; those of a Runnable may hold its configuration."""
        if not isinstance(path, Runnable):
            return cls(feature, user_id, path, arguments, keywords)
        config = arguments[1] if len(arguments) > 1 else keywords.get("config")
        others = {name: value for name, value in keywords.items() if name not in {"input", "config"}}
        return cls(feature, user_id, path, (arguments or (keywords.get("input"),))[:1], others, config)

    def kept(self) -> Asking:
        """The same with containers of its own, which whoever asked may change meanwhile.

        Raises:
            UnshareableError: An argument is an iterator, which the first to use it uses up.
        """
        arguments = tuple(_copied(value) for value in self.arguments)
        keywords = {name: _copied(value) for name, value in self.keywords.items()}
        return replace(self, arguments=arguments, keywords=keywords)

    def again(self, listener: BaseCallbackHandler) -> object:
        """Ask, in a context of the shadow's own and apart from the user's trace."""
        config = self._own_config(listener)
        if isinstance(self.path, Runnable):
            if self.streamed:
                return Streamed(list(self.path.stream(self.arguments[0], config, **self.keywords)))
            return self.path.invoke(self.arguments[0], config, **self.keywords)
        var_child_runnable_config.set(config)
        answer = self.path(*self.arguments, **self.keywords)
        if inspect.iscoroutine(answer):
            answer.close()
            raise TypeError("the new path gave a coroutine: make it an `async def`, and await `rollout.acall`.")
        return answer

    async def aagain(self, listener: BaseCallbackHandler) -> object:
        """Same as `again`, awaited."""
        config = self._own_config(listener)
        if isinstance(self.path, Runnable):
            if self.streamed:
                chunks = self.path.astream(self.arguments[0], config, **self.keywords)
                return Streamed([chunk async for chunk in chunks])
            return await self.path.ainvoke(self.arguments[0], config, **self.keywords)
        var_child_runnable_config.set(config)
        return await self.path(*self.arguments, **self.keywords)

    def _own_config(self, listener: BaseCallbackHandler) -> RunnableConfig:
        """What the run may keep of the user's: whom it is for, not who listens, nor where a conversation is kept."""
        given = self.config or {}
        known = given.get("configurable") or {}
        kept = {key: value for key, value in known.items() if not key.startswith(_RUNTIME) and key not in _THREADS}
        if "thread_id" in kept:
            kept["thread_id"] = f"shadow:{self.feature}:{kept['thread_id']}"
        return RunnableConfig(
            tags=[f"shadow:{self.feature}"],
            metadata={**(given.get("metadata") or {}), "rollout": self.feature},
            configurable=kept,
            callbacks=[listener],
            recursion_limit=given.get("recursion_limit", 25),
        )


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that came in chunks."""

    chunks: Sequence[Any]

    def whole(self) -> object:
        """The chunks as one answer, as LangChain adds them up; of a graph's messages, the last as its state has it.

        Example:
            >>> Streamed(["It is ", "Bonn."]).whole(), Streamed([{"city": "B"}, {"city": "Bonn"}]).whole()
            ('It is Bonn.', {'city': 'Bonn'})
        """
        said = [message for chunk in self.chunks if (message := _graphs_message(chunk)) is not None]
        if said:
            return {"messages": [functools.reduce(operator.add, [one for one in said if one.id == said[-1].id])]}
        return functools.reduce(_added, self.chunks) if self.chunks else ""


def whole_of(answer: object) -> object:
    """An answer, whether it came at once or in chunks."""
    return answer.whole() if isinstance(answer, Streamed) else answer


def _graphs_message(chunk: object) -> AIMessageChunk | None:
    """A piece of a message, as LangGraph streams it: with its metadata, and perhaps what kind of stream it is of."""
    if not isinstance(chunk, tuple):
        return None
    inside = (part if isinstance(part, AIMessageChunk) else _graphs_message(part) for part in chunk)
    return next((message for message in inside if message is not None), None)


def _added(so_far: Any, chunk: Any) -> Any:
    try:
        return chunk if isinstance(chunk, tuple) else so_far + chunk
    except TypeError:
        return chunk  # it holds all that came before


def ask(path: Path, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a path answers, at once.

    Raises:
        TypeError: It can only be awaited.
    """
    if is_async_callable(path):
        raise TypeError("a path is an `async def`; use `await rollout.acall(…)`.")
    return path.invoke(*arguments, **keywords) if isinstance(path, Runnable) else path(*arguments, **keywords)


async def aask(path: Path, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Same as `ask`, for whatever may have to be awaited."""
    if isinstance(path, Runnable):
        return await path.ainvoke(*arguments, **keywords)
    answer = path(*arguments, **keywords)
    return await answer if inspect.isawaitable(answer) else answer


def shows_content(chunk: object) -> bool:
    """Whether a chunk of a stream shows the user anything."""
    if isinstance(chunk, AIMessageChunk):
        return bool(chunk.content or chunk.tool_call_chunks)
    return bool(chunk)


def only_awaited(path: object) -> bool:
    """Whether a path cannot be called, because itself or a part of it can only be awaited.

    Such a part is a function of a chain, a node of a graph, or a tool that is an `async def` and nothing else.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> async def later(question: str) -> str:
        ...     return question
        >>> only_awaited(RunnableLambda(str) | later), only_awaited(RunnableLambda(str) | RunnableLambda(str, later))
        (True, False)
    """
    if not isinstance(path, Runnable):
        return is_async_callable(path)
    seen: dict[int, object] = {}
    waiting: list[object] = [path]
    while waiting and len(seen) < _MOST_PARTS:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        # Not `getattr`: some Runnables make up what they are asked for.
        kept: dict[str, object] = getattr(part, "__dict__", {})
        if any(kept.get(late) and not kept.get(soon) for soon, late in _TWINS):
            return True
        waiting += _parts(list(kept.values()))
    return False


def _parts(values: Iterable[object]) -> Iterator[object]:
    """What Runnables are made of, wherever LangChain and LangGraph keep it."""
    for value in values:
        several = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
        for one in several:
            pair = one if isinstance(one, tuple) else (one,)
            yield from (item for item in pair if isinstance(item, Runnable) or hasattr(item, "bound"))


def _copied(value: Any) -> Any:
    if isinstance(value, Iterator | AsyncIterator):
        raise UnshareableError("an iterator cannot be given to both paths.")
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    if type(value) is list:
        return [_copied(item) for item in value]
    return value
