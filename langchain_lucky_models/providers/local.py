"""The embedded model: a llama server of our own beside this process, OpenAI-shaped, started by the first call."""

from __future__ import annotations

from typing import cast

from langchain_lucky_models import extras
from langchain_lucky_models.providers.compatible import OPENAI_COMPATIBLE, build_by_grammar

EMBEDDED = "langchain_lucky_models.embedded"


def serve(model: str) -> str:
    """The address of the embedded server for a model; starts it where it does not run yet."""
    return cast("str", extras.require(EMBEDDED, extra="local").serve(model))


LOCAL = OPENAI_COMPATIBLE.variant("local", extra="local", build=build_by_grammar, slow_start=True, serve=serve)
