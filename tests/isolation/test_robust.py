"""A registry in a process that starts, ends, runs for long, or is at its limits."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models import LuckyChatModel
from langchain_lucky_models.errors import LuckyError
from tests.isolation.children import handle_of, registry_at, wrong_sync
from tests.loopback import Provider

ROOT = Path(__file__).parents[2]


def run(code: str, *arguments: str, options: tuple[str, ...] = (), **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh process."""
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environ},
    )


ASK = """
import asyncio, os, sys, threading
from tests.isolation.children import MODELS, handle_of, registry_at
url, how, times = sys.argv[1:]
registry = registry_at(url)
user = registry.for_user(mode="byok", user_id="ada", models=MODELS, api_keys=dict.fromkeys(
    ("openai", "anthropic", "groq"), "sk-ada-0123456789"))
handle = user.models(*MODELS[:2], strategy="race") if how == "race" else user.model(MODELS[0])
handle.members()

def stream():
    for _ in handle.stream("hello"):
        pass

async def begin():
    task = asyncio.ensure_future(handle.ainvoke("hello"))
    await asyncio.to_thread(os.read, 0, 1)

# Each child is a process that ends in the middle of a call; everything slow was loaded once, before the fork.
for _ in range(int(times)):
    if os.fork() == 0:
        break
    assert os.wait()[1] == 0
else:
    sys.exit()
if how == "loop":
    asyncio.run(begin())
else:
    threading.Thread(target=stream if how == "stream" else lambda: handle.invoke("hello"), daemon=True).start()
    os.read(0, 1)
"""


@pytest.mark.parametrize("how", ["call", "stream", "race", "loop"])
@pytest.mark.timeout(900)
@pytest.mark.parametrize("times", [1, pytest.param(25, marks=pytest.mark.slow)])
def test_a_process_ends_quietly_in_the_middle_of_a_call(provider: Provider, how: str, times: int) -> None:
    """Case 133: stderr is empty after a call, a stream, a race and a loop under way: in 4 runs (100 runs)."""
    provider.script("stall_after_tokens" if how == "stream" else "hang_before_headers")
    requests = 2 if how == "race" else 1
    command = [sys.executable, "-c", ASK, provider.url, how, str(times)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, cwd=ROOT) as ending:
        assert ending.stdin is not None
        for count in range(1, times + 1):
            while len(provider.requests) < count * requests:
                assert ending.poll() is None, ending.communicate()
                time.sleep(0.005)
            ending.stdin.write("!")
            ending.stdin.flush()
        assert ending.communicate() == ("", "")
    assert ending.returncode == 0


