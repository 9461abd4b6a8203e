"""Connections serve the next request of the same process, loop and place, and nobody else's."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import uvloop

from langchain_lucky_models.wire import Wire, WireLimits, bodies
from langchain_lucky_models.wire.flavours import FlavourName
from tests.clocks import Stopwatch
from tests.wire.raw import HELLO, Asker, RawServer, Talk, credential

Serve = Callable[..., RawServer]
FLAVOURS: tuple[FlavourName, ...] = ("httpx", "httpx2")


def echo(talk: Talk) -> None:
    """Answer with the question, slowly enough for questions to overlap."""
    body = talk.request.partition(b"\r\n\r\n")[2]
    time.sleep(0.001)
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def sync_question(wire: Wire, url: str, text: str, flavour: FlavourName = "httpx2") -> str:
    ticket = wire.issue(credential(url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    return str(wire.client(flavour).post(url, headers=headers, content=text).text)


async def async_question(wire: Wire, url: str, text: str, flavour: FlavourName = "httpx2") -> str:
    ticket = wire.issue(credential(url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    return str((await wire.async_client(flavour).post(url, headers=headers, content=text)).text)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_threads_share_connections_one_request_at_a_time(wire: Wire, serve: Serve, flavour: FlavourName) -> None:
    server = serve(echo)
    with ThreadPoolExecutor(8) as threads:
        texts = [f"question {number}" for number in range(400)]
        answers = threads.map(lambda text: sync_question(wire, server.url, text, flavour), texts)
        assert list(answers) == texts
    assert server.connections <= 8


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_six_loops_in_a_row_share_a_wire_and_leave_nothing(
    wire: Wire, serve: Serve, flavour: FlavourName, run: Callable[..., list[str]]
) -> None:
    server = serve(echo)
    loops = []

    async def several() -> list[str]:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        return await asyncio.gather(
            *(async_question(wire, server.url, f"question {number}", flavour) for number in range(10))
        )

    for _ in range(6):
        assert run(several()) == [f"question {number}" for number in range(10)]
    assert len(server.talks) == 60
    gc.collect()
    assert [loop() for loop in loops] == [None] * 6
    assert not wire._pools._loops


def test_a_loop_uses_its_connection_again(wire: Wire, serve: Serve) -> None:
    server = serve(echo)

    async def in_turn() -> None:
        for number in range(5):
            await async_question(wire, server.url, f"question {number}")
        await wire.aclose()

    asyncio.run(in_turn())
    assert server.connections == 1


def test_eight_threads_with_loops_of_their_own_get_their_own_answers(wire: Wire, serve: Serve) -> None:
    server = serve(echo)

    async def in_turn(name: int) -> bool:
        texts = [f"{name}: question {number}" for number in range(30)]
        return [await async_question(wire, server.url, text) for text in texts] == texts

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda name: asyncio.run(in_turn(name)), range(8)))
    assert len(server.talks) == 240


def test_a_sync_call_inside_a_running_loop_works(wire: Wire, serve: Serve) -> None:
    server = serve(echo)

    async def inside() -> tuple[str, str]:
        return sync_question(wire, server.url, "sync"), await async_question(wire, server.url, "async")

    assert asyncio.run(inside()) == ("sync", "async")


def test_a_loop_that_is_closed_without_a_goodbye_is_forgotten(wire: Wire, serve: Serve) -> None:
    server = serve(echo)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(async_question(wire, server.url, "one"))
    loop.close()
    asyncio.run(async_question(wire, server.url, "two"))
    del loop
    with pytest.warns(ResourceWarning, match="unclosed transport"):
        gc.collect()
    assert not wire._pools._loops


def _child(wire: Wire, url: str, name: int, results: multiprocessing.SimpleQueue[tuple[int, int]]) -> None:
    texts = [f"{name}: question {number}" for number in range(30)]
    foreign = sum(sync_question(wire, url, text) != text for text in texts)

    async def in_turn() -> int:
        return sum([await async_question(wire, url, text) != text for text in texts])

    results.put((foreign + asyncio.run(in_turn()), os.getpid()))


def test_forked_children_get_no_answer_of_each_other(wire: Wire, serve: Serve) -> None:
    server = serve(echo)

    async def before_and_after() -> list[tuple[int, int]]:
        # The loop's own connection stands while the children are made, as with a server that preloads.
        assert await async_question(wire, server.url, "before") == "before"
        assert sync_question(wire, server.url, "before") == "before"
        connections = server.connections
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        children = [context.Process(target=_child, args=(wire, server.url, name, results)) for name in range(4)]
        for child in children:
            child.start()
        for child in children:
            await asyncio.to_thread(child.join, 20)
        assert [child.exitcode for child in children] == [0] * 4
        before = server.connections
        assert await async_question(wire, server.url, "after") == "after"
        assert sync_question(wire, server.url, "after") == "after"
        assert server.connections == before, "a child closed its parent's connections"
        assert before > connections
        return [results.get() for _ in children]

    assert [foreign for foreign, _ in asyncio.run(before_and_after())] == [0] * 4
    assert len(server.talks) == 4 + 4 * 60


def test_a_connection_that_the_server_closed_while_idle_is_not_used(asker: Asker, serve: Serve) -> None:
    def answer(talk: Talk) -> None:
        talk.send(HELLO)
        talk.sock.shutdown(socket.SHUT_RDWR)

    server = serve(answer)

    async def in_turn() -> None:
        ticket = asker.wire.issue(credential(server.url))
        for _ in range(5):
            if asker.mode == "sync":
                assert asker.post(server.url, ticket).status_code == 200
            else:
                headers = {"Authorization": f"Bearer {ticket.text}"}
                assert (await asker.wire.async_client(asker.flavour).post(server.url, headers=headers)).is_success
            assert await asyncio.to_thread(server.talks[-1].over.wait, 30)
            await asyncio.sleep(0)  # a turn in which the loop hears of it

    asyncio.run(in_turn())
    assert len(server.talks) == 5


def test_what_a_server_says_unasked_never_answers_the_next_request(asker: Asker, serve: Serve) -> None:
    forged = HELLO.replace(b"{}", b"[]")
    server = serve(lambda talk: talk.send(HELLO + forged))

    async def in_turn() -> list[str]:
        headers = {"Authorization": f"Bearer {ticket.text}"}
        if asker.mode == "sync":
            return [asker.post(server.url, ticket).text for _ in range(3)]
        client = asker.wire.async_client(asker.flavour)
        return [(await client.post(server.url, headers=headers)).text for _ in range(3)]

    ticket = asker.wire.issue(credential(server.url))
    assert asyncio.run(in_turn()) == ["{}"] * 3
    assert server.connections == 3


def test_idle_connections_are_bounded_in_number_places_and_time(serve: Serve) -> None:
    limits = WireLimits(idle_connections=2, places=3, idle_seconds=0.1)
    wire = Wire(limits=limits)
    servers = [serve(echo) for _ in range(5)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: sync_question(wire, servers[0].url, f"{number}"), range(30)))
    assert len(wire._pools.for_threads()) <= 2
    for server in servers:
        sync_question(wire, server.url, "once")
    assert len(wire._pools.for_threads()) <= 3
    time.sleep(0.15)
    sync_question(wire, servers[0].url, "again")
    sync_question(wire, servers[0].url, "again")
    assert len(wire._pools.for_threads()) <= 2
    wire.close()
    assert len(wire._pools.for_threads()) == 0


def test_a_stream_that_ends_with_its_last_word_gives_its_connection_back(
    asker: Asker, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's client leaves a stream at `[DONE]`, before its formal end."""
    monkeypatch.setattr(bodies, "FAREWELL_SECONDS", 30.0)  # what a server on a busy machine needs

    def answer(talk: Talk) -> None:
        talk.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"e\r\ndata: [DONE]\n\n\r\n"
        )
        time.sleep(0.001)
        talk.send(b"0\r\n\r\n")

    server = serve(answer)
    ticket = asker.wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}

    def in_turn() -> None:
        for _ in range(3):
            with asker.wire.client(asker.flavour).stream("POST", server.url, headers=headers) as response:
                next(response.iter_raw())

    async def ain_turn() -> None:
        for _ in range(3):
            async with asker.wire.async_client(asker.flavour).stream("POST", server.url, headers=headers) as response:
                await anext(aiter(response.aiter_raw()))

    if asker.mode == "sync":
        in_turn()
    else:
        asyncio.run(ain_turn())
    assert server.connections == 1


