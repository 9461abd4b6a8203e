"""Partner packages on our clients: they work, they fail as they do elsewhere, and no key is left with them."""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import random
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_groq import ChatGroq
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_lucky_models import errors
from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.wire import CallScope, Ticket, Wire
from tests.clocks import Stopwatch
from tests.loopback import Provider
from tests.wire.raw import KEY

OVERSHOOT = 0.3
Build = Callable[[Wire, str, str], BaseChatModel]


def openai_model(wire: Wire, url: str, ticket: str) -> BaseChatModel:
    return ChatOpenAI(
        model="gpt-4o",
        base_url=f"{url}/v1",
        api_key=SecretStr(ticket),
        http_client=wire.client("httpx2"),
        http_async_client=wire.async_client("httpx2"),
        max_retries=0,
    )


def groq_model(wire: Wire, url: str, ticket: str) -> BaseChatModel:
    return ChatGroq(
        model_name="gpt-4o",
        base_url=url,
        api_key=SecretStr(ticket),
        http_client=wire.client("httpx"),
        http_async_client=wire.async_client("httpx"),
        max_retries=0,
    )


def anthropic_model(wire: Wire, url: str, ticket: str) -> BaseChatModel:
    model = ChatAnthropic(model="gpt-4o", base_url=url, api_key=SecretStr(ticket), max_retries=0)
    model.__dict__["_client"] = model._client.with_options(http_client=wire.client("httpx2"))
    model.__dict__["_async_client"] = model._async_client.with_options(http_client=wire.async_client("httpx2"))
    return model


@pytest.fixture(params=[openai_model, groq_model, anthropic_model], ids=["openai", "groq", "anthropic"])
def build(request: pytest.FixtureRequest) -> Build:
    builder: Build = request.param
    return builder


@pytest.fixture
def ticket(wire: Wire, provider: Provider) -> Ticket:
    return wire.issue(credential(provider.url))


def credential(url: str, key: str = KEY) -> Credential:
    return Credential("openai", "user:ada", Secret(key, field="api_key"), frozenset({url}))


@pytest.fixture(params=["invoke", "stream", "ainvoke", "astream"])
def call(request: pytest.FixtureRequest) -> Callable[[BaseChatModel, str], str]:
    """Every way to call a model, for its text."""
    how: str = request.param
    return lambda model, text: _called(how, model, text)


def _called(how: str, model: BaseChatModel, text: str) -> str:
    if how == "invoke":
        return str(model.invoke(text).text)
    if how == "stream":
        return "".join(str(piece.text) for piece in model.stream(text))
    return asyncio.run(_acalled(how, model, text))


async def _acalled(how: str, model: BaseChatModel, text: str) -> str:
    if how == "ainvoke":
        return str((await model.ainvoke(text)).text)
    return "".join([str(piece.text) async for piece in model.astream(text)])


Call = Callable[[BaseChatModel, str], str]


def test_partner_packages_answer_with_the_key_of_the_ticket(
    wire: Wire, provider: Provider, ticket: Ticket, build: Build, call: Call
) -> None:
    assert call(build(wire, provider.url, ticket.text), "hello")
    assert provider.keys_seen() == {KEY}
    assert "hello" in str(provider.requests[0].body)


def test_a_dripping_server_does_not_outlast_the_deadline(
    wire: Wire, provider: Provider, ticket: Ticket, build: Build, call: Call
) -> None:
    model = build(wire, provider.url, ticket.text)
    call(model, "hello")  # what a package does once is no part of a call
    provider.clear()
    provider.script("drip")
    scope = CallScope(deadline=time.monotonic() + 0.4)
    with Stopwatch() as watch, scope.entered(), pytest.raises(Exception):  # noqa: B017, PT011 - packages wrap it
        call(model, "hello")
    assert watch.seconds <= 0.4 + OVERSHOOT
    assert scope.reason == "deadline"
    assert provider.wait_until_gone(provider.requests[0]) is not None


def test_an_error_of_ours_survives_the_wrapping_of_packages(
    wire: Wire, provider: Provider, ticket: Ticket, build: Build, call: Call
) -> None:
    elsewhere = "http://127.0.0.1:9"
    scope = CallScope(deadline=time.monotonic() + 5)
    with scope.entered(), pytest.raises(Exception):  # noqa: B017, PT011 - as above
        call(build(wire, elsewhere, ticket.text), "hello")
    assert isinstance(scope.failure, errors.AddressRefusedError)


def test_nothing_of_the_environment_travels_with_a_users_key(
    wire: Wire, provider: Provider, ticket: Ticket, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "house-canary")
    build(wire, provider.url, ticket.text).invoke("hello")
    assert "house-canary" not in str(provider.requests)


