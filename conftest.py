"""Runs the examples of the README, of every page below docs/ and of every docstring, against providers on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from unittest import mock

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

from langchain_lucky_models.handle import making
from langchain_lucky_models.providers import table
from tests.loopback import Provider

# What each provider's official address ends in; the pages name providers, not addresses.
PATHS = {"anthropic": "", "groq": "", "ollama": "", "openrouter": "/api/v1"}
KEYS = {row.key_env: f"key-of-{name}" for name, row in table.DEFAULT_PROVIDERS.items() if row.key_env}


@contextmanager
def providers_on_loopback() -> Iterator[None]:
    """Every provider's default address leads to a server on this machine, and every customary key is set."""
    with Provider() as server:
        rows = {
            name: replace(row, base_url=server.url + PATHS.get(name, "/v1")) if row.base_url else row
            for name, row in table.DEFAULT_PROVIDERS.items()
        }
        places = [
            module
            for name, module in sys.modules.items()
            if name.startswith("langchain_lucky_models.") and hasattr(module, "DEFAULT_PROVIDERS")
        ]
        # A handle without a registry shares one house a process; that of the last page knows another server.
        making._environment_house.cache_clear()
        with mock.patch.dict(os.environ, KEYS):
            patches = [mock.patch.object(place, "DEFAULT_PROVIDERS", MappingProxyType(rows)) for place in places]
            for patch in patches:
                patch.start()
            try:
                yield
            finally:
                for patch in patches:
                    patch.stop()


def begin_page(namespace: dict[str, Any]) -> None:
    """Before a page: start the providers."""
    world = providers_on_loopback()
    world.__enter__()
    namespace["_close_page"] = lambda: world.__exit__(None, None, None)


def end_page(namespace: dict[str, Callable[[], None]]) -> None:
    """After it: stop them."""
    namespace["_close_page"]()


pages = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=begin_page,
    teardown=end_page,
)
docstrings = Sybil(
    parsers=[DocTestParser()],
    patterns=["langchain_lucky_models/*.py", "langchain_lucky_models/**/*.py"],
    document_types={".py": PythonDocStringDocument},
)
pytest_collect_file = (pages + docstrings).pytest()
