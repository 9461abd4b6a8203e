"""Ways to answer badly, as behaviours and as makers of behaviours. `faults.py` gives them their names."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from email.utils import formatdate
from itertools import takewhile

from tests.loopback import wire
from tests.loopback.exchange import Exchange, Fault, answer_whole, dump
from tests.loopback.talk import Frame
from tests.loopback.wire import Request

HTML = b"<!doctype html><html><body><h1>Sign in to this network</h1></body></html>"
AN_HOUR = 3600.0

CODES = {
    400: "invalid_request_error",
    401: "invalid_api_key",
    402: "insufficient_credits",
    403: "permission_denied",
    404: "model_not_found",
    408: "request_timeout",
    409: "conflict",
    413: "request_too_large",
    422: "unprocessable_entity",
    429: "rate_limit_exceeded",
    529: "overloaded_error",
}


def once_asked(requests: Sequence[Request], number: int, delay: float = 0.0) -> Fault:
    """Answer well, but not before so many requests have come: whoever is asked at the same time has been asked.

    Args:
        requests: The provider's.
        number: How many.
        delay: Seconds that it takes from then on.
    """

    async def answer(exchange: Exchange) -> None:
        while len(requests) < number:  # noqa: ASYNC110 - a plain list, as tests want it
            await asyncio.sleep(0.001)
        await asyncio.sleep(delay)
        await answer_whole(exchange)

    return answer


# -- refusals with a status


def status(code: int, *headers: tuple[str, str], word: str | None = None, message: str | None = None) -> Fault:
    """Refuse with a status, headers and the provider's own form of error."""

    async def refuse(exchange: Exchange) -> None:
        said = message or f"loopback says {code}"
        body = exchange.dialect.error(code, word or CODES.get(code, "server_error"), said)
        await exchange.whole(code, dump(body), headers)

    return refuse


async def status_401_echo(exchange: Exchange) -> None:
    """Refuse the key and show it in the refusal."""
    said = f"Incorrect API key provided: {exchange.request.key}."
    await exchange.whole(401, dump(exchange.dialect.error(401, "invalid_api_key", said)))


async def retry_after_date(exchange: Exchange, *, skew: float = 0.0) -> None:
    """Ask for two seconds as an HTTP date; `skew` moves the server's own clock, Date header included."""
    now = time.time() + skew
    headers = [("date", formatdate(now, usegmt=True)), ("retry-after", formatdate(now + 2, usegmt=True))]
    await status(429, *headers)(exchange)


async def retry_after_skewed(exchange: Exchange) -> None:
    """Ask for two seconds as an HTTP date of a clock that is an hour ahead."""
    await retry_after_date(exchange, skew=AN_HOUR)


def ask_to_wait(value: str, header: str = "retry-after") -> Fault:
    """429 with one form of the wish to be left alone."""
    return status(429, (header, value))


def redirect(code: int, target: str = "http://127.0.0.1:9/elsewhere") -> Fault:
    """Point to another origin."""
    return status(code, ("location", target))


# -- silence and slowness


async def hang_before_headers(exchange: Exchange) -> None:
    """Take the request and say nothing."""
    await exchange.line.hang()


async def hang_after_headers(exchange: Exchange) -> None:
    """Send headers and say nothing more."""
    await exchange.begin()
    await exchange.line.hang()


async def drip(exchange: Exchange) -> None:
    """Send a byte every quarter of a second."""
    await exchange.begin()
    data = b"".join(frame.data for frame in exchange.frames) if exchange.question.streams else exchange.body
    for byte in data:
        await exchange.line.send(wire.chunk(bytes([byte])))
        await asyncio.sleep(0.25)
    await exchange.line.send(wire.LAST_CHUNK)


async def drip_events(exchange: Exchange) -> None:
    """Send an event every quarter of a second."""
    await exchange.begin()
    await exchange.send_frames(exchange.frames, pace=0.25)
    await exchange.line.send(wire.LAST_CHUNK)


