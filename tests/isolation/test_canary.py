"""A canary key in every shape, looked for in everything that a call leaves behind."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import langsmith
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps
from langchain_core.runnables import RunnableConfig
from langchain_core.tracers import LangChainTracer
from pydantic import BaseModel, SecretStr, ValidationError

from langchain_lucky_models import LuckyChatModel, ProviderSettings, create_llm_registry
from langchain_lucky_models.errors import ConfigError, KeyMissingError, LuckyError
from tests.isolation.scenes import MODELS, OTHER, SHAPES, Scene, scene_of
from tests.isolation.search import CANARY, error_channels, every_log, pickled, shows
from tests.loopback import Provider

Found = Iterator[tuple[str, object]]
FAULTS = ("status_503", "reset_before_answer", "html_200", "cut_after_tokens", "redirect_307", "status_401_echo")
"""The refusal of the key comes last: who was refused rests."""
WAYS = ("invoke", "ainvoke", "stream", "astream")
QUICK = {"byok text", "byok coroutine function", "settings text", "header of a user"}
PLACES = [
    *(pytest.param("openai", shape, marks=() if shape in QUICK else pytest.mark.slow, id=shape) for shape in SHAPES),
    *(pytest.param(name, "byok text", id=f"byok text of {name}") for name in MODELS if name != "openai"),
]


class Listener(BaseCallbackHandler):
    """Keeps everything that callbacks are told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[Any]], **kwargs: Any) -> None:
        self.told += [serialized, messages, kwargs]

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.told += [response, kwargs]

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.told += [*(found for _, found in error_channels(error)), kwargs]


class Recorder(BaseHTTPRequestHandler):
    """A LangSmith that takes everything and keeps it."""

    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self._answer({})

    def do_GET(self) -> None:
        self._answer({"version": "0.14.0", "batch_ingest_config": {"use_multipart_endpoint": False}})

    do_PATCH = do_POST  # noqa: N815 - the name the server looks for

    def _answer(self, body: object) -> None:
        told = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@contextmanager
def langsmith_on_loopback() -> Iterator[tuple[LangChainTracer, Callable[[], list[bytes]]]]:
    """A tracer, and what its LangSmith has received."""
    bodies: list[bytes] = []
    kind = type("Kept", (Recorder,), {"bodies": bodies})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, name="langsmith", daemon=True).start()
        client = langsmith.Client(
            api_url=f"http://127.0.0.1:{server.server_port}", api_key="ls-1", auto_batch_tracing=False
        )

        def received() -> list[bytes]:
            client.flush()
            return bodies

        yield LangChainTracer(client=client), received
        client.close()
        server.shutdown()


def ask(handle: LuckyChatModel, way: str, config: RunnableConfig) -> LuckyError | None:
    """Ask in one way; the error, if there is one."""
    try:
        if way == "invoke":
            handle.invoke("hello", config)
        elif way == "stream":
            list(handle.stream("hello", config))
        else:
            asyncio.run(_ask(handle, way, config), debug=True)
    except LuckyError as error:
        return error
    return None


async def _ask(handle: LuckyChatModel, way: str, config: RunnableConfig) -> None:
    if way == "ainvoke":
        await handle.ainvoke("hello", config)
    else:
        async for _ in handle.astream("hello", config):
            pass


def objects(scene: Scene) -> Found:
    """What can be made of every object that an application holds."""
    handle, partner = scene.handle, scene.user.resolve(scene.handle.ref)
    for name, one in {"handle": handle, "partner": partner, "user": scene.user, "registry": scene.registry}.items():
        yield f"{name}: str, repr, format", f"{one!s} {one!r} {one}"
        yield f"{name}: vars", str(getattr(one, "__dict__", ""))
        yield f"{name}: getmembers", str(inspect.getmembers_static(one))
        yield f"{name}: reachable", one
        yield f"{name}: pickle", pickled(one)
        yield f"{name}: copy", copy.copy(one)
        yield f"{name}: deepcopy", _tried(copy.deepcopy, one)
    for name, model in {"handle": handle, "partner": partner}.items():
        yield f"{name}: model_dump", str(model.model_dump())
        yield f"{name}: model_dump_json", _tried(lambda model: model.model_dump_json(), model)
        yield f"{name}: dumpd", str(dumpd(model))
        yield f"{name}: dumps", dumps(model)
        yield f"{name}: cache key", model._get_llm_string()
    yield "handle: bound", repr(handle.bind(stop=["x"]) | str) + dumps(handle.bind(stop=["x"]))
    yield "explain", scene.user.explain(handle.ref)
    yield "problems", scene.user.problems()
    yield "provider_config", [scene.registry.provider_config(name) for name in MODELS]
    for provider in scene.registry._house.providers.values():
        yield f"settings of {provider.name}", _settings(provider.settings)
        yield f"provider {provider.name}", repr(provider) + repr(_tried(dataclasses.asdict, provider))


