"""Mistral: Chat Completions, but strict about fields it does not know."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models.providers.compatible import OPENAI_COMPATIBLE, compatible
from langchain_lucky_models.providers.family import MemberSpec
from langchain_lucky_models.providers.keywords import with_body
from langchain_lucky_models.wire import Wire

RENAMED = {"seed": "random_seed"}
"""What everybody else calls differently; it travels in the body, where no partner class stands in the way."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `CompatibleChatModel` that does not ask for usage: Mistral counts unasked, and refuses the question."""
    body = {RENAMED[name]: value for name, value in spec.params if name in RENAMED}
    rest = with_body(((name, value) for name, value in spec.params if name not in RENAMED), body)
    return compatible(spec, wire, rest.items(), stream_usage=False)


MISTRAL = OPENAI_COMPATIBLE.variant(
    "mistral",
    build=build,
    base_url="https://api.mistral.ai/v1",
    key_env="MISTRAL_API_KEY",
    needs_key=True,
    open_catalog=False,
)
