"""Two paths as one Runnable: each call goes to the one that its user gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Protocol

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.runnables.utils import ConfigurableFieldSpec, get_unique_config_specs

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.rollout.paths import Asking, shows_content
from langchain_lucky_models.rollout.shadow import Unwatched, Watch


class Deciding(Protocol):
    """What a `RolledOut` asks of its rollout."""

    name: str

    def gives_new(self, user_id: str) -> bool:
        """Decide for a call, and count it."""

    def rescues(self, error: Exception) -> bool:
        """Whether the old path answers where the new one failed."""

    def watch(self, asking: Asking) -> Watch | Unwatched:
        """Watch a call of the old path, for the shadow."""


class RolledOut(Runnable[Any, Any]):
    """The old path or the new one, call by call. Made by `rollout.runnable(old=…, new=…)`.

    It adds no run of its own to a trace, only the tag `rollout:<name>:old` or `rollout:<name>:new`.

    Args:
        rollout: Decides.
        old: The old path.
        new: The new one.
        user_id: Who asks, where it is always the same.
    """

    def __init__(
        self, rollout: Deciding, old: Runnable[Any, Any], new: Runnable[Any, Any], user_id: str | None = None
    ) -> None:
        self.rollout = rollout
        self.old = old
        self.new = new
        self._user_id = user_id
        self.name = rollout.name

    @property
    def InputType(self) -> Any:  # noqa: N802 - LangChain's name
        """What the old path takes."""
        return self.old.InputType

    @property
    def OutputType(self) -> Any:  # noqa: N802 - LangChain's name
        """What the old path answers."""
        return self.old.OutputType

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What a run may configure, on either path."""
        return get_unique_config_specs([*self.old.config_specs, *self.new.config_specs])

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> RolledOut:
        """Give both paths tools."""
        return self._both(lambda path: path.bind_tools(tools, **kwargs))

    def with_structured_output(self, schema: Any, **kwargs: Any) -> RolledOut:
        """Let both paths answer in a schema."""
        return self._both(lambda path: path.with_structured_output(schema, **kwargs))

    def _both(self, change: Callable[[Any], Runnable[Any, Any]]) -> RolledOut:
        return RolledOut(self.rollout, change(self.old), change(self.new), self._user_id or self._handles_user())

    # --- asking

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Answer, by the path that the run's user gets."""
        trip = self._trip(input, config, kwargs)
        if trip.new:
            try:
                return self.new.invoke(input, trip.config, **kwargs)
            except Exception as error:
                if not self.rollout.rescues(error):
                    raise
            return self.old.invoke(input, trip.rescued_config(), **kwargs)
        with trip.watched() as watch:
            watch.answer = self.old.invoke(input, trip.config, **kwargs)
        return watch.answer

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Same as `invoke`."""
        trip = self._trip(input, config, kwargs, awaited=True)
        if trip.new:
            try:
                return await self.new.ainvoke(input, trip.config, **kwargs)
            except Exception as error:
                if not self.rollout.rescues(error):
                    raise
            return await self.old.ainvoke(input, trip.rescued_config(), **kwargs)
        with trip.watched() as watch:
            watch.answer = await self.old.ainvoke(input, trip.config, **kwargs)
        return watch.answer

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Answer bit by bit. Where the new path fails, the old one answers only if nothing was shown yet."""
        trip = self._trip(input, config, kwargs)
        if not trip.new:
            yield from trip.followed(self.old.stream(input, trip.config, **kwargs))
            return
        yield from self._curtained(input, trip, kwargs)

    def _curtained(self, input: Any, trip: _Trip, kwargs: dict[str, Any]) -> Iterator[Any]:
        """The new path's chunks; the old one's where the new one fails before it has shown anything."""
        curtain = _Curtain()
        try:
            with _closed(self.new.stream(input, trip.config, **kwargs)) as chunks:
                for chunk in chunks:
                    yield from curtain.show(chunk)
            yield from curtain.held
        except Exception as error:
            if curtain.up or not self.rollout.rescues(error):
                raise
        else:
            return
        yield from self.old.stream(input, trip.rescued_config(), **kwargs)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Same as `stream`."""
        trip = self._trip(input, config, kwargs, awaited=True)
        if not trip.new:
            async for chunk in trip.afollowed(self.old.astream(input, trip.config, **kwargs)):
                yield chunk
            return
        async for chunk in self._acurtained(input, trip, kwargs):
            yield chunk

    async def _acurtained(self, input: Any, trip: _Trip, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        curtain = _Curtain()
        try:
            async with _aclosed(self.new.astream(input, trip.config, **kwargs)) as chunks:
                async for chunk in chunks:
                    for shown in curtain.show(chunk):
                        yield shown
            for shown in curtain.held:
                yield shown
        except Exception as error:
            if curtain.up or not self.rollout.rescues(error):
                raise
        else:
            return
        async for chunk in self.old.astream(input, trip.rescued_config(), **kwargs):
            yield chunk

    def _trip(
        self, input: Any, config: RunnableConfig | None, kwargs: dict[str, Any], *, awaited: bool = False
    ) -> _Trip:
        whole = ensure_config(config)
        user_id = self._user_id or whole["configurable"].get("user_id") or self._handles_user()
        if not user_id:
            raise ConfigError(
                f"the rollout {self.name!r} does not know who asks: give config={{'configurable': {{'user_id': …}}}},"
                " or runnable(…, user_id=…).",
                field="user_id",
            )
        return _Trip(self, Asking(self.rollout.name, str(user_id), self.new, (input,), kwargs, whole, awaited))

    def _handles_user(self) -> str | None:
        return next((path.user_id for path in (self.new, self.old) if isinstance(path, LuckyChatModel)), None)


class _Trip:
    """One call on its way."""

    def __init__(self, paths: RolledOut, asking: Asking) -> None:
        self._paths = paths
        self._asking = asking
        self.new = paths.rollout.gives_new(asking.user_id)
        self._given = ensure_config(asking.config)
        self.config = self._tagged("new" if self.new else "old")

    def _tagged(self, side: str) -> RunnableConfig:
        return {**self._given, "tags": [*self._given["tags"], f"rollout:{self._paths.rollout.name}:{side}"]}

    def rescued_config(self) -> RunnableConfig:
        """For the old path, where the new one failed under the same run's id."""
        return {**self._tagged("old"), "run_id": None}

    def watched(self, *, streamed: bool = False) -> Watch | Unwatched:
        return self._paths.rollout.watch(replace(self._asking, streamed=streamed))

    def followed(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """The old path's chunks, kept where they are to be compared."""
        with self.watched(streamed=True) as watch, _closed(chunks):
            for chunk in chunks:
                watch.keep(chunk)
                yield chunk

    async def afollowed(self, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Same as `followed`."""
        with self.watched(streamed=True) as watch:
            async with _aclosed(chunks):
                async for chunk in chunks:
                    watch.keep(chunk)
                    yield chunk


class _Curtain:
    """Holds chunks back until one of them has content: until then nobody has seen who answers.

    Attributes:
        up: Whether content was shown.
        held: What is held back.
    """

    def __init__(self) -> None:
        self.up = False
        self.held: list[Any] = []

    def show(self, chunk: Any) -> Sequence[Any]:
        """What is to be shown now that this chunk has come."""
        if self.up:
            return (chunk,)
        self.held.append(chunk)
        if not shows_content(chunk):
            return ()
        self.up = True
        held, self.held = self.held, []
        return held


@contextmanager
def _closed(chunks: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """Close a stream at the end, if it can be closed."""
    try:
        yield chunks
    finally:
        if (close := getattr(chunks, "close", None)) is not None:
            close()


@asynccontextmanager
async def _aclosed(chunks: AsyncIterator[Any]) -> AsyncIterator[AsyncIterator[Any]]:
    try:
        yield chunks
    finally:
        if (close := getattr(chunks, "aclose", None)) is not None:
            await close()
