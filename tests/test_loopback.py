"""The loopback providers answer the unmodified partner models, in every dialect and every way of calling."""

from __future__ import annotations

import contextlib
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import httpx
import httpx2
import pytest
import trustme
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.clocks import Stopwatch
from tests.loopback import FAULTS, Answer, Provider, ToolCall, Usage, fingerprint, partners
from tests.loopback.behaviours import pieces_of
from tests.loopback.partners import BUILDERS, aclose

GREETING = "Hello from the loopback model."


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


@tool
def magic_function(number: int) -> int:
    """Apply a magic function to a number."""
    return number + 2


@tool
def get_weather(location: str) -> str:
    """Tell the weather at a place."""
    return f"sunny in {location}"


@pytest.fixture(params=BUILDERS, ids=lambda build: build.__name__)
async def model(request: pytest.FixtureRequest, provider: Provider) -> AsyncIterator[BaseChatModel]:
    """Each partner's model, pointed at the loopback provider."""
    built = request.param(provider)
    yield built
    await aclose(built)


@pytest.fixture
async def openai_model(provider: Provider) -> AsyncIterator[BaseChatModel]:
    """ChatOpenAI, pointed at the loopback provider."""
    built = partners.openai(provider)
    yield built
    await aclose(built)


def total(chunks: Sequence[object]) -> AIMessageChunk:
    """A stream's chunks as one message."""
    first, *rest = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)]
    return add_ai_message_chunks(first, *rest)


def test_invoke_answers_with_usage_and_model_name(model: BaseChatModel) -> None:
    answer = model.invoke("Hello")
    assert isinstance(answer, AIMessage)
    assert answer.text == GREETING
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["model_name"]


async def test_ainvoke_answers(model: BaseChatModel) -> None:
    assert (await model.ainvoke("Hello")).text == GREETING


def test_stream_brings_words_and_counts_once(model: BaseChatModel) -> None:
    chunks = list(model.stream("Hello"))
    whole = total(chunks)
    assert whole.text == GREETING
    assert len([chunk for chunk in chunks if chunk.text]) > 3
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["input_tokens"] > 0


async def test_astream_brings_the_same_words(model: BaseChatModel) -> None:
    assert total([chunk async for chunk in model.astream("Hello")]).text == GREETING


def test_tools_get_arguments_from_their_schema(model: BaseChatModel) -> None:
    answer = model.bind_tools([magic_function]).invoke("What is magic_function(3)?")
    assert isinstance(answer, AIMessage)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("magic_function", {"number": 3})]


def test_streamed_tool_calls_add_up(model: BaseChatModel) -> None:
    whole = total(list(model.bind_tools([magic_function]).stream("What is magic_function(3)?")))
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("magic_function", {"number": 3})]


def test_a_tool_result_is_answered_with_text(model: BaseChatModel) -> None:
    bound = model.bind_tools([get_weather])
    asked = bound.invoke("What is the weather in 'Paris'?")
    assert isinstance(asked, AIMessage)
    result = ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])
    answer = bound.invoke([("user", "What is the weather?"), asked, result])
    assert answer.text == GREETING


def test_structured_output_follows_the_schema(model: BaseChatModel) -> None:
    assert isinstance(model.with_structured_output(Joke).invoke("Tell me a joke."), Joke)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the openai SDK's own stream of parsed answers
async def test_structured_output_follows_the_schema_when_streamed(model: BaseChatModel) -> None:
    last = [piece async for piece in model.with_structured_output(Joke).astream("Tell me a joke.")][-1]
    assert isinstance(last, Joke)


def test_parallel_calls_come_when_they_are_asked_for(openai_model: BaseChatModel) -> None:
    bound = openai_model.bind_tools([magic_function, get_weather], tool_choice="any")
    answer = bound.invoke("Do both in parallel for (4).")
    assert isinstance(answer, AIMessage)
    assert [call["name"] for call in answer.tool_calls] == ["magic_function", "get_weather"]


def test_unicode_survives_in_arguments(model: BaseChatModel) -> None:
    answer = model.bind_tools([get_weather]).invoke("What is the weather in '你好 München'?")
    assert isinstance(answer, AIMessage)
    assert answer.tool_calls[0]["args"] == {"location": "你好 München"}


def test_a_scripted_answer_carries_its_own_usage_and_name(provider: Provider, openai_model: BaseChatModel) -> None:
    provider.reply(Answer("Hi.", served="gpt-4o-2024-08-06", usage=Usage(100, 20, cached=40, reasoning=5)))
    answer = openai_model.invoke("Hello")
    assert isinstance(answer, AIMessage)
    assert answer.response_metadata["model_name"] == "gpt-4o-2024-08-06"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_token_details"]["cache_read"] == 40
    assert answer.usage_metadata["output_token_details"]["reasoning"] == 5


async def test_anthropic_counts_its_cache_apart(provider: Provider) -> None:
    provider.reply(Answer("Hi.", usage=Usage(100, 20, cached=40, written=10)))
    model = partners.anthropic(provider)
    answer = await model.ainvoke("Hello")
    await aclose(model)
    assert isinstance(answer, AIMessage)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] == 100
    assert answer.usage_metadata["input_token_details"]["cache_read"] == 40


