"""The wire as a whole: nothing at import, nothing at exit, and typed errors where the machine is at its end."""

from __future__ import annotations

import resource
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from langchain_lucky_models.wire import Wire
from tests.wire.raw import RawServer, Talk, credential

Serve = Callable[..., RawServer]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_importing_and_laying_a_wire_opens_nothing_and_loads_no_slow_client() -> None:
    done = run(
        """
        import sys, threading
        events = []
        sys.addaudithook(lambda name, _: events.append(name) if name.startswith("socket.") else None)
        from langchain_lucky_models.wire import Wire
        Wire().client("httpx2")
        assert threading.active_count() == 1
        assert "httpx" not in sys.modules
        assert not [name for name in events if name != "socket.__new__"], events
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_one_client_of_each_kind_is_shared(wire: Wire) -> None:
    assert wire.client("httpx2") is wire.client("httpx2")
    assert wire.async_client("httpx") is wire.async_client("httpx")


END = """
import asyncio, sys, threading, time
from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.wire import Wire
url, how = sys.argv[1:]
wire = Wire()
ticket = wire.issue(Credential("openai", "house", Secret("sk-1234567890", field="key"), frozenset({url})))
headers = {"Authorization": f"Bearer {ticket.text}"}
def call():
    try:
        wire.client("httpx2").post(url, headers=headers)
    except Exception:
        pass
async def acall():
    await wire.async_client("httpx2").post(url + "/quick", headers=headers)
    task = asyncio.ensure_future(wire.async_client("httpx2").post(url, headers=headers))
    await asyncio.sleep(0.05)
if how == "thread":
    threading.Thread(target=call, daemon=True).start()
    time.sleep(0.1)
else:
    asyncio.run(acall())
"""


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_process_ends_quietly_in_the_middle_of_a_call(serve: Serve, how: str) -> None:
    def answer(talk: Talk) -> None:
        if b"/quick" in talk.request:
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        else:
            talk.wait_until_gone()

    server = serve(answer)
    done = run(END, server.url, how)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_spawned_process_lays_a_wire_of_its_own(serve: Serve) -> None:
    server = serve()
    done = run(
        """
        import multiprocessing, sys
        from tests.wire.raw import Asker, credential
        from langchain_lucky_models.wire import Wire

        def ask(url):
            wire = Wire()
            assert Asker(wire, "httpx2", "sync").post(url, wire.issue(credential(url))).status_code == 200
            wire.close()

        if __name__ == "__main__":
            ask(sys.argv[1])
        """,
        server.url,
    )
    assert (done.stderr, done.returncode) == ("", 0)


@contextmanager
def no_file_numbers() -> Iterator[None]:
    """No further socket can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_process_without_file_numbers_gets_a_connect_error(wire: Wire, serve: Serve) -> None:
    server = serve()
    headers = {"Authorization": f"Bearer {(ticket := wire.issue(credential(server.url))).text}"}
    with no_file_numbers(), pytest.raises(httpx2.ConnectError, match="open files"):
        wire.client("httpx2").post(server.url, headers=headers)
    client = wire.async_client("httpx2")
    with no_file_numbers(), pytest.raises(httpx2.ConnectError, match="open files"):
        await client.post(server.url, headers=headers)
    assert (await client.post(server.url, headers=headers)).is_success
    await wire.aclose()
    del ticket
