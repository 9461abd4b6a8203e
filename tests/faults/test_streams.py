"""What a stream may say last, and what it may not: the provider's word that it is done settles it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from langchain_lucky_models import errors
from tests import homes
from tests.faults.calls import Asked, astreamed, streamed
from tests.faults.matrix import TEXT
from tests.loopback import Exchange, Fault, Provider, wire
from tests.loopback.behaviours import broken_event, error_event

STREAMED = (streamed, astreamed)


def up_to(part: str, then: Callable[[Exchange], list[bytes]], *, breaks_off: bool = False) -> Fault:
    """Everything up to and with that part of a stream, then something else, then the end or a break."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin()
        places = [place for place, frame in enumerate(exchange.frames) if frame.part == part]
        await exchange.send_frames(exchange.frames[: places[-1] + 1])
        for data in then(exchange):
            await exchange.line.send(wire.chunk(data))
        if breaks_off:
            exchange.line.close()
        else:
            await exchange.line.send(wire.LAST_CHUNK)

    return answer


AFTERWARDS = {
    "nothing": up_to("finish", lambda _: []),
    "a cut": up_to("finish", lambda _: [], breaks_off=True),
    "a broken event": up_to("finish", broken_event),
}


@pytest.mark.parametrize("asked", STREAMED)
@pytest.mark.parametrize("ref", homes.PATHS)
@pytest.mark.parametrize("afterwards", AFTERWARDS)
async def test_what_breaks_after_the_last_word_costs_nobody_the_answer(
    provider: Provider, afterwards: str, ref: str, asked: Asked
) -> None:
    """The text is whole once the provider has said so; its usage is unknown, and the member is well."""
    provider.script(AFTERWARDS[afterwards], path=homes.PATHS[ref])
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).model(ref, max_retries=0)
        assert await asked(handle) == TEXT
        assert registry.health()[ref.partition("#")[0]].status == "healthy"
    assert len(provider.requests) == 1


def broken_off_by_the_provider(exchange: Exchange) -> list[bytes]:
    """OpenRouter's way to end a stream that its own provider broke off."""
    told = {"code": 502, "message": "the upstream is gone"}
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    event = {"id": "x", "object": "chat.completion.chunk", "model": "m", "error": told, "choices": [choice]}
    return [b"data: " + json.dumps(event).encode() + b"\n\n"]


@pytest.mark.parametrize("asked", STREAMED)
@pytest.mark.parametrize("event", [error_event, broken_off_by_the_provider])
@pytest.mark.parametrize("ref", [homes.OPENAI, homes.OPENROUTER])
async def test_an_error_inside_a_stream_of_200_breaks_it_whatever_was_shown(
    provider: Provider, ref: str, event: Callable[[Exchange], list[bytes]], asked: Asked
) -> None:
    """Case 14: an error object or the finish reason "error" is told as one, with the text so far; 8 of 8."""
    provider.script(up_to("content", event), path=homes.PATHS[ref])
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).models(ref, homes.GROQ, max_retries=0)
        with pytest.raises(errors.StreamInterruptedError) as broken:
            await asked(handle)
    assert broken.value.partial is not None
    assert broken.value.partial.text == TEXT
    assert len(provider.requests) == 1
    assert ("502" in broken.value.safe_message) == (broken.value.status == 502)
    assert "loopback broke in the middle" in broken.value.safe_message or broken.value.status == 502