def _settings(settings: BaseModel) -> list[object]:
    return [repr(settings), settings.model_dump(), settings.model_dump_json(), pickled(settings), dict(settings)]


def _tried(make: Callable[[Any], object], one: object) -> object:
    try:
        return make(one)
    except Exception as error:  # noqa: BLE001 - what refuses shows what it says instead
        return repr(error)


def calls(scene: Scene) -> Found:
    """What good and bad calls tell callbacks, LangSmith and the log, and raise."""
    listener = Listener()
    with every_log() as log, langsmith_on_loopback() as (tracer, received):
        config: RunnableConfig = {"callbacks": [listener, tracer], "metadata": {"team": "a"}}
        for way in WAYS:
            assert ask(scene.handle, way, config) is None
        for number, fault in enumerate(FAULTS):
            scene.server.script(fault, times=1)
            way = WAYS[number % 4] if fault != "cut_after_tokens" else "stream"
            error = ask(scene.handle, way, config)
            assert error is not None, fault
            yield from ((f"{fault} {way}: {name}", found) for name, found in error_channels(error))
            assert fault == FAULTS[-1] or ask(scene.handle, "invoke", config) is None, "an answer closes the breaker"
        yield "callbacks", listener.told
        assert received(), "LangSmith heard nothing"
        yield "LangSmith", b"".join(received())
        assert any("httpcore" in line or "langchain" in line or "asyncio" in line for line in log), "nothing was logged"
        yield "log", "\n".join(log)


@pytest.mark.parametrize(("provider_name", "shape"), PLACES)
def test_no_channel_shows_the_key(provider_name: str, shape: str) -> None:
    """Cases 117, 118, 119, 120, 121 and 125: 0 of more than 100 channels for each shape show it.

    The server did receive it. Among the channels are those of a LangSmith that records every body it is sent.
    """
    with scene_of(shape, MODELS[provider_name]) as scene:
        channels = [*calls(scene), *objects(scene)]
        hits = [name for name, found in channels if shows(found)]
        assert all(_carries(request) for request in scene.server.requests), "the canary never left"
    assert f"{len(hits)} of {len(channels)}: {hits}" == f"0 of {len(channels)}: []"
    assert len(channels) > 100


def _carries(request: Any) -> bool:
    return any(CANARY in value for _, value in request.headers)


def test_the_search_finds_what_does_leak() -> None:
    """The control: a key in a header, in a setting, behind a slot or under base64 is found."""
    from langchain_openai import ChatOpenAI

    leaky = ChatOpenAI(model="m", api_key=SecretStr("k"), default_headers={"Authorization": f"Bearer {CANARY}"})
    assert shows(leaky)
    assert shows(repr(leaky))
    assert shows(SecretStr(CANARY))
    assert shows(pickled(SecretStr(CANARY)))
    assert not shows(ChatOpenAI(model="m", api_key=SecretStr(OTHER)))


def failing() -> str:
    """A key source that tells the key in what it raises."""
    raise RuntimeError(f"vault said {CANARY}")


def blotted() -> str:
    """A key as it is read from a file, line end included."""
    return CANARY + "\n"


async def afailing() -> str:
    """Same as `failing`."""
    return failing()


async def ablotted() -> str:
    """Same as `blotted`."""
    return blotted()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", [failing, blotted, afailing, ablotted])