@pytest.mark.slow
def test_the_first_calls_of_many_threads_find_everything_loaded(start_provider: Callable[..., Provider]) -> None:
    """Case 42 from a cold start: SDKs load while others call; 0 errors, 0 wrong answers of 64."""
    done = run(
        """
        import sys
        from concurrent.futures import ThreadPoolExecutor
        from tests.isolation.children import MODELS, handle_of, registry_at, wrong_sync
        registry = registry_at(sys.argv[1])
        handles = [handle_of(registry, number, MODELS[number % 4]) for number in range(16)]
        with ThreadPoolExecutor(16) as pool:
            print(sum(pool.map(lambda number: wrong_sync(handles[number], number, 4), range(16))))
        """,
        start_provider(echo=True).url,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_importing_has_no_side_effects() -> None:
    """Case 137: 0 threads, 0 sockets, 0 files written, no SDK and no database, by audit of a fresh process."""
    done = run(
        """
        import sys, threading
        import langchain_core.language_models  # which itself tries a socket for IPv6
        seen = []
        def audit(name, args):
            if name == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
                seen.append((name, args[0]))
            elif name.startswith(("socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "_thread.start")):
                seen.append((name, args))
        sys.addaudithook(audit)
        import langchain_lucky_models
        loaded = {name.partition(".")[0] for name in sys.modules}
        assert not [name for name in sys.modules if name.startswith("langchain_lucky_models.")], "names load lazily"
        from langchain_lucky_models import create_llm_registry, LuckyChatModel
        create_llm_registry()
        loaded = {name.partition(".")[0] for name in sys.modules}
        banned = {"openai", "anthropic", "groq", "ollama", "langchain_openai", "langchain_anthropic", "langchain_groq",
                  "sqlalchemy", "redis", "starlette", "rich", "xllamacpp"}
        assert not loaded & banned, loaded & banned
        assert threading.active_count() == 1
        assert not seen, seen
        """,
        options=("-B",),
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("options", [("-O",), *(pytest.param(one, marks=pytest.mark.slow) for one in ((), ("-OO",)))])
def test_it_works_without_a_home_and_without_assertions(
    start_provider: Callable[..., Provider], options: tuple[str, ...], tmp_path: Path
) -> None:
    """Case 136: HOME cannot be written, another hash seed, `-O`, `-OO`: the answer is the same."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    done = run(
        """
        import sys
        from tests.isolation.children import handle_of, registry_at, wrong_sync
        with registry_at(sys.argv[1]) as registry:
            print(wrong_sync(handle_of(registry, 1), 1, 2))
        """,
        start_provider(echo=True).url,
        options=options,
        HOME=str(home),
        XDG_CACHE_HOME=str(home / "cache"),
        PYTHONHASHSEED="4711",
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert list(home.iterdir()) == []


def test_a_process_without_file_numbers_says_so(start_provider: Callable[..., Provider]) -> None:
    """Case 136: no descriptor is left: a typed error, and the next call answers again."""
    # In a process of its own: the limit is the whole process's, and would starve the provider as well.
    done = run(
        """
        import resource, sys
        from langchain_lucky_models.errors import ConnectionFailedError
        from tests.isolation.children import handle_of, registry_at
        with registry_at(sys.argv[1]) as registry:
            handle = handle_of(registry, 1)
            handle.invoke("hello")
            registry.close()
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                handle.invoke("hello")
            except ConnectionFailedError:
                print("typed")
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            print(bool(handle.invoke("hello").text))
        """,
        start_provider(echo=True).url,
    )
    assert (done.stdout, done.stderr) == ("typed\nTrue\n", "")


def _resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _mixed(handle: LuckyChatModel, calls: int) -> None:
    for number in range(calls):
        try:
            handle.invoke("hello") if number % 2 else list(handle.stream("hello"))
        except LuckyError:
            continue


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("calls", [200, pytest.param(5_000, marks=pytest.mark.slow)])
def test_many_calls_leave_nothing_behind(provider: Provider, calls: int) -> None:
    """Case 135: 400 (10,000) calls, faults among them; descriptors +-2, threads +0, and less than 1 kB a call."""
    with registry_at(provider.url) as registry:
        handle = handle_of(registry, 1)
        for fault in ("status_400", "content_refused"):
            provider.script(fault, times=calls // 20)
        # As many calls as are measured: what an allocator keeps of them is no leak.
        _mixed(handle, calls)
        provider.requests.clear()
        gc.collect()
        before = len(os.listdir("/proc/self/fd")), threading.active_count(), _resident()  # noqa: PTH208 - a count
        for fault in ("status_400", "content_refused"):
            provider.script(fault, times=calls // 20)
        provider.requests.clear()
        _mixed(handle, calls)
        provider.requests.clear()
        gc.collect()
        after = len(os.listdir("/proc/self/fd")), threading.active_count(), _resident()  # noqa: PTH208 - as above
    assert abs(after[0] - before[0]) <= 2
    assert after[1] == before[1]
    assert (after[2] - before[2]) / calls < 1024 if calls > 1_000 else after[2] - before[2] < 8 * 1024 * 1024


async def test_cancelled_tasks_leave_no_task_and_no_connection(provider: Provider) -> None:
    """Case 135: 50 calls are cancelled under way; 0 tasks and 0 connections are left."""
    provider.script("hang_before_headers")
    registry = registry_at(provider.url)
    handle = handle_of(registry, 1)
    before = len(asyncio.all_tasks())
    tasks = [asyncio.ensure_future(handle.ainvoke("hello")) for _ in range(50)]
    while len(provider.requests) < 50:  # noqa: ASYNC110 - the server counts in another thread
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
    assert len(asyncio.all_tasks()) <= before
    await registry.aclose()
    until = time.monotonic() + 60
    while provider.open_connections and time.monotonic() < until:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    assert provider.open_connections == 0


def test_three_hundred_users_share_connections(start_provider: Callable[..., Provider]) -> None:
    """Case 135: 300 users one after another use one connection, and what is dropped is freed."""
    echo = start_provider(echo=True)
    with registry_at(echo.url) as registry:
        wrong = sum(wrong_sync(handle_of(registry, number), number, 1) for number in range(300))
        connections = {request.connection for request in echo.requests}
        gc.collect()
        assert len(registry._users) == 0
    assert (wrong, len(connections)) == (0, 1)
