"""What a message points at is the provider's to fetch, or nobody's: never ours."""

from __future__ import annotations

from typing import Any

import langchain_openai.chat_models.base as partner
import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from tests import homes
from tests.loopback import Provider


def message(url: str) -> HumanMessage:
    """A question with a picture, a file and a link."""
    parts: list[Any] = [
        {"type": "text", "text": f"What is at {url}?"},
        {"type": "image_url", "image_url": {"url": f"{url}/picture.png"}},
    ]
    return HumanMessage(parts)


@pytest.fixture
def canary(start_provider: Any) -> Provider:
    """Where the pictures are; nobody comes."""
    server: Provider = start_provider()
    return server


@pytest.mark.parametrize("name", homes.EVERY)
async def test_what_a_message_points_at_is_not_fetched(provider: Provider, canary: Provider, name: str) -> None:
    """Case 131: asked in four ways, and counted, the address reaches the provider and hears 0 requests itself."""
    question: list[BaseMessage] = [message(canary.url)]
    with homes.user_on(provider) as user:
        model = user.model(name)
        model.invoke(question)
        await model.ainvoke(question)
        list(model.stream(question))
        [chunk async for chunk in model.astream(question)]
        assert model.get_num_tokens_from_messages(question) > 0
    asked = [request for request in provider.requests if f"{canary.url}/picture.png".encode() in request.body]
    assert len(asked) >= 4
    assert canary.requests == []


@pytest.mark.parametrize("name", [homes.OPENAI, homes.OPENROUTER])
def test_counting_tokens_fetches_no_picture(provider: Provider, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Case 131: a partner that would fetch a picture to count it, with all that it needs for it, is told not to."""
    wanted: list[str] = []

    class Words:
        def encode(self, text: str) -> list[str]:
            return text.split()

    monkeypatch.setattr(partner, "_url_to_size", wanted.append)
    monkeypatch.setattr(partner.BaseChatOpenAI, "_get_encoding_model", lambda _: ("gpt-4o", Words()))
    with homes.user_on(provider) as user:
        assert user.model(name).get_num_tokens_from_messages([message("https://example.com")]) > 3
    assert wanted == []
