"""Cancelling and interrupting: the connection is gone within 100 ms, and nothing is left running."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models.wire import CallScope, Wire
from langchain_lucky_models.wire.flavours import FlavourName
from tests.clocks import Stopwatch
from tests.wire.raw import EVENTS, RawServer, Talk, chunk, credential

Serve = Callable[..., RawServer]
ROOT = Path(__file__).parents[2]
POINTS = 200


def slow_stream(talk: Talk) -> None:
    time.sleep(0.01)
    talk.send(EVENTS)
    for _ in range(100):
        time.sleep(0.002)
        talk.send(chunk(b"data: 1\n\n"))
    talk.wait_until_gone()


@pytest.mark.parametrize("flavour", ["httpx", "httpx2"])
async def test_a_task_may_be_cancelled_at_any_point(wire: Wire, serve: Serve, flavour: FlavourName) -> None:
    server = serve(slow_stream)
    ticket = wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    chance = random.Random(4)
    unchanged = 0

    async def read() -> None:
        async with wire.async_client(flavour).stream("POST", server.url, headers=headers) as response:
            async for _ in response.aiter_bytes():
                pass

    async def cancelled() -> bool:
        task = asyncio.ensure_future(read())
        await asyncio.sleep(chance.uniform(0, 0.06))
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    for _ in range(POINTS // 10):
        unchanged += sum(await asyncio.gather(*(cancelled() for _ in range(10))))
    assert unchanged == POINTS
    for talk in list(server.talks):
        # The server itself would give up after 60 seconds.
        assert await asyncio.to_thread(talk.over.wait, 30), "a connection was left open"
    assert len(await wire._pools.for_loop()) == 0
    await wire.aclose()
    assert len([task for task in asyncio.all_tasks() if "wire" in repr(task.get_coro())]) == 0


async def test_a_timeout_of_asyncio_passes_through(wire: Wire, serve: Serve) -> None:
    server = serve(slow_stream)
    ticket = wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await wire.async_client("httpx2").post(server.url, headers=headers)
    assert await asyncio.to_thread(server.all_left)
    await wire.aclose()


async def test_a_task_may_abort_the_call_of_another(wire: Wire, serve: Serve) -> None:
    server = serve(slow_stream)
    ticket = wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    scope = CallScope(deadline=time.monotonic() + 60)
    with Stopwatch() as watch:
        asyncio.get_running_loop().call_later(0.05, scope.abort)
        with scope.entered(), pytest.raises(Exception, match="abort"):
            await wire.async_client("httpx2").post(server.url, headers=headers)
    assert watch.seconds < 0.15
    await wire.aclose()


def test_ctrl_c_ends_a_sync_call_and_its_connection(serve: Serve) -> None:
    """In a process of its own: the signal is the whole process's, and may be ignored where tests run."""
    under_way = threading.Event()

    def answer(talk: Talk) -> None:
        under_way.set()
        talk.wait_until_gone()

    code = """
        import signal, sys, threading
        from langchain_lucky_models.wire import Wire
        from tests.wire.raw import credential
        signal.signal(signal.SIGINT, signal.default_int_handler)
        wire = Wire()
        ticket = wire.issue(credential(sys.argv[1]))
        try:
            wire.client("httpx2").post(sys.argv[1], headers={"Authorization": f"Bearer {ticket.text}"}, timeout=60)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.stdin.read()  # the process goes on: only the call has ended
    """
    server = serve(answer)
    command = [sys.executable, "-c", textwrap.dedent(code), server.url]
    with subprocess.Popen(command, stdin=-1, stdout=-1, cwd=ROOT, text=True) as asking:
        assert under_way.wait(60)
        asking.send_signal(signal.SIGINT)
        assert asking.stdout is not None
        assert asking.stdout.readline() == "interrupted\n"
        assert server.all_left(), "the connection outlived its call"
        asking.communicate()


async def test_a_large_question_and_a_large_answer_pass_whole(wire: Wire, serve: Serve) -> None:
    body = b'"' + b"x" * 3_000_000 + b'"'

    def answer(talk: Talk) -> None:
        assert talk.request.endswith(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        talk.send(head + body)

    server = serve(answer)
    ticket = wire.issue(credential(server.url))
    headers = {"Authorization": f"Bearer {ticket.text}"}
    response = await wire.async_client("httpx2").post(server.url, headers=headers, content=body)
    assert response.content == body
    assert (await asyncio.to_thread(wire.client("httpx").post, server.url, headers=headers, content=body)).is_success
    await wire.aclose()
