"""OpenAI itself, through `ChatOpenAI`: Chat Completions, and the Responses API where something asks for it."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models import extras
from langchain_lucky_models.providers import openai_shape
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.wire import Wire


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `ChatOpenAI`."""
    partner = extras.require(openai_shape.PACKAGE, extra="openai")
    return openai_shape.build(partner.ChatOpenAI, spec, wire, spec.params)


OPENAI = Family(
    kind="openai",
    package=openai_shape.PACKAGE,
    extra="openai",
    build=build,
    repay=openai_shape.repay,
    base_url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
)
