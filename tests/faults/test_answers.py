"""Answers that are odd, broken or too much: taken whole or refused by name, never shortened in silence."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import trustme
from langchain_core.tools import tool

from langchain_lucky_models import Catalog, LLMRegistry, errors
from langchain_lucky_models.catalog.prices import cost
from langchain_lucky_models.health import HealthBoard
from langchain_lucky_models.providers.answers import countable
from tests import homes
from tests.faults.calls import EVERY_WAY, Asked, ainvoked, astreamed, invoked, mark_of, noting_sleeps, streamed
from tests.faults.matrix import TEXT
from tests.loopback import Answer, Exchange, Fault, Provider, ToolCall, wire
from tests.loopback.behaviours import instead
from tests.loopback.faults import CUTS, EXCESSES, ODDITIES
from tests.wire.test_answers import MIB, forget_peak, peak_memory

USAGES = [name for name in ODDITIES if name.startswith("usage_")]
LONG = (pytest.mark.slow, pytest.mark.timeout(3600))
NONE_AT_ALL = ("html_200", "empty_choices", "null_choices", "null_content", "truncated_json", "length_too_long")
GREETING = "Grüße aus Köln — 你好 👋, and a last word."


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen


@pytest.fixture
def unmoved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody rests, however often they fail."""
    monkeypatch.setattr(HealthBoard, "report", lambda *_given: None)


# -- no answer at all


