"""What happens to breakers becomes events, wherever it happened; whose key it was is not told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langchain_lucky_models.events import Event, Events, HealthChanged
from langchain_lucky_models.health import HealthBoard, Outcome, Scope, scopes_of
from langchain_lucky_models.health.news import News
from langchain_lucky_models.health.telling import tell_health

SCOPES = scopes_of("openai", "gpt-4o", "3f2a")


class Listener:
    """A board on a clock that is set by hand, and what is heard of it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.board = HealthBoard(clock=lambda: self.now, draw=lambda: 0.5)
        self._events = Events()
        tell_health(self.board, self._events)
        self._heard: list[Event] = []
        self._subscription = self._events.subscribe(self._heard.append)

    def report(self, outcome: Outcome, *, times: int = 1) -> None:
        for _ in range(times):
            self.board.report(self.board.admit(SCOPES), outcome)

    def heard(self) -> list[tuple[str, str]]:
        self._subscription.close(within=30)
        return [(event.scope, event.state) for event in self.all()]

    def all(self) -> list[HealthChanged]:
        self._subscription.close(within=30)
        return [event for event in self._heard if isinstance(event, HealthChanged)]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.heard()


def test_a_model_that_opens_and_recovers_is_told_of_twice(listener: Listener) -> None:
    listener.report(Outcome("failed", "provider_down", "503"), times=5)
    listener.now += 60
    while listener.board.refusal(SCOPES) is None and ("model", "closed") not in _states(listener.board):
        listener.report(Outcome("answered"))
        listener.now += 60
    told = listener.all()
    assert [(event.model, event.state, event.reason) for event in told] == [
        ("gpt-4o", "open", "provider_down"),
        ("gpt-4o", "closed", ""),
    ]
    assert told[0].seconds > 0
    assert told[1].seconds == 0


def _states(board: HealthBoard) -> set[tuple[str, str]]:
    return {(scope.kind, breaker.state) for scope, breaker in board._breakers.items()}


def test_a_refused_key_is_told_without_saying_whose(listener: Listener) -> None:
    listener.report(Outcome("key_refused", "auth_failed"))
    (event,) = listener.all()
    assert (event.scope, event.endpoint, event.model) == ("credential", "openai", None)
    assert "3f2a" not in repr(event)


def test_a_rest_that_the_provider_asked_for_is_told(listener: Listener) -> None:
    listener.report(Outcome("limited", "rate_limited", retry_after=7.0))
    (event,) = listener.all()
    assert (event.scope, event.state, event.seconds) == ("allowance", "resting", 7.0)


def test_what_another_process_tells_is_told_as_such_and_once(listener: Listener) -> None:
    news = News("open", 10.0, 1, "provider_down")
    listener.board.hear(Scope("endpoint", "openai"), news)
    listener.board.hear(Scope("model", "groq", model="quick"), News("closed", 30.0))
    told = listener.all()
    assert [(event.endpoint, event.state, event.here) for event in told] == [("openai", "open", False)]


def test_what_is_as_before_is_not_told(listener: Listener) -> None:
    listener.report(Outcome("answered"), times=10)
    listener.report(Outcome("neutral"))
    assert listener.heard() == []
