"""The wire as a whole: nothing at import, nothing at exit, and typed errors where the machine is at its end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

import pytest

from langchain_lucky_models.wire import Wire
from tests.wire.raw import RawServer, Talk

Serve = Callable[..., RawServer]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=90,
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
import asyncio, sys, threading
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
    await asyncio.to_thread(sys.stdin.readline)
if how == "thread":
    threading.Thread(target=call, daemon=True).start()
    sys.stdin.readline()
else:
    asyncio.run(acall())
"""


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_process_ends_quietly_in_the_middle_of_a_call(serve: Serve, how: str) -> None:
    under_way = threading.Event()

    def answer(talk: Talk) -> None:
        if b"/quick" in talk.request:
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        else:
            under_way.set()
            talk.wait_until_gone()

    command = [sys.executable, "-W", "error", "-c", END, serve(answer).url, how]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as ending:
        assert under_way.wait(60), "nothing was under way"
        assert ending.communicate("end\n", timeout=50) == ("", "")
    assert ending.returncode == 0


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


# In a process of its own: the limit is the whole process's, and would starve the server's threads as well.
STARVED = """
import asyncio, resource, sys
from contextlib import contextmanager
import httpx2
from langchain_lucky_models.wire import Wire
from tests.wire.raw import credential
url = sys.argv[1]
wire = Wire()
ticket = wire.issue(credential(url))
headers = {"Authorization": f"Bearer {ticket.text}"}
client, sync_client = wire.async_client("httpx2"), wire.client("httpx2")

@contextmanager
def no_file_numbers():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    except httpx2.ConnectError as error:
        print(error)
    else:
        print("no error")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

async def main():
    with no_file_numbers():
        await client.post(url, headers=headers)
    print((await client.post(url, headers=headers)).status_code)
    await wire.aclose()

with no_file_numbers():
    sync_client.post(url, headers=headers)
asyncio.run(main())
"""


def test_a_process_without_file_numbers_gets_a_connect_error(serve: Serve) -> None:
    done = run(STARVED, serve().url)
    assert (done.stderr, done.returncode) == ("", 0)
    sync, loop, after = done.stdout.splitlines()
    assert "open files" in sync
    assert "open files" in loop
    assert after == "200"