@pytest.mark.parametrize("fault", ["reset_before_answer", "reset_after_headers"])
async def test_a_reset_is_repeated_as_its_class_says_and_every_try_is_told(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 11: before any answer twice, after its head once; as many attempts as the provider saw requests."""
    noting_sleeps(registry)
    provider.script(fault, model="gpt-4o")
    with pytest.raises(errors.CallError) as failed:
        await asked(homes.user_of(registry).model(homes.OPENAI))
    most = {"reset_before_answer": 3, "reset_after_headers": 2}[fault]
    assert len(provider.requests) == len(failed.value.attempts) == most


@pytest.mark.parametrize("fault", ["reset_before_answer", "reset_after_headers"])
async def test_a_reset_that_happens_once_costs_one_more_request(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 11."""
    noting_sleeps(registry)
    provider.script(fault, model="gpt-4o", times=1)
    assert await asked(homes.user_of(registry).model(homes.OPENAI)) == TEXT
    assert len(provider.requests) == 2


@pytest.mark.parametrize("asked", [streamed, astreamed])
@pytest.mark.parametrize("ref", homes.PATHS)
@pytest.mark.parametrize("fault", [name for name in CUTS if name.startswith("ends_without")])
async def test_a_stream_that_ends_without_the_last_word_is_none(
    provider: Provider, registry: LLMRegistry, fault: str, ref: str, asked: Asked
) -> None:
    """Case 13: with `[DONE]` and without, from every provider: 0 of 16 are taken for whole."""
    provider.script(fault, path=homes.PATHS[ref])
    with pytest.raises(errors.StreamTruncatedError) as cut:
        await asked(homes.user_of(registry).model(ref, max_retries=0))
    assert cut.value.partial is not None
    assert TEXT.startswith(cut.value.partial.text)


async def test_a_429_inside_a_200_is_a_429(provider: Provider, registry: LLMRegistry, asked: Asked) -> None:
    """Case 15: alone it is raised as one; with somebody else there, they answer, and the first one cools down."""
    provider.script("error_in_200", model="gpt-4o")
    user = homes.user_of(registry)
    handle = user.models(homes.OPENAI, homes.GROQ)
    assert [await asked(handle) for _ in range(2)] == [TEXT, TEXT]
    assert len(provider.asked("gpt-4o")) == 1
    provider.script("error_in_200", model="gpt-4o-mini")
    with pytest.raises(errors.RateLimitedError):
        await asked(user.model(homes.MINI, max_retries=0))


@pytest.mark.parametrize("fault", NONE_AT_ALL)
async def test_an_answer_that_is_none_moves_on_and_counts(
    provider: Provider, registry: LLMRegistry, asked: Asked, fault: str
) -> None:
    """Case 17: a protocol failure each time; the next member answers, and after five the first one rests."""
    provider.script(fault, model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
    assert [await asked(handle) for _ in range(7)] == [TEXT] * 7
    assert len(provider.asked("gpt-4o")) == 5
    assert registry.health()["openai"].models["gpt-4o"].reason == "protocol"


# -- streams cut and chunked anywhere


def bytes_of(exchange: Exchange) -> bytes:
    return b"".join(frame.data for frame in exchange.frames)


def in_pieces(chance: random.Random) -> Fault:
    """The whole stream, chunked at random, now and then byte by byte."""

    async def answer(exchange: Exchange) -> None:
        data = bytes_of(exchange)
        few = [0, *sorted(chance.sample(range(1, len(data)), chance.randint(1, 40))), len(data)]
        bounds = list(range(len(data) + 1)) if chance.random() < 0.05 else few
        await exchange.begin()
        for start, end in pairwise(bounds):
            await exchange.line.send(wire.chunk(data[start:end]))
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


def up_to_byte(number: int) -> Fault:
    """So many bytes of the stream, then its orderly end."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin()
        if number:
            await exchange.line.send(wire.chunk(bytes_of(exchange)[:number]))
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


def rewritten(change: Callable[[bytes], bytes]) -> Fault:
    """The stream in another spelling."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.line.send(wire.chunk(change(bytes_of(exchange))))
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


@pytest.mark.parametrize("streams", [100, pytest.param(10_000, marks=LONG)])
async def test_however_a_stream_is_chunked_its_text_is_the_same(
    provider: Provider, registry: LLMRegistry, streams: int
) -> None:
    """Case 16: identical in 100 (10,000) random chunkings, split characters and single bytes among them."""
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
    provider.reply(Answer(GREETING))
    provider.script(greeting(in_pieces(random.Random(16))), model="gpt-4o")
    for _ in range(0, streams, 20):
        assert await asyncio.gather(*(astreamed(handle) for _ in range(20))) == [GREETING] * 20


@pytest.mark.parametrize("step", [37, pytest.param(1, marks=LONG)])
@pytest.mark.usefixtures("unmoved")
async def test_a_stream_cut_at_any_byte_raises_until_its_last_word_was_said(
    provider: Provider, registry: LLMRegistry, step: int
) -> None:
    """Case 16: every 37th (every) byte before the provider's last word: an error; from there on, the whole text."""
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
    whole: list[tuple[int, int]] = []

    async def measure(exchange: Exchange) -> None:
        data, finish = bytes_of(exchange), [frame.data for frame in exchange.frames if frame.part == "finish"]
        whole.append((data.index(finish[0]) + len(finish[0].rstrip(b"\n")), len(data)))
        await up_to_byte(len(data))(exchange)

    provider.script(greeting(measure), model="gpt-4o")
    assert await astreamed(handle) == GREETING
    ((said, length),) = whole
    for number in range(0, length, step):
        provider.script(greeting(up_to_byte(number)), model="gpt-4o", times=1)
        if number < said:
            with pytest.raises((errors.StreamInterruptedError, errors.ProtocolError)):
                await astreamed(handle)
        elif number > said + 1:
            assert await astreamed(handle) == GREETING


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR": lambda data: data.replace(b"\n", b"\r"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "data over two lines": lambda data: data.replace(b'"choices":', b'\ndata: "choices":'),
    "events without data": lambda data: data.replace(b"\n\n", b"\n\nevent: ping\n\n"),
    "comments": lambda data: data.replace(b"\n\n", b"\n\n: still here\n\n"),
    "no blank after the colon": lambda data: data.replace(b"data: ", b"data:"),
    "half a character": lambda data: data.replace("ü".encode(), b"\xc3"),
    "an event that is half JSON": lambda data: data.replace(b"}\n\n", b"\n\n", 2),
}


@pytest.mark.parametrize("asked", [streamed, astreamed])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_spelling_of_a_stream_is_read_or_refused_but_never_read_in_part(
    provider: Provider, registry: LLMRegistry, spelling: str, asked: Asked
) -> None:
    """Case 16: the whole text, or an error; nothing is skipped in silence."""
    provider.script(greeting(rewritten(SPELLINGS[spelling])), model="gpt-4o")
    broken = spelling in {"half a character", "an event that is half JSON"}
    try:
        text = await asked(homes.user_of(registry).model(homes.OPENAI, max_retries=0))
    except (errors.StreamInterruptedError, errors.ProtocolError):
        text = None
    assert text in ((None,) if broken else (GREETING, None))


def greeting(fault: Fault) -> Fault:
    """The fault, in an answer that greets."""

    async def answer(exchange: Exchange) -> None:
        await fault(Exchange(exchange.line, exchange.request, exchange.dialect, exchange.question, Answer(GREETING)))

    return answer


# -- odd, but good


async def test_fields_that_nobody_needs_may_be_missing(provider: Provider, registry: LLMRegistry) -> None:
    """Case 18: without `system_fingerprint`, `usage` and `created` an answer is an answer; 6 of 6."""
    optional = {"system_fingerprint", "usage", "created"}

    def without(exchange: Exchange) -> bytes:
        return json.dumps(
            {key: value for key, value in json.loads(exchange.body).items() if key not in optional}
        ).encode()

    for ref in (homes.OPENAI, homes.GROQ, homes.OPENROUTER):
        provider.script(instead(without), path=homes.PATHS[ref])
        for way in (invoked, ainvoked):
            assert await way(homes.user_of(registry).model(ref, max_retries=0)) == TEXT


@pytest.mark.parametrize("arguments", ['{"place": ', "not json", "[1, 2]", "", "null", '"x"'], ids=repr)
@pytest.mark.parametrize("in_one_piece", [True, False])
def test_broken_calls_of_tools_are_kept_apart_and_never_run(
    provider: Provider, registry: LLMRegistry, arguments: str, *, in_one_piece: bool
) -> None:
    """Case 22: arguments that are no JSON object, an unknown tool, an id twice: no crash, nothing executed."""
    ran: list[str] = []

    @tool
    def look(place: str = "") -> str:
        """Look there."""
        ran.append(place)
        return place

    calls = (ToolCall("look", arguments, "a"), ToolCall("unheard_of", "{}", "a"))
    provider.reply(Answer("", calls=calls), model="gpt-4o")
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0).bind_tools([look])
    if in_one_piece and arguments in {"[1, 2]", '"x"'}:
        with pytest.raises(errors.ProtocolError):  # JSON, but no arguments: LangChain has no message for it
            handle.invoke("Hi")
        return
    if in_one_piece:
        answer: Any = handle.invoke("Hi")
    else:
        first, *rest = handle.stream("Hi")
        answer = sum(rest, first)
    good, bad = answer.tool_calls, answer.invalid_tool_calls
    assert len(good) + len(bad) == 2
    assert all(isinstance(call["args"], dict) for call in good)
    assert {call["name"] for call in [*good, *bad]} == {"look", "unheard_of"}
    assert ran == []


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("ref", [homes.OPENAI, homes.GROQ, homes.OPENROUTER])
@pytest.mark.parametrize("usage", USAGES)
def test_no_usage_makes_a_price_below_nothing(provider: Provider, registry: LLMRegistry, usage: str, ref: str) -> None:
    """Case 23: whatever is counted, the answer is there, and its cost is unknown or no less than nothing."""
    provider.script(usage, path=homes.PATHS[ref])
    handle = homes.user_of(registry).model(ref, max_retries=0)
    whole = handle.invoke("Hi")
    first, *rest = handle.stream("Hi")
    streamed_answer = sum(rest, first)
    for answer in (whole, streamed_answer):
        assert answer.text == TEXT
        assert mark_of(answer)["cost"] is None or mark_of(answer)["cost"] >= 0


