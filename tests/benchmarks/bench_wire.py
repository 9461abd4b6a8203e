"""What the wire costs: ChatOpenAI on our clients against ChatOpenAI on its own, on one loopback server."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator

from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.wire import Ticket, Wire
from tests.benchmarks.report import Row
from tests.loopback import Answer, Exchange, Provider
from tests.loopback.exchange import answer_whole

ROUNDS = 7
CALLS = 40
STREAMS = 3
CHUNKS = 500
CROWD = 400
KEY = "sk-benchmark-0123456789"
BASELINE = "ChatOpenAI on its own clients"


def run() -> list[Row]:
    """Measure; CPU of the calling thread alone, so the server does not count."""
    with Provider() as server:
        server.reply(Answer(text=" ".join(f"w{number}" for number in range(CHUNKS))), model="gpt-4o")
        server.script(_slow, model="slow")
        wire = Wire()
        ticket = wire.issue(Credential("openai", "house", Secret(KEY, field="api_key"), frozenset({server.url})))
        try:
            return [*_sync_rows(wire, ticket, server), *asyncio.run(_async_rows(wire, ticket, server))]
        finally:
            wire.close()


async def _slow(exchange: Exchange) -> None:
    await asyncio.sleep(0.05)
    await answer_whole(exchange)


def _ours(wire: Wire, ticket: Ticket, server: Provider, model: str = "gpt-4o") -> ChatOpenAI:
    return ChatOpenAI(
        model=model,
        base_url=f"{server.url}/v1",
        api_key=SecretStr(ticket.text),
        http_client=wire.client("httpx2"),
        http_async_client=wire.async_client("httpx2"),
        max_retries=0,
    )


def _bare(server: Provider, model: str = "gpt-4o") -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{server.url}/v1", api_key=SecretStr(KEY), max_retries=0)


def _sync_rows(wire: Wire, ticket: Ticket, server: Provider) -> Iterator[Row]:
    ours, bare = _ours(wire, ticket, server), _bare(server)

    def cpu(work: Callable[[], object], times: int) -> float:
        started = time.thread_time()
        for _ in range(times):
            work()
        return (time.thread_time() - started) / times

    calls = [(cpu(lambda: ours.invoke("hi"), CALLS), cpu(lambda: bare.invoke("hi"), CALLS)) for _ in range(ROUNDS)]
    yield _row("invoke", calls)
    streams = [
        (cpu(lambda: list(ours.stream("hi")), STREAMS), cpu(lambda: list(bare.stream("hi")), STREAMS))
        for _ in range(ROUNDS)
    ]
    yield _row(f"stream of {CHUNKS} chunks", streams)


async def _async_rows(wire: Wire, ticket: Ticket, server: Provider) -> list[Row]:
    ours, bare = _ours(wire, ticket, server), _bare(server)

    async def cpu(work: Callable[[], Awaitable[object]], times: int) -> float:
        started = time.thread_time()
        for _ in range(times):
            await work()
        return (time.thread_time() - started) / times

    async def read(model: ChatOpenAI) -> None:
        async for _ in model.astream("hi"):
            pass

    calls = [
        (await cpu(lambda: ours.ainvoke("hi"), CALLS), await cpu(lambda: bare.ainvoke("hi"), CALLS))
        for _ in range(ROUNDS)
    ]
    streams = [(await cpu(lambda: read(ours), STREAMS), await cpu(lambda: read(bare), STREAMS)) for _ in range(ROUNDS)]
    crowd = await _crowd_row(_ours(wire, ticket, server, "slow"), _bare(server, "slow"))
    await wire.aclose()
    return [_row("ainvoke", calls), _row(f"astream of {CHUNKS} chunks", streams), crowd]


async def _crowd_row(ours: ChatOpenAI, bare: ChatOpenAI) -> Row:
    """Many slow calls at once, where the length of a pool counts."""

    async def cpu(model: ChatOpenAI) -> float:
        started = time.thread_time()
        await asyncio.gather(*(model.ainvoke("hi") for _ in range(CROWD)))
        return (time.thread_time() - started) / CROWD

    return _row(f"ainvoke, {CROWD} at once", [(await cpu(ours), await cpu(bare)) for _ in range(3)])


def _row(name: str, pairs: list[tuple[float, float]]) -> Row:
    figure = statistics.median(ours for ours, _ in pairs) * 1000
    return Row("wire", name, figure, "ms of CPU", BASELINE, statistics.median(ours / bare for ours, bare in pairs))


if __name__ == "__main__":
    for row in run():
        print(f"{row.name}: {row.figure:.2f} {row.unit}, {row.ratio:.3f} of {row.baseline}")