def test_broken_arguments_can_be_scripted(provider: Provider, openai_model: BaseChatModel) -> None:
    provider.reply(Answer("", calls=(ToolCall("magic_function", '{"number": '),)))
    answer = openai_model.bind_tools([magic_function]).invoke("Hello")
    assert isinstance(answer, AIMessage)
    assert answer.invalid_tool_calls[0]["name"] == "magic_function"


async def test_requests_are_recorded_with_key_and_connection(provider: Provider) -> None:
    model = partners.groq(provider, "gsk-alice")
    await model.ainvoke("one")
    await model.ainvoke("two")
    await aclose(model)
    assert [request.key for request in provider.requests] == ["gsk-alice", "gsk-alice"]
    assert provider.requests[0].connection == provider.requests[1].connection
    assert provider.keys_seen() == {"gsk-alice"}
    assert len(provider.asked("openai/gpt-oss-20b")) == 2
    provider.clear()
    assert provider.requests == []


def test_echo_signs_the_question_with_the_key(start_provider: Callable[..., Provider]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "ping"}]}
    url = f"{start_provider(echo=True).url}/v1/chat/completions"
    answer = httpx.post(url, json=body, headers={"authorization": "Bearer sk-bob"}).json()
    assert answer["choices"][0]["message"]["content"] == f"ping [{fingerprint('sk-bob')}]"


def test_cookies_are_set_where_asked_for(start_provider: Callable[..., Provider]) -> None:
    server = start_provider(cookies=True)
    assert "session" in httpx.post(f"{server.url}/v1/chat/completions", json={"model": "m"}).cookies


def test_a_rule_fits_by_model_and_is_used_up(provider: Provider) -> None:
    provider.script("status_503", model="m", times=1)
    statuses = [
        httpx2.post(f"{provider.url}/v1/chat/completions", json={"model": model}).status_code
        for model in ("other", "m", "m")
    ]
    assert statuses == [200, 503, 200]


@pytest.mark.parametrize("path", ["/v1/models", "/openai/v1/models", "/api/v1/models", "/api/tags"])
def test_models_are_listed(provider: Provider, path: str) -> None:
    listed = httpx.get(provider.url + path).json()
    rows = listed.get("data") or listed["models"]
    assert {row.get("id") or row["name"] for row in rows} == {"gpt-4o", "loopback"}


def test_a_client_that_leaves_is_seen_at_once(provider: Provider) -> None:
    provider.script("hang_before_headers")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{provider.url}/v1/chat/completions", json={"model": "m"}, timeout=0.3)
    left = time.monotonic()
    with Stopwatch() as watch:
        gone = provider.wait_until_gone(provider.requests[0])
    assert gone is not None
    assert abs(gone - left) < 0.5 + watch.late


def test_a_stream_may_be_cut_into_any_pieces(provider: Provider) -> None:
    provider.script(pieces_of([b"data: {", b'"a": "', b"\xc3", b"\xa4", b'"}\r\n\r\n']))
    with httpx.stream("POST", f"{provider.url}/v1/chat/completions", json={"model": "m", "stream": True}) as answer:
        assert b"".join(answer.iter_raw()).decode() == 'data: {"a": "ä"}\r\n\r\n'


def test_https_is_spoken_where_a_certificate_is_given(start_provider: Callable[..., Provider]) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    server = start_provider(tls=context)
    assert httpx.get(f"{server.url}/v1/models", verify=trusting).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/v1/models")
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["endless_body", "endless_stream", "oversized_line", "comments_only", "drip_events"])
def test_what_has_no_end_goes_on_until_the_client_leaves(provider: Provider, name: str) -> None:
    provider.script(name)
    body = {"model": "m", "stream": True}
    with httpx.stream("POST", f"{provider.url}/v1/chat/completions", json=body) as answer:
        pieces = answer.iter_raw()
        assert all(next(pieces) for _ in range(3))
        assert provider.requests[0].gone_at is None
    assert provider.wait_until_gone(provider.requests[0])


def test_the_bomb_is_small_on_the_wire_and_large_unpacked(provider: Provider) -> None:
    provider.script("gzip_bomb")
    with httpx.stream("POST", f"{provider.url}/v1/chat/completions", json={"model": "m"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 500_000
    assert len(zlib.decompressobj(wbits=31).decompress(packed)) * packed.count(b"\x1f\x8b\x08") >= 400_000_000


def test_a_million_headers_are_too_many_for_any_client(provider: Provider) -> None:
    provider.script("million_headers")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{provider.url}/v1/chat/completions", json={"model": "m"}, timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[httpx.Client]:
    """One client for all faults: building one costs more than using it."""
    with httpx.Client(timeout=0.2, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        yield client


ENDLESS = {
    "drip",
    "drip_events",
    "endless_body",
    "endless_stream",
    "comments_only",
    "million_headers",
    "oversized_line",
    "gzip_bomb",
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", sorted(set(FAULTS) - ENDLESS))
def test_every_fault_leaves_the_server_able_to_answer(
    provider: Provider, browser: httpx.Client, name: str, *, streams: bool
) -> None:
    """Whatever a fault does to its own connection, the next request is answered."""
    provider.script(name, times=1)
    url = f"{provider.url}/v1/chat/completions"
    with contextlib.suppress(httpx.HTTPError):
        browser.post(url, json={"model": "m", "stream": streams})
    assert browser.post(url, json={"model": "m"}, timeout=20).json()["model"] == "m"
