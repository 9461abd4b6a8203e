"""Handles for tests of whole calls: with a sleep that is only noted, and asked every way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessageChunk

from langchain_lucky_models import LLMRegistry, LuckyChatModel
from langchain_lucky_models.drive import Pauses
from tests import homes

Asked = Callable[[LuckyChatModel], Awaitable[str]]


def noting_sleeps(registry: LLMRegistry) -> list[float]:
    """From now on, no call of the registry sleeps between attempts; what it would have slept is listed.

    Time passes all the same for who rests, or a call would ask again and again until the rest is over.
    """
    slept: list[float] = []

    async def asleep(seconds: float) -> None:
        slept.append(seconds)

    house = homes.user_of(registry).tenant.house
    house.backstage = replace(house.backstage, pauses=Pauses(slept.append, asleep))
    house.meter.health.clock = lambda: time.monotonic() + sum(slept)
    return slept


async def invoked(handle: LuckyChatModel) -> str:
    return (await asyncio.to_thread(handle.invoke, "Hi")).text


async def ainvoked(handle: LuckyChatModel) -> str:
    return (await handle.ainvoke("Hi")).text


async def streamed(handle: LuckyChatModel) -> str:
    return await asyncio.to_thread(lambda: "".join(chunk.text for chunk in handle.stream("Hi")))


async def astreamed(handle: LuckyChatModel) -> str:
    return "".join([chunk.text async for chunk in handle.astream("Hi")])


EVERY_WAY = (invoked, ainvoked, streamed, astreamed)


def mark_of(message: AIMessageChunk | Any) -> dict[str, Any]:
    """What an answer says about how it came about."""
    mark: dict[str, Any] = message.response_metadata["lucky"]
    return mark