def test_a_stream_that_is_left_early_closes_its_connection(asker: Asker, serve: Serve) -> None:
    def answer(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        talk.send(b"9\r\ndata: 1\n\n\r\n")
        talk.wait_until_gone()

    server = serve(answer)
    ticket = asker.wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}

    async def leave() -> None:
        async with asker.wire.async_client(asker.flavour).stream("POST", server.url, headers=headers) as response:
            await anext(aiter(response.aiter_raw()))

    if asker.mode == "sync":
        with asker.wire.client(asker.flavour).stream("POST", server.url, headers=headers) as response:
            next(response.iter_raw())
    else:
        asyncio.run(leave())
    left = time.monotonic()
    with Stopwatch() as watch:
        assert server.talks[0].over.wait(30)
    assert (server.talks[0].gone_at or 0) - left < 0.1 + watch.late


def test_a_stream_that_nobody_closes_is_closed_when_nobody_holds_it(wire: Wire, serve: Serve) -> None:
    def answer(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        talk.wait_until_gone()

    server = serve(answer)
    ticket = wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    client = wire.client("httpx2")
    response = client.send(client.build_request("POST", server.url, headers=headers), stream=True)
    del response
    gc.collect()
    assert server.talks[0].over.wait(30)


def test_neither_threads_nor_idle_connections_grow_with_calls_that_fail(wire: Wire, serve: Serve) -> None:
    def answer(talk: Talk) -> None:
        number = len(server.talks)
        if number % 5 == 0:
            talk.reset()
        elif number % 7 == 0:
            talk.send(HELLO.replace(b"200 OK", b"302 Moved"))
        else:
            talk.send(HELLO)

    server = serve(answer)
    ticket = wire.issue(credential(server.url))
    asker = Asker(wire, "httpx2", "sync")

    def ask(count: int) -> None:
        for _ in range(count):
            with suppress(Exception):
                asker.post(server.url, ticket)

    ask(50)
    threads = len([thread for thread in threading.enumerate() if thread.name.startswith("lucky")])
    idle = len(wire._pools.for_threads())
    ask(1000)
    assert len([thread for thread in threading.enumerate() if thread.name.startswith("lucky")]) == threads
    assert abs(len(wire._pools.for_threads()) - idle) <= 1