def test_a_key_source_that_fails_shows_no_key_and_sends_nothing(
    provider: Provider, source: Callable[[], Any], way: str
) -> None:
    """Cases 118 and 50: 0 of the channels of the error show what the source said, and 0 requests are sent."""
    with create_llm_registry(providers={"openai": {"base_url": provider.base_urls["openai"]}}) as registry:
        user = registry.for_user(mode="byok", user_id="ada", models=["openai#gpt-4o"], api_keys={"openai": source})
        error = ask(user.model("openai#gpt-4o"), way, {})
    assert isinstance(error, KeyMissingError)
    assert [name for name, found in error_channels(error) if shows(found)] == []
    assert provider.requests == []


def _plain(error: BaseException) -> list[str]:
    """Where a refusal shows the canary; not in frames, for the caller's own holds what it gave."""
    return [name for name, found in error_channels(error) if not name.endswith("locals") and shows(found)]


BAD = {"carriage return": "\r", "line feed": "\n", "NUL": "\0", "blank": " ", "letter outside ASCII": "é"}


@pytest.mark.parametrize("wrong", BAD.values(), ids=BAD)
@pytest.mark.parametrize("wrap", [str, SecretStr])
def test_a_key_that_no_header_takes_is_refused_at_load_by_its_fields_name_only(
    wrap: Callable[[str], Any], wrong: str
) -> None:
    """Cases 49 and 50: at load, wherever a key is given, without the key in the message."""
    key = wrap(f"{CANARY}{wrong}")
    places: dict[str, Callable[[], object]] = {
        "the openai key": lambda: create_llm_registry(fallback_keys={"openai": key}),
        "providers.openai.api_key": lambda: create_llm_registry(providers={"openai": {"api_key": key}}),
        "api_key": lambda: LuckyChatModel(model="openai#gpt-4o", api_key=key),
    }
    for field, make in places.items():
        with pytest.raises(ConfigError) as caught:
            make()
        assert (caught.value.field, _plain(caught.value)) == (field, [])


@pytest.mark.parametrize("wrong", ["\r\nX-Evil: 1", "\n", "\0", "é"])
def test_a_header_that_would_break_out_is_refused_at_load(wrong: str) -> None:
    """Case 50 for headers: their values and their names; a blank inside a value is an ordinary thing."""
    assert list(ProviderSettings(headers={"X-Title": "My App"}).headers) == ["X-Title"]
    for headers in ({"X-Team": f"{CANARY}{wrong}"}, {f"X-Team{wrong}": "a"}):
        with pytest.raises(ConfigError, match=r"providers\.openai\.headers") as caught:
            create_llm_registry(providers={"openai": {"headers": headers}})
        assert _plain(caught.value) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: ProviderSettings(api_key=CANARY, timeout=-1),
        lambda: ProviderSettings.model_validate({"api_key": CANARY, "nonsense": 1}),
        lambda: ProviderSettings.model_validate({"headers": {"X-Team": CANARY}, "timeout": "soon"}),
        lambda: LuckyChatModel.model_validate({"api_key": CANARY}),
        lambda: LuckyChatModel(model="openai#gpt-4o", api_key=CANARY, timeout="soon"),
        lambda: LuckyChatModel(model=["openai#gpt-4o"], api_key=CANARY),
    ],
)
def test_what_pydantic_refuses_shows_no_key(make: Callable[[], object]) -> None:
    """Case 117: the `input` of a validation error, in all its forms."""
    with pytest.raises(ValidationError) as caught:
        make()
    error = caught.value
    assert not shows(f"{error} {error!r} {error.errors()} {error.json()}")


@pytest.mark.parametrize(
    "make",
    [
        lambda url: create_llm_registry(providers={"openai": {"base_url": url}}),
        lambda url: create_llm_registry().for_user(
            mode="byok", user_id="ada", models=[], endpoints={"openai": {"base_url": url}}
        ),
    ],
    ids=["of the house", "of a user"],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(make: Callable[[str], object]) -> None:
    """Case 123: refused at load, in both layers."""
    with pytest.raises(ConfigError) as caught:
        make(f"https://ada:{CANARY}@example.com/v1")
    assert _plain(caught.value) == []
