"""Providers on 127.0.0.1: they answer, they remember what they were asked, and they fail as they are told."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

from tests.loopback import brain, wire
from tests.loopback.dialects import listings
from tests.loopback.dialects.anthropic import ANTHROPIC
from tests.loopback.dialects.groq import GROQ
from tests.loopback.dialects.ollama import OLLAMA
from tests.loopback.dialects.openai_chat import OPENAI
from tests.loopback.dialects.openai_responses import RESPONSES
from tests.loopback.dialects.openrouter import OPENROUTER
from tests.loopback.exchange import Exchange, Fault, answer_whole
from tests.loopback.faults import FAULTS
from tests.loopback.talk import Answer, Dialect, Question
from tests.loopback.wire import Line, Request

DIALECTS: Mapping[str, Dialect] = {
    "/v1/chat/completions": OPENAI,
    "/v1/responses": RESPONSES,
    "/openai/v1/chat/completions": GROQ,
    "/api/v1/chat/completions": OPENROUTER,
    "/v1/messages": ANTHROPIC,
    "/api/chat": OLLAMA,
}
LISTINGS: Mapping[str, listings.Listing] = {
    "/v1/models": listings.openai,
    "/openai/v1/models": listings.groq,
    "/api/v1/models": listings.openrouter,
    "/api/tags": listings.ollama_tags,
    "/api/show": listings.ollama_show,
}


@dataclass(slots=True)
class Rule:
    """What happens to requests for a model, a path or a key; None fits every one."""

    behaviour: Fault | Answer
    model: str | None = None
    path: str | None = None
    key: str | None = None
    times: int | None = None

    def fits(self, request: Request) -> bool:
        """Whether the rule is about this request and not used up."""
        pairs = ((self.model, request.model), (self.path, request.path.partition("?")[0]), (self.key, request.key))
        return self.times != 0 and all(wanted is None or wanted == found for wanted, found in pairs)


class Provider:
    """A server on a port of its own that speaks every dialect, in a thread of its own.

    Args:
        echo: Answer with the question and a fingerprint of the key it came with.
        cookies: Set a cookie with every answer.
        models: What the lists of models show.
        tls: Speak https with this context.

    Attributes:
        requests: Every request, in the order of arrival.
        url: Where it listens.

    Example:
        >>> with Provider() as server:
        ...     server.script("status_503", model="gpt-4o", times=1)
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        *,
        echo: bool = False,
        cookies: bool = False,
        models: Sequence[str] = ("gpt-4o", "loopback"),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.models = tuple(models)
        self._echo = echo
        self._cookies = cookies
        self._tls = tls
        self._rules: list[Rule] = []
        self._connections = count(1)
        self._mishaps: list[BaseException] = []
        self.open_connections = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)
        self.url = ""

    # -- its life

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        if self._mishaps and error is None:
            raise self._mishaps[0]

    def _run(self) -> None:
        standing: set[Line] = set()
        opening = self._loop.create_server(
            lambda: Line(self._serve, self._loop, standing), "127.0.0.1", 0, backlog=2048, ssl=self._tls
        )
        listening = self._loop.run_until_complete(opening)
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(_wind_down(listening, standing))
        self._loop.close()

    # -- what tests say to it

    @property
    def base_urls(self) -> dict[str, str]:
        """The `base_url` under which each provider's client finds its own dialect."""
        return {
            "openai": f"{self.url}/v1",
            "groq": self.url,
            "openrouter": f"{self.url}/api/v1",
            "anthropic": self.url,
            "requesty": f"{self.url}/v1",
            "vllm": f"{self.url}/v1",
            "local": f"{self.url}/v1",
            "ollama": self.url,
        }

    def script(
        self,
        fault: str | Fault,
        *,
        model: str | None = None,
        path: str | None = None,
        key: str | None = None,
        times: int | None = None,
    ) -> None:
        """From now on, fail like this; the newest rule that fits decides."""
        behaviour = FAULTS[fault] if isinstance(fault, str) else fault
        self._rules.append(Rule(behaviour, model, path, key, times))

    def reply(
        self,
        answer: Answer,
        *,
        model: str | None = None,
        path: str | None = None,
        key: str | None = None,
        times: int | None = None,
    ) -> None:
        """From now on, answer this; the newest rule that fits decides."""
        self._rules.append(Rule(answer, model, path, key, times))

    def clear(self) -> None:
        """Forget every request and every rule."""
        self.requests.clear()
        self._rules.clear()

    def keys_seen(self) -> set[str]:
        """Every API key that arrived."""
        return {request.key for request in self.requests if request.key}

    def asked(self, model: str) -> list[Request]:
        """The requests for one model."""
        return [request for request in self.requests if request.model == model]

    def wait_until_gone(self, request: Request, within: float = 30.0) -> float | None:
        """When the client of a request left before its answer was whole, waiting for the news to arrive."""
        until = time.monotonic() + within
        while request.gone_at is None and request.done_at is None and time.monotonic() < until:
            time.sleep(0.002)
        return request.gone_at

    # -- what it does with a connection

    async def _serve(self, line: Line) -> None:
        connection = next(self._connections)
        self.open_connections += 1
        try:
            while not line.broken and (request := await wire.read_request(line, connection)):
                self.requests.append(request)
                await self._answer_or_leave(line, request)
        except ConnectionError:
            pass
        finally:
            self.open_connections -= 1

    async def _answer_or_leave(self, line: Line, request: Request) -> None:
        answering = asyncio.ensure_future(self._answer(line, request))
        leaving = asyncio.ensure_future(line.gone.wait())
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and not answering.exception():
                request.done_at = time.monotonic()
            else:
                request.gone_at = time.monotonic()
                line.close()
                self._note_mishap(answering)
        finally:
            answering.cancel()
            leaving.cancel()

    def _note_mishap(self, answering: asyncio.Future[None]) -> None:
        """A mistake of the loopback itself must not pass for a fault of a provider."""
        error = answering.exception() if answering.done() else None
        if error and not isinstance(error, ConnectionError):
            self._mishaps.append(error)

    async def _answer(self, line: Line, request: Request) -> None:
        path = request.path.partition("?")[0]
        dialect = DIALECTS.get(path)
        rule = self._take_rule(request)
        if dialect is None and (rule is None or isinstance(rule.behaviour, Answer)):
            await line.send(self._listing(path, request))
            return
        dialect = dialect or OPENAI
        question = dialect.read(request.json) if request.body else Question(model="", text="")
        answer = rule.behaviour if rule and isinstance(rule.behaviour, Answer) else self._think(question, request)
        exchange = Exchange(line, request, dialect, question, answer, self._headers(dialect))
        await (answer_whole if rule is None or isinstance(rule.behaviour, Answer) else rule.behaviour)(exchange)

    def _take_rule(self, request: Request) -> Rule | None:
        rule = next((rule for rule in reversed(self._rules) if rule.fits(request)), None)
        if rule and rule.times is not None:
            rule.times -= 1
        return rule

    def _think(self, question: Question, request: Request) -> Answer:
        return brain.echo(question, request.key) if self._echo else brain.think(question)

    def _headers(self, dialect: Dialect) -> dict[str, str]:
        cookie = {"set-cookie": f"session={len(self.requests)}; Path=/"} if self._cookies else {}
        return {**dialect.headers, **cookie}

    def _listing(self, path: str, request: Request) -> bytes:
        listing = listings.anthropic if request.header("anthropic-version") else LISTINGS.get(path)
        if listing is None:
            return wire.whole(404, json.dumps(OPENAI.error(404, "not_found", f"no such path: {path}")).encode())
        return wire.whole(200, json.dumps(listing(self.models)).encode())


async def _wind_down(listening: asyncio.Server, standing: set[Line]) -> None:
    """Stop listening, drop every conversation, and let their sockets go."""
    listening.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for line in tuple(standing):
        line.break_off()
    for _ in range(3):  # turns of the loop in which sockets are let go
        await asyncio.sleep(0)