COUNTS: tuple[object, ...] = (0, 1, 7, 10**9, 10**18, -1, -(10**18), 2.5, -0.5, 1e300, float("nan"), float("inf"))
COUNTS += (True, False, "5", "-5", "five", "", None, [], {}, b"7", "1e400")
DETAILS = ("cache_read", "cache_creation", "audio", "reasoning", "ephemeral_5m_input_tokens", "unheard_of")


def some_usage(chance: random.Random) -> dict[str, object]:
    """What a provider might say it used, each count as likely absurd as not."""
    usage = {name: chance.choice(COUNTS) for name in ("input_tokens", "output_tokens", "total_tokens")}
    for name in ("input_token_details", "output_token_details"):
        if chance.random() < 0.5:
            details = {detail: chance.choice(COUNTS) for detail in chance.sample(DETAILS, 3)}
            usage[name] = chance.choice((details, details, *COUNTS))
    return usage


@pytest.mark.parametrize("usages", [2_000, pytest.param(100_000, marks=LONG)])
def test_no_count_of_tokens_makes_a_cost_below_nothing(usages: int) -> None:
    """Case 23: of 2,000 (100,000) absurd usages 0 cost less than nothing, and 0 are an error."""
    chance, entry = random.Random(23), Catalog.packaged().get(homes.ANTHROPIC)
    priced = [cost(countable(some_usage(chance)), entry).amount for _ in range(usages)]
    assert [amount for amount in priced if amount is not None and not 0 <= amount < 10**9] == []
    assert {amount is None for amount in priced} == {True, False}