async def comments_only(exchange: Exchange) -> None:
    """Keep the connection alive with comments, for ever."""
    await exchange.begin()
    while True:
        await exchange.line.send(wire.chunk(b": still here\n\n"))
        await asyncio.sleep(0.05)


async def silent_after_role(exchange: Exchange) -> None:
    """Begin a stream, then say nothing."""
    await exchange.begin()
    await exchange.send_frames(opening(exchange))
    await exchange.line.hang()


async def stall_after_tokens(exchange: Exchange) -> None:
    """Send the first words, then say nothing."""
    await exchange.begin()
    await exchange.send_frames(first_words(exchange))
    await exchange.line.hang()


# -- cuts


def opening(exchange: Exchange) -> list[Frame]:
    """What comes before the first content."""
    return list(takewhile(lambda frame: frame.part in ("open", "comment"), exchange.frames))


def first_words(exchange: Exchange, words: int = 2) -> list[Frame]:
    """What comes before the content ends: the opening and a few words."""
    before = opening(exchange)
    content = [frame for frame in exchange.frames[len(before) :] if frame.part == "content"]
    return before + content[:words]


def cut(keep: Callable[[Exchange], list[Frame]], *, reset: bool = False) -> Fault:
    """Send part of the answer, then end the connection in the middle of the body."""

    async def break_off(exchange: Exchange) -> None:
        await exchange.begin(length=None if exchange.question.streams else len(exchange.body))
        if exchange.question.streams:
            await exchange.send_frames(keep(exchange))
        elif keep(exchange):
            await exchange.line.send(exchange.body[: len(exchange.body) // 2])
        # A reset throws away what was not yet delivered, so what was sent gets a moment to arrive.
        await asyncio.sleep(0.02 if reset else 0)
        (exchange.line.reset if reset else exchange.line.close)()

    return break_off


async def reset_before_answer(exchange: Exchange) -> None:
    """Take the request, then reset the connection."""
    exchange.line.reset()


def ends_early(*, says_done: bool) -> Fault:
    """End a stream in order, but without any word that the answer is complete."""

    async def end(exchange: Exchange) -> None:
        if not exchange.question.streams:
            await truncated_json(exchange)
            return
        await exchange.begin()
        kept = first_words(exchange)
        last = [frame for frame in exchange.frames if frame.part == "end"] if says_done else []
        await exchange.send_frames([*kept, *last])
        await exchange.line.send(wire.LAST_CHUNK)

    return end


# -- nonsense


def instead(make: Callable[[Exchange], bytes], *, media: str = "application/json") -> Fault:
    """Answer 200 with another body."""

    async def answer(exchange: Exchange) -> None:
        await exchange.whole(200, make(exchange), media=media)

    return answer


def hollow(how: str) -> Fault:
    """Answer 200 without an answer; a stream opens and finishes with nothing in between."""

    async def answer(exchange: Exchange) -> None:
        if not exchange.question.streams:
            whole = json.loads(exchange.body)
            await exchange.whole(200, dump(exchange.dialect.hollow(whole, how)))
            return
        await exchange.begin()
        await exchange.send_frames([frame for frame in exchange.frames if frame.part in ("finish", "end")])
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


def pieces_of(pieces: Iterable[bytes], *, media: str = "text/event-stream") -> Fault:
    """Answer 200 with exactly these bytes, each piece in a chunk of its own, for tests that cut a stream anywhere."""
    kept = tuple(pieces)

    async def answer(exchange: Exchange) -> None:
        await exchange.begin(media=media)
        for piece in kept:
            await exchange.line.send(wire.chunk(piece))
            await asyncio.sleep(0)
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


truncated_json = instead(lambda exchange: exchange.body[: len(exchange.body) // 2])
html_200 = instead(lambda _: HTML, media="text/html")
wrong_content_type = instead(lambda exchange: exchange.body, media="text/plain")
error_in_200 = instead(lambda exchange: dump(exchange.dialect.error(429, "429", "loopback says 429 inside a 200")))
deep_json = instead(lambda _: b'{"choices":' + b"[" * 200_000 + b"]" * 200_000 + b"}")


def within_stream(make: Callable[[Exchange], list[bytes]], *, after: Callable[[Exchange], list[Frame]]) -> Fault:
    """Put something into a stream that began well; a whole answer is truncated instead."""

    async def answer(exchange: Exchange) -> None:
        if not exchange.question.streams:
            await truncated_json(exchange)
            return
        await exchange.begin()
        await exchange.send_frames(after(exchange))
        for data in make(exchange):
            await exchange.line.send(wire.chunk(data))
        await exchange.line.send(wire.LAST_CHUNK)

    return answer


def broken_event(exchange: Exchange) -> list[bytes]:
    """An event that is no JSON."""
    return [b"{not json\n" if "ndjson" in exchange.dialect.media else b"data: {not json\n\n"]


def error_event(exchange: Exchange) -> list[bytes]:
    """The dialect's error inside a stream."""
    return [exchange.dialect.stream_error("server_error", "loopback broke in the middle").data]


async def duplicate_done(exchange: Exchange) -> None:
    """Say `[DONE]` twice."""
    if not exchange.question.streams:
        await answer_whole(exchange)
        return
    await exchange.begin()
    await exchange.send_frames([*exchange.frames, *exchange.frames[-1:]])
    await exchange.line.send(wire.LAST_CHUNK)


# -- too much


async def oversized_line(exchange: Exchange) -> None:
    """Send one event of 100 MB without a line end."""
    await exchange.begin()
    for _ in range(1600):
        await exchange.line.send(wire.chunk(b"x" * 65_536))
    await exchange.line.send(wire.LAST_CHUNK)


async def endless_body(exchange: Exchange) -> None:
    """Send blanks for ever; JSON allows them."""
    await exchange.begin()
    while True:
        await exchange.line.send(wire.chunk(b" " * 65_536))
        await asyncio.sleep(0)  # whoever else is served gets a turn, however fast the client reads


async def endless_stream(exchange: Exchange) -> None:
    """Send valid content for ever."""
    await exchange.begin()
    await exchange.send_frames(opening(exchange))
    word = first_words(exchange, 1)[-1]
    while True:
        await exchange.send_frames([word] * 100)
        await asyncio.sleep(0)


async def gzip_bomb(exchange: Exchange) -> None:
    """Send 400 kB that unpack to 400 MB."""
    bomb = gzip.compress(b" " * 4_000_000, mtime=0) * 100
    await exchange.whole(200, bomb, [("content-encoding", "gzip")])


async def million_headers(exchange: Exchange) -> None:
    """Send headers for ever, as it seems."""
    await exchange.line.send(b"HTTP/1.1 200 OK\r\n")
    for _ in range(1000):
        await exchange.line.send(b"x-more: y\r\n" * 1000)
    await exchange.line.send(b"content-length: 0\r\n\r\n")


def lying_length(difference: int) -> Fault:
    """Announce another length than the body has, then close."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin(length=len(exchange.body) + difference, media="application/json")
        await exchange.line.send(exchange.body)
        exchange.line.close()

    return answer


async def set_cookie(exchange: Exchange) -> None:
    """Answer well and set a cookie."""
    exchange.headers["set-cookie"] = "session=somebody; Path=/"
    await answer_whole(exchange)


def odd_usage(counted: object) -> Fault:
    """Answer well, with figures that cannot be; for the dialects that call them `usage`."""

    async def answer(exchange: Exchange) -> None:
        await answer_whole(replace(exchange, answer=replace(exchange.answer, extra={"usage": counted})))

    return answer


def tokens(prompt: object, completion: object, total: object) -> dict[str, object]:
    """Counted tokens, whatever they are."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
