"""Servers that speak OpenAI's Chat Completions: vLLM, and everything that calls itself OpenAI-compatible."""

from __future__ import annotations

import importlib

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.block_translators import get_translator

from langchain_lucky_models.providers import openai_shape
from langchain_lucky_models.providers.family import Family, MemberSpec
from langchain_lucky_models.providers.keywords import Params
from langchain_lucky_models.wire import Wire

MODEL_MODULE = "langchain_lucky_models.providers.compatible_model"
"""Imported at first use, because it is made of a partner class."""


def build(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """A `CompatibleChatModel` that names the provider as its server."""
    return compatible(spec, wire, spec.params)


def build_by_grammar(spec: MemberSpec, wire: Wire) -> BaseChatModel:
    """The same for servers that hold a model to a schema word by word, which a small one needs more than a tool."""
    return compatible(spec, wire, spec.params, structured_by="json_schema")


def compatible(spec: MemberSpec, wire: Wire, params: Params, **fixed: object) -> BaseChatModel:
    """The same for families that rewrite their keywords first."""
    model = importlib.import_module(MODEL_MODULE).CompatibleChatModel
    fixed = {"server": server_name(spec), "use_responses_api": False, **fixed}
    return openai_shape.build(model, spec, wire, params, **fixed)


def server_name(spec: MemberSpec) -> str:
    """Whom answers name as their provider: LangChain reads their content by that name, so nobody else's is taken."""
    return spec.provider if get_translator(spec.provider) is None else spec.kind


OPENAI_COMPATIBLE = Family(
    kind="openai_compatible",
    package=openai_shape.PACKAGE,
    extra="openai",
    build=build,
    repay=openai_shape.repay,
    needs_key=False,
    open_catalog=True,
)

VLLM = OPENAI_COMPATIBLE.variant("vllm", extra="vllm", build=build_by_grammar, base_url="http://localhost:8000/v1")
