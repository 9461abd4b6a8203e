"""`FakeProvider`: every provider of a registry, in the hands of a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from types import TracebackType
from typing import Self, TypedDict

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS
from langchain_lucky_models.testing.behaviours import Asked, Behaviour, Done, Fails, Says
from langchain_lucky_models.testing.server import FakeServer


class FakeSettings(TypedDict):
    """What `create_llm_registry` needs to know of a fake provider."""

    fallback_keys: dict[str, str]
    providers: dict[str, dict[str, str]]


@dataclass(slots=True)
class _Script:
    """What is done with the questions for one model, or for every one."""

    model: str | None
    steps: Iterator[Behaviour] = field(repr=False)


class FakeProvider:
    """A server that stands for every provider, and answers and fails as a test tells it.

    It speaks the dialect of OpenAI, which is enough: registries are told to speak it with every provider. Until it is
    told something else, it greets.

    A function that fails is a 500 for whoever asks, and is raised at the end of the `with`.

    Attributes:
        asked: Every question, in the order in which they came.

    Example:
        >>> from langchain_lucky_models import create_llm_registry
        >>> from langchain_lucky_models.testing import Fails, FakeProvider
        >>> two = ["openai#gpt-4o", "groq#openai/gpt-oss-20b"]
        >>> with FakeProvider() as fake, create_llm_registry(**fake.settings()) as registry:
        ...     fake.script(Fails(503), model="gpt-4o")
        ...     user = registry.for_user(mode="shared", user_id="ada", models=two)
        ...     user.models(*two).invoke("Hi").text, [question.model for question in fake.asked]
        ('Hello from the fake provider.', ['gpt-4o', 'openai/gpt-oss-20b'])
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._scripts: list[_Script] = []
        self._mishaps: list[Exception] = []
        self._server: FakeServer | None = None

    def __enter__(self) -> Self:
        self._server = FakeServer(self._decide)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        if self._mishaps and error is None:
            raise self._mishaps[0]

    @property
    def url(self) -> str:
        """The `base_url` of its OpenAI-compatible interface.

        Raises:
            ConfigError: It does not serve.
        """
        if self._server is None:
            raise ConfigError("a fake provider serves within `with FakeProvider() as fake:`.")
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def settings(self, *further: str) -> FakeSettings:
        """Settings that lead every provider here; what a configuration says of everything else stays.

        Args:
            further: Names of providers that only the application knows.
        """
        names = (*DEFAULT_PROVIDERS, *further)
        return FakeSettings(
            fallback_keys={name: f"sk-fake-{name}" for name in names},
            providers={name: {"kind": "openai_compatible", "base_url": self.url} for name in names},
        )

    def script(self, *steps: Behaviour, model: str | None = None) -> None:
        """What is done with the questions that come from now on: one step each, the last one again and again.

        Args:
            steps: `Says`, `Fails`, `Hangs`, `BreaksOff`, a text to say, or a function of the question.
            model: Only with questions for this model; the script that was given last decides.

        Raises:
            ConfigError: There is no step.
        """
        if not steps:
            raise ConfigError('script() needs at least one step, such as "Hello." or Fails(503).', field="steps")
        self._scripts.append(_Script(model, chain(steps[:-1], repeat(steps[-1]))))

    def clear(self) -> None:
        """Forget every script and every question."""
        self._scripts.clear()
        self.asked.clear()

    def _decide(self, asked: Asked) -> Done:
        with self._lock:
            self.asked.append(asked)
            fitting = [script for script in self._scripts if script.model in (None, asked.model)]
            step: Behaviour = next(fitting[-1].steps) if fitting else Says()
        try:
            return step(asked) if callable(step) else step
        except Exception as error:  # noqa: BLE001 - the boundary: it is the test's own, and told at the end
            self._mishaps.append(error)
            return Fails(500, f"a step of the script failed: {error!r}")
