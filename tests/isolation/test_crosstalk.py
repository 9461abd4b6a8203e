"""Many users at once: everybody's request carries their own key, and everybody gets their own answer."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_lucky_models import LLMRegistry, LuckyChatModel, UserModels, create_llm_registry
from langchain_lucky_models.errors import AuthFailedError, KeyMissingError
from tests.isolation.children import MODELS, handle_of, key_of, registry_at, wrong_async, wrong_sync
from tests.loopback import Provider, Request, fingerprint

USERS = 100
ROUNDS = [5, pytest.param(50, marks=pytest.mark.slow)]
"""Times 100 users; threads and tasks together make the 10,000 calls of the case where there is time for it."""


@pytest.fixture
def echo(start_provider: Callable[..., Provider]) -> Provider:
    """It answers with the question and a sign of the key."""
    return start_provider(echo=True, cookies=True)


@pytest.fixture
def other_host(start_provider: Callable[..., Provider]) -> Provider:
    """Another such server, for users who bring their own."""
    return start_provider(echo=True, cookies=True)


@pytest.fixture
def registry(echo: Provider) -> Iterator[LLMRegistry]:
    with registry_at(echo.url, allow_private=True) as registry:
        yield registry


@pytest.fixture
def handles(registry: LLMRegistry, other_host: Provider) -> list[LuckyChatModel]:
    """A handle for each user, over four families; every second user brings a server, with an organisation header."""
    made = []
    for number in range(USERS):
        model = MODELS[number // 2 % len(MODELS)]
        provider = model.partition("#")[0]
        row = {"base_url": other_host.base_urls[provider], "headers": {"OpenAI-Organization": f"org-{number}"}}
        user = registry.for_user(
            mode="byok",
            user_id=str(number),
            models=[model],
            api_keys={provider: key_of(number)},
            endpoints={provider: row} if number % 2 else None,
        )
        made.append(user.model(model, max_retries=0))
    return made


def _strays(request: Request, *, brought: bool) -> list[str]:
    """What a request carries that is not its user's; the question says whose it is."""
    name = next(word for word in str(request.json["messages"][-1]["content"]).split() if word.isdigit())
    strays = [] if request.key == key_of(name) else ["key"]
    strays += [] if request.header("openai-organization") == (f"org-{name}" if brought else None) else ["organisation"]
    strays += [] if bool(int(name) % 2) is brought else ["host"]
    return strays + ([] if request.header("cookie") is None else ["cookie"])