# -- too much


@pytest.mark.parametrize("asked", [invoked, astreamed])
@pytest.mark.parametrize("fault", ["oversized_line", "endless_body", "gzip_bomb", "million_headers"])
async def test_an_answer_without_end_is_left_before_it_fills_the_memory(
    provider: Provider, registry: LLMRegistry, fault: str, asked: Asked
) -> None:
    """Case 20: refused by name; the peak, this process's server included, less than 96 MB above what it was.

    Without the server it is less than 64 MB, which the tests of the wire hold.
    """
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
    await asked(handle)
    provider.script(EXCESSES[fault], model="gpt-4o")
    forget_peak()
    before = peak_memory()
    with pytest.raises(errors.AnswerTooLargeError):
        await asked(handle)
    assert peak_memory() - before < 96 * MIB


@pytest.mark.parametrize("asked", [invoked, ainvoked])
async def test_json_without_bottom_is_no_answer(provider: Provider, registry: LLMRegistry, asked: Asked) -> None:
    """Case 19: 200,000 brackets deep: refused by name, less than 50 MB, and no `RecursionError`."""
    handle = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
    await asked(handle)
    provider.script("deep_json", model="gpt-4o")
    forget_peak()
    before = peak_memory()
    with pytest.raises(errors.ProtocolError) as refused:
        await asked(handle)
    assert peak_memory() - before < 50 * MIB
    assert not isinstance(refused.value, RecursionError)


@pytest.mark.parametrize("asked", [streamed, astreamed])
async def test_a_stream_without_end_ends_with_the_calls_time(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 21: what came is in the error, and the connection is closed."""
    provider.script("endless_stream", model="gpt-4o")
    with pytest.raises(errors.StreamInterruptedError) as broken:
        await asked(homes.user_of(registry).model(homes.OPENAI, max_retries=0, timeout=1.0))
    assert broken.value.partial is not None
    assert broken.value.partial.text
    assert await asyncio.to_thread(provider.wait_until_gone, provider.requests[0], 5) is not None


async def test_a_certificate_of_nobody_gets_no_key_and_no_second_try(asked: Asked) -> None:
    """Case 24: an unknown authority: 0 requests, 0 bytes of a key, and never http instead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Provider(tls=context) as stranger, homes.registry_on(stranger) as registry:
        slept = noting_sleeps(registry)
        with pytest.raises(errors.TlsRefusedError):
            await asked(homes.user_of(registry).model(homes.OPENAI))
        assert (stranger.requests, slept) == ([], [])
