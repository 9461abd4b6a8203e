"""What happens to breakers, as events."""

from __future__ import annotations

from langchain_lucky_models.events import Events, HealthChanged
from langchain_lucky_models.health.board import HealthBoard, Scope
from langchain_lucky_models.health.news import News


def tell_health(board: HealthBoard, events: Events) -> None:
    """Publish from now on what happens to the breakers of a board."""
    board.listen(lambda scope, news, here: events.publish(health_changed(scope, news, here=here)))


def health_changed(scope: Scope, news: News, *, here: bool = True) -> HealthChanged:
    """News of a breaker as an event. Whose key it was stays unsaid.

    Example:
        >>> health_changed(Scope("model", "openai", model="gpt-4o"), News("open", 10.0, 1, "provider_down")).state
        'open'
    """
    return HealthChanged(
        endpoint=scope.endpoint,
        model=scope.model or None,
        scope=scope.kind,
        state=news.kind,
        reason=news.reason,
        seconds=0.0 if news.kind == "closed" else news.seconds,
        here=here,
    )