def _all_strays(home: Provider, other: Provider) -> list[str]:
    found = [stray for request in home.requests for stray in _strays(request, brought=False)]
    return found + [stray for request in other.requests for stray in _strays(request, brought=True)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_hundred_users_in_threads(
    handles: list[LuckyChatModel], echo: Provider, other_host: Provider, rounds: int
) -> None:
    """Cases 42, 44 and 49: 0 wrong keys, organisations, hosts, cookies and answers of 500 (5,000) calls."""
    turns = list(range(USERS)) * rounds
    random.Random(7).shuffle(turns)
    with ThreadPoolExecutor(16) as pool:
        wrong = sum(pool.map(lambda name: wrong_sync(handles[name], name, 1), turns))
    assert (wrong, _all_strays(echo, other_host)) == (0, [])
    assert len(echo.requests) + len(other_host.requests) == len(turns)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_hundred_users_in_tasks(
    handles: list[LuckyChatModel], registry: LLMRegistry, echo: Provider, other_host: Provider, rounds: int
) -> None:
    """Cases 42, 44 and 49: the same of 500 (5,000) calls in tasks, 200 at a time."""

    async def all_at_once() -> int:
        gate = asyncio.Semaphore(200)

        async def one(name: int) -> int:
            async with gate:
                return await wrong_async(handles[name], name, 1)

        wrong = sum(await asyncio.gather(*(one(name) for name in list(range(USERS)) * rounds)))
        await registry.aclose()
        return wrong

    assert (asyncio.run(all_at_once()), _all_strays(echo, other_host)) == (0, [])
    assert len(echo.requests) + len(other_host.requests) == USERS * rounds


CURRENT = contextvars.ContextVar[str]("current_user")


def _key_of_current() -> str:
    return key_of(CURRENT.get())


async def _akey_of_current() -> str:
    await asyncio.sleep(0)
    return key_of(CURRENT.get())


def _within(handle: LuckyChatModel) -> Callable[[str], AIMessage]:
    return lambda text: handle.invoke(text)  # noqa: PLW0108 - not the bound method: it takes the configuration too


@pytest.mark.parametrize("source", [_key_of_current, _akey_of_current])
async def test_a_key_by_context_is_the_callers_wherever_the_call_goes(
    echo: Provider, source: Callable[[], str]
) -> None:
    """Case 43: contextvars through tasks, to_thread, nested runnables and races: 0 wrong of 160."""
    providers = {"openai": {"base_url": f"{echo.url}/v1", "api_key": source}}
    registry = create_llm_registry(providers=providers)
    user = registry.for_user(mode="shared", user_id="all", models=["openai#*"])
    plain = user.model("openai#gpt-4o")
    racing = user.models("openai#gpt-4o", "openai#gpt-4o-mini", strategy="race")
    nested: Runnable[str, AIMessage] = RunnableLambda(_within(plain)) | RunnableLambda(lambda message: message)

    async def one(name: str) -> list[bool]:
        CURRENT.set(name)
        expected = f"{name} [{fingerprint(key_of(name))}]"
        answers = [await plain.ainvoke(name), await asyncio.to_thread(plain.invoke, name)]
        answers += [await nested.ainvoke(name), await asyncio.to_thread(racing.invoke, name)]
        return [answer.text != expected for answer in answers]

    wrong = [bad for row in await asyncio.gather(*(one(str(number)) for number in range(40))) for bad in row]
    await registry.aclose()
    registry.close()
    assert (sum(wrong), len(wrong)) == (0, 160)


@pytest.mark.parametrize("source", [_key_of_current, _akey_of_current])
def test_without_a_user_there_is_an_error_and_not_the_last_user(echo: Provider, source: Callable[[], str]) -> None:
    """Case 43: where the context names nobody, nothing is sent."""
    providers = {"openai": {"base_url": f"{echo.url}/v1", "api_key": source}}
    with create_llm_registry(providers=providers) as registry:
        handle = registry.for_user(mode="shared", user_id="all", models=["openai#*"]).model("openai#gpt-4o")
        contextvars.copy_context().run(lambda: (CURRENT.set("ada"), handle.invoke("ada")))
        with pytest.raises(KeyMissingError):
            handle.invoke("nobody")
    assert len(echo.requests) == 1


async def test_the_configuration_of_a_run_chooses_for_that_run_only(registry: LLMRegistry, echo: Provider) -> None:
    """Case 43: one handle, two models by configuration, interleaved: 0 wrong models of 60."""
    user = registry.for_user(mode="byok", user_id="7", models=["openai#*"], api_keys={"openai": key_of(7)})
    handle = user.model("openai#gpt-4o")

    async def one(number: int) -> bool:
        chosen = ("gpt-4o", "gpt-4o-mini", None)[number % 3]
        config = {"configurable": {"model": chosen}} if chosen else None
        answer = await handle.ainvoke(f"7 {number}", config)  # type: ignore[arg-type]
        return bool(answer.response_metadata["lucky"]["ref"] == f"openai#{chosen or 'gpt-4o'}")

    right = await asyncio.gather(*(one(number) for number in range(60)))
    await registry.aclose()
    assert (sum(right), len(echo.asked("gpt-4o-mini"))) == (60, 20)


class TestSharedAnswers:
    """LangChain's cache for the whole process."""

    @pytest.fixture(autouse=True)
    def cache(self) -> Iterator[None]:
        set_llm_cache(InMemoryCache())
        yield
        set_llm_cache(None)

    @staticmethod
    def _users(registry: LLMRegistry, echo: Provider) -> dict[str, UserModels]:
        house = create_llm_registry(
            providers={"openai": {"base_url": f"{echo.url}/v1"}}, fallback_keys={"openai": key_of("house")}
        )

        def byok(name: str, key: object) -> UserModels:
            return registry.for_user(
                mode="byok",
                user_id=name,
                models=["openai#*"],
                api_keys={"openai": key},  # type: ignore[dict-item]
            )

        async def asked() -> str:
            return key_of("asked")

        return {
            "ada": byok("ada", key_of("a")),
            "ada with another key": byok("ada", key_of("b")),
            "bob with ada's key": byok("bob", key_of("a")),
            "bob with a function": byok("bob", asked),
            "carol of the house": house.for_user(mode="shared", user_id="carol", models=["openai#*"]),
            "dave of the house": house.for_user(mode="shared", user_id="dave", models=["openai#*"]),
        }

    def test_no_answer_goes_to_another_user_or_key(self, registry: LLMRegistry, echo: Provider) -> None:
        """Case 45: six payers ask the same, the provider hears six; each hears its own answer again for nothing."""
        users = self._users(registry, echo)
        for count, user in enumerate(users.values(), 1):
            handle = user.model("openai#gpt-4o")
            for _ in range(2):
                handle.invoke("the same question")
            assert len(echo.requests) == count
        assert len(echo.requests) == 6

    def test_a_revoked_key_gets_no_remembered_answer(self, echo: Provider) -> None:
        """Case 45: the key changes under the handle, and the provider is asked again: 2 of 2."""
        keys = [key_of("old")]
        providers = {"openai": {"base_url": f"{echo.url}/v1", "api_key": lambda: keys[-1]}}
        with create_llm_registry(providers=providers) as registry:
            handle = registry.for_user(mode="shared", user_id="ada", models=["openai#*"]).model("openai#gpt-4o")
            handle.invoke("the same question")
            keys.append(key_of("revoked"))
            echo.script("status_401", key=key_of("revoked"))
            with pytest.raises(AuthFailedError):
                handle.invoke("the same question")
        assert len(echo.requests) == 2


def test_a_new_key_counts_from_the_very_next_request(echo: Provider) -> None:
    """Case 48: 1,000 calls in 8 threads while the key changes 10 times; none begun after a change uses an older key."""
    keys = [key_of(0)]
    providers = {"openai": {"base_url": f"{echo.url}/v1", "api_key": lambda: keys[-1]}}
    late: list[bool] = []

    def one(number: int) -> None:
        if number % 100 == 0:
            keys.append(key_of(len(keys)))
        oldest = len(keys) - 1
        answer = handle.invoke("which").text
        usable = {f"which [{fingerprint(key)}]" for key in keys[oldest:]}
        late.append(answer not in usable)

    with create_llm_registry(providers=providers) as registry, ThreadPoolExecutor(8) as pool:
        handle = registry.for_user(mode="shared", user_id="ada", models=["openai#*"]).model("openai#gpt-4o")
        list(pool.map(one, range(1000)))
    assert (sum(late), len(late), len(keys)) == (0, 1000, 11)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_six_runs_in_a_row_share_a_handle(
    registry: LLMRegistry, echo: Provider, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Case 47: 0 wrong answers of 60 and no silent repetition, on asyncio's loop and on uvloop."""
    handle = handle_of(registry, 2)
    wrong = 0
    for _ in range(6):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            wrong += runner.run(wrong_async(handle, 2, 10))
    assert (wrong, len(echo.requests)) == (0, 60)


def test_threads_with_loops_of_their_own_share_a_handle(registry: LLMRegistry, echo: Provider) -> None:
    """Case 47: 8 threads with a loop each, every one also asking synchronously inside it: 0 wrong of 240."""
    handle = handle_of(registry, 4)

    async def both() -> int:
        return await wrong_async(handle, 4, 15) + wrong_sync(handle, 4, 15)

    with ThreadPoolExecutor(8) as pool:
        wrong = sum(pool.map(lambda _: asyncio.run(both()), range(8)))
    assert (wrong, len(echo.requests)) == (0, 240)


def test_forked_children_hear_no_answer_of_each_other(echo: Provider) -> None:
    """Case 46: four families, 4 children of 30 questions each, after a first use in thread and loop: 0 of 480."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.isolation.children", echo.url],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.stdout.splitlines(), done.stderr) == ([f"{model} 0" for model in MODELS], "")
    assert len(echo.requests) == len(MODELS) * (2 + 4 * 30 + 4)


def _spawned(url: str, name: int, results: multiprocessing.SimpleQueue[int]) -> None:
    with registry_at(url) as registry:
        results.put(wrong_sync(handle_of(registry, name), name, 10))


@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.slow)])
def test_spawned_children_have_registries_of_their_own(echo: Provider, method: str) -> None:
    """Case 46: 0 wrong of 20."""
    context: Any = multiprocessing.get_context(method)
    results = context.SimpleQueue()
    children = [context.Process(target=_spawned, args=(echo.url, name, results)) for name in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(280)
    assert [results.get() for _ in children] == [0, 0]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not installed")
def test_gunicorn_preloads(echo: Provider) -> None:
    """Case 46: 4 preloaded workers, 120 questions from 8 threads: 0 wrong answers, 0 errors."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "4", "-b", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, "tests.isolation.children:application"],
        env={**os.environ, "LUCKY_PRELOAD": echo.url},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            _wait_for(port)
            with ThreadPoolExecutor(8) as pool:
                wrong = sum(pool.map(lambda number: _page(port, f"q{number}") != _echo(f"q{number}"), range(120)))
        finally:
            server.terminate()
        assert server.stderr is not None
        log = server.stderr.read()
    assert (wrong, "Traceback" in log) == (0, False)


def _echo(text: str) -> str:
    return f"{text} [{fingerprint(key_of('parent'))}]"


def _page(port: int, text: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/?{text}", timeout=60) as page:
        answer: bytes = page.read()
    return answer.decode()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
