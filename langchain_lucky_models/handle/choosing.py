"""Choosing the model at run time: `config={"configurable": {"model": "tier:smart"}}` on any entry point."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import RunnableConfig, ensure_config

from langchain_lucky_models.binding import chosen_model

RUN_TAGS = "run_tags"
"""The keyword under which a stream's tags travel, as far as the members: neither traces nor caches see it."""


class ChosenAtRuntime(BaseChatModel):
    """LangChain's entry points, each of which lets the run's configuration name the model.

    LangChain keeps the configuration to itself; here alone is it still in sight. What it names is looked up in the
    user's own list like everything else.
    """

    def invoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Answer."""
        return super().invoke(input, config, **_chosen(config, kwargs))

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Same as `invoke`."""
        return await super().ainvoke(input, config, **_chosen(config, kwargs))

    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Answer bit by bit."""
        return super().stream(input, config, **_tagged(config, _chosen(config, kwargs)))

    def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Same as `stream`."""
        return super().astream(input, config, **_tagged(config, _chosen(config, kwargs)))

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Answer as events; `version="v3"` gives typed content blocks."""
        return super().stream_events(input, config, **_chosen(config, kwargs))

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Same as `stream_events`."""
        # The older versions come through `astream`, which chooses for itself.
        kwargs = _chosen(config, kwargs) if kwargs.get("version") == "v3" else kwargs
        return super().astream_events(input, config, **kwargs)


def _tagged(config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """A stream is not told of its run, as a whole answer is: the run's words go along with its keywords."""
    tags = ensure_config(config)["tags"]
    return {**kwargs, RUN_TAGS: tuple(tags)} if tags else kwargs


def _chosen(config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    model = chosen_model(config)
    return kwargs if model is None or "model" in kwargs else {**kwargs, "model": model}
