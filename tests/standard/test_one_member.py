"""LangChain's own suites pass for a handle of one member, whichever provider serves it."""

from __future__ import annotations

from typing import Any, ClassVar

from tests import homes
from tests.standard.suite import Integration, Unit


class TestOpenAIUnit(Unit):
    """Served by OpenAI."""

    __test__ = True


class TestGroqUnit(Unit):
    """Served by Groq."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.GROQ}


class TestOpenRouterUnit(Unit):
    """Served by OpenRouter."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.OPENROUTER}


class TestAnthropicUnit(Unit):
    """Served by Anthropic."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.ANTHROPIC}


class TestOpenAI(Integration):
    """Served by OpenAI."""

    __test__ = True


class TestGroq(Integration):
    """Served by Groq."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.GROQ}


class TestOpenRouter(Integration):
    """Served by OpenRouter."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.OPENROUTER}


class TestAnthropic(Integration):
    """Served by Anthropic."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = {"model": homes.ANTHROPIC}

    @property
    def supports_json_mode(self) -> bool:
        return False  # Anthropic has no such mode
