"""LangChain's own suites pass for a handle of several members, though some of them fail, dawdle or disagree."""

from __future__ import annotations

from typing import Any, ClassVar

from tests import homes
from tests.loopback import Provider
from tests.standard.suite import Integration, Unit

FALLBACK = {"model": homes.GROQ, "also": (homes.OPENAI,), "strategy": "fallback"}
RACE = {"model": homes.OPENAI, "also": (homes.OPENROUTER,), "strategy": "race"}
CONSENSUS = {"model": homes.OPENAI, "also": (homes.OPENROUTER, homes.ANTHROPIC), "strategy": "consensus"}


class TestFallbackUnit(Unit):
    """Groq first, OpenAI next."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = FALLBACK


class TestRaceUnit(Unit):
    """Both at once."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = RACE


class TestConsensusUnit(Unit):
    """Three that vote."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = CONSENSUS


class TestFallback(Integration):
    """The first member fails every time, so the second serves everything."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = FALLBACK

    @classmethod
    def set_up(cls, server: Provider) -> None:
        server.script("status_500", path="/openai/v1/chat/completions")


class TestRace(Integration):
    """One member hangs for ever, so the other wins every race."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = RACE

    @classmethod
    def set_up(cls, server: Provider) -> None:
        server.script("hang_before_headers", path="/api/v1/chat/completions")


class TestConsensus(Integration):
    """Two members of unlike kinds agree against a third that fails."""

    __test__ = True
    params: ClassVar[dict[str, Any]] = CONSENSUS

    @classmethod
    def set_up(cls, server: Provider) -> None:
        server.script("status_503", path="/v1/messages")
