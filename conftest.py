"""Runs the examples of the README, of every page below docs/ and of every docstring, against providers on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

from tests.loopback.official import providers_on_loopback


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
