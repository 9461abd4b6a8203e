"""The provider that everybody is measured against: a process of its own, whose answers are bytes made beforehand.

Started as `python -m tests.benchmarks.rivals_server`, it prints its address and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.loopback import Answer, Exchange, Fault, Provider, wire
from tests.loopback.behaviours import ask_to_wait
from tests.loopback.dialects.openai_chat import OPENAI
from tests.loopback.exchange import dump
from tests.loopback.talk import Question

CHUNKS = 500
QUICK = ("gpt-4o", "gpt-4o-mini", "gpt-4.1")
"""Answer at once; everybody's price lists know them."""
OPEN_WEIGHTS = "openai/gpt-oss-20b"
"""Answers at once, also by Groq's address."""
DOWN = "down"
"""Always says 503."""
BUSY = "busy"
"""Always says 429, and asks for three seconds."""
TAILED = ("tailed-a", "tailed-b")
"""Answer soon, but one answer in twenty is late; each on its own."""
PACED = "paced"
"""Streams with pauses."""

SOON, LATE, LATE_SHARE = 0.02, 0.4, 0.05
PACED_CHUNKS, PACE = 10, 0.2
SCRIPTED = (DOWN, BUSY, *TAILED, PACED)


def words(count: int) -> str:
    """Words that differ, because LiteLLM ends a stream that repeats itself."""
    return " ".join(f"w{number}" for number in range(count))


def ready_bytes(model: str, *, streams: bool) -> bytes:
    """A whole response, headers and all."""
    question = Question(model, "hi", streams=streams, wants_usage=True, words=2)
    if not streams:
        return wire.whole(200, dump(OPENAI.whole(question, Answer())))
    frames = OPENAI.stream(question, Answer(text=words(CHUNKS)))
    return wire.head(200, [("content-type", OPENAI.media)]) + _chunked(frame.data for frame in frames)


def _chunked(parts: Iterator[bytes]) -> bytes:
    return b"".join(wire.chunk(part) for part in parts) + wire.LAST_CHUNK


def at_once(model: str) -> Fault:
    """Answer with bytes that are there already."""
    whole, stream = ready_bytes(model, streams=False), ready_bytes(model, streams=True)

    async def answer(exchange: Exchange) -> None:
        await exchange.line.send(stream if exchange.question.streams else whole)

    return answer


def tailed(model: str) -> Fault:
    """Answer soon, mostly."""
    chance, whole = random.Random(model), ready_bytes(model, streams=False)

    async def answer(exchange: Exchange) -> None:
        await asyncio.sleep(LATE if chance.random() < LATE_SHARE else SOON)
        await exchange.line.send(whole)

    return answer


def paced(model: str) -> Fault:
    """Stream word by word, with pauses."""
    question = Question(model, "hi", streams=True, wants_usage=True, words=2)
    head = wire.head(200, [("content-type", OPENAI.media)])
    frames = [wire.chunk(frame.data) for frame in OPENAI.stream(question, Answer(text=words(PACED_CHUNKS)))]

    async def answer(exchange: Exchange) -> None:
        await exchange.line.send(head)
        for frame in frames:
            await exchange.line.send(frame)
            await asyncio.sleep(PACE)
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


def main() -> None:
    """Serve until the input ends."""
    with Provider() as server:
        for model in (*QUICK, OPEN_WEIGHTS):
            server.script(at_once(model), model=model)
        for model in TAILED:
            server.script(tailed(model), model=model)
        server.script(paced(PACED), model=PACED)
        server.script("status_503", model=DOWN)
        server.script(ask_to_wait("3"), model=BUSY)
        print(server.url, flush=True)
        sys.stdin.read()


@contextmanager
def serving() -> Iterator[str]:
    """The address of a fresh server in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.rivals_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


if __name__ == "__main__":
    main()