def test_cookies_of_one_user_never_reach_another(
    wire: Wire, start_provider: Callable[..., Provider], build: Build
) -> None:
    server = start_provider(cookies=True)
    tickets = [wire.issue(credential(server.url, f"sk-user-{number}-0000")) for number in range(10)]
    for ticket in tickets * 5:
        build(wire, server.url, ticket.text).invoke("hello")
    assert len(server.requests) == 50
    assert not any(request.header("cookie") for request in server.requests)


class TestIsolation:
    """A hundred users at once, in threads and in tasks: the server sees each with the key of its own."""

    USERS = 100

    @pytest.fixture
    def users(self, wire: Wire, provider: Provider) -> list[tuple[int, BaseChatModel, Ticket]]:
        models = [openai_model, groq_model]
        users = []
        for number in range(self.USERS):
            # All alike in their first twenty characters.
            ticket = wire.issue(credential(provider.url, f"sk-proj-aaaaaaaaaaaaaaaaaaaa-{number:04}"))
            users.append((number, models[number % 2](wire, provider.url, ticket.text), ticket))
        return users

    def wrong_keys(self, provider: Provider) -> int:
        return sum(
            request.key != f"sk-proj-aaaaaaaaaaaaaaaaaaaa-{request.json['messages'][0]['content']}"
            for request in provider.requests
        )

    def test_in_threads(self, provider: Provider, users: list[tuple[int, BaseChatModel, Ticket]]) -> None:
        turns = users * 5
        random.Random(7).shuffle(turns)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda user: user[1].invoke(f"{user[0]:04}"), turns))
        assert len(provider.requests) == len(turns)
        assert self.wrong_keys(provider) == 0

    async def test_in_tasks(
        self, wire: Wire, provider: Provider, users: list[tuple[int, BaseChatModel, Ticket]]
    ) -> None:
        turns = users * 5
        random.Random(7).shuffle(turns)
        gate = asyncio.Semaphore(200)

        async def ask(number: int, model: BaseChatModel) -> None:
            async with gate:
                await model.ainvoke(f"{number:04}")

        await asyncio.gather(*(ask(number, model) for number, model, _ in turns))
        await wire.aclose()
        assert len(provider.requests) == len(turns)
        assert self.wrong_keys(provider) == 0


class TestLeaks:
    """A canary key is looked for everywhere a failed call leaves something."""

    @pytest.fixture(
        params=["status_401_echo", "status_503", "hang_before_headers", "reset_before_answer", "redirect_307"]
    )
    def failure(self, request: pytest.FixtureRequest, provider: Provider) -> str:
        name: str = request.param
        provider.script(name)
        return name

    @pytest.fixture
    def log(self) -> Iterator[io.StringIO]:
        text = io.StringIO()
        listener = logging.StreamHandler(text)
        root = logging.getLogger()
        before = root.level
        root.addHandler(listener)
        root.setLevel(logging.DEBUG)
        yield text
        root.removeHandler(listener)
        root.setLevel(before)

    @pytest.mark.usefixtures("failure")
    @pytest.mark.parametrize("how", ["invoke", "astream"])
    def test_a_failed_call_leaves_no_key(
        self, wire: Wire, provider: Provider, ticket: Ticket, build: Build, log: io.StringIO, how: str
    ) -> None:
        model = build(wire, provider.url, ticket.text)
        scope = CallScope(deadline=time.monotonic() + 0.3)
        with scope.entered(), pytest.raises(Exception) as caught:  # noqa: PT011 - as above
            _called(how, model, "hello")
        assert provider.keys_seen() == {KEY}, "the call never came as far as the key"
        found = [place for place, text in _left_behind(caught.value, model, scope, ticket, log) if KEY in text]
        assert found == []


def _left_behind(
    error: BaseException, model: BaseChatModel, scope: CallScope, ticket: Ticket, log: io.StringIO
) -> Iterator[tuple[str, str]]:
    yield "log", log.getvalue()
    yield "model", repr(model) + str(model.__dict__) + str(vars(model))
    yield "scope", repr(scope) + str(vars(scope))
    yield "ticket", repr(ticket) + str([getattr(ticket, name) for name in ("text", "credential")])
    chain: list[BaseException] = [error]
    for one in chain:
        chain += [near for near in (one.__cause__, one.__context__) if near is not None and near not in chain]
        yield f"{type(one).__name__} text", str(one) + repr(one) + str(one.args) + str(one.__dict__)
        yield f"{type(one).__name__} locals", _with_locals(one)
        for name in ("request", "response"):
            yield f"{type(one).__name__}.{name}", _shown(one, name)
        yield f"{type(one).__name__} pickle", str(_pickled(one))


def _with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def _shown(error: BaseException, name: str) -> str:
    try:
        part = getattr(error, name)
    except (AttributeError, RuntimeError):
        return ""
    text = getattr(part, "text", "") if name == "response" else ""
    return str(getattr(part, "headers", None) and list(part.headers.raw)) + str(text)


def _pickled(error: BaseException) -> Any:
    try:
        return pickle.dumps(error)
    except Exception:  # noqa: BLE001 - not every package's errors can be pickled
        return b""
