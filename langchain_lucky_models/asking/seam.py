"""Where a member is asked: below LangChain's callbacks, so that a call is one run and is counted once.

LangChain's own way down, `_generate_with_cache`, looks for a cache, a limiter, a listener to chunks, and the signature
of what it calls. A member has no cache and no listener; where it has no limiter either, it is asked directly, and what
is done with its answer is done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

Messages = list[BaseMessage]
Stop = list[str] | None


def ask_whole(partner: BaseChatModel, messages: Messages, stop: Stop, keywords: Mapping[str, Any]) -> ChatResult:
    """A member's whole answer."""
    if not _is_plain(partner, keywords, waits=False):
        return partner._generate_with_cache(messages, stop=stop, run_manager=None, **keywords)
    return _described(partner._generate(messages, stop=stop, **keywords))


async def aask_whole(partner: BaseChatModel, messages: Messages, stop: Stop, keywords: Mapping[str, Any]) -> ChatResult:
    """Same as `ask_whole`, without blocking the event loop."""
    if not _is_plain(partner, keywords, waits=True):
        return await partner._agenerate_with_cache(messages, stop=stop, run_manager=None, **keywords)
    return _described(await partner._agenerate(messages, stop=stop, **keywords))


def _is_plain(partner: BaseChatModel, keywords: Mapping[str, Any], *, waits: bool) -> bool:
    return (
        partner.cache is False
        and partner.rate_limiter is None
        and partner.output_version != "v1"
        and not partner._should_stream(async_api=waits, **keywords)
    )


def _described(result: ChatResult) -> ChatResult:
    """With what is known of an answer in its message, where LangChain puts it too."""
    common = (result.llm_output or {}) if len(result.generations) == 1 else {}
    for generation in result.generations:
        message = generation.message
        message.response_metadata = {**common, **(generation.generation_info or {}), **message.response_metadata}
    return result
