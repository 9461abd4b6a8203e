"""DeepSeek: Chat Completions that refuse a tool's answer without the thoughts that led to the call."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.providers.compatible import OPENAI_COMPATIBLE, compatible
from langchain_lucky_models.providers.family import MemberSpec
from langchain_lucky_models.providers.keywords import with_body
from langchain_lucky_models.wire import Wire

ADDED = frozenset({"thinking"})
"""Fields of a request that OpenAI does not have."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `CompatibleChatModel` that sends the thoughts before a call back with it."""
    body = {name: value for name, value in spec.params if name in ADDED}
    rest = with_body(((name, value) for name, value in spec.params if name not in ADDED), body)
    return compatible(spec, wire, rest.items(), takes_back="reasoning_content")


DEEPSEEK = OPENAI_COMPATIBLE.variant(
    "deepseek",
    build=build,
    base_url="https://api.deepseek.com/v1",
    key_env="DEEPSEEK_API_KEY",
    needs_key=True,
    open_catalog=False,
)
