"""Asking a provider how it is: one request for its list of models, through the same wire and with the same key."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

import orjson

from langchain_lucky_models import errors
from langchain_lucky_models.failures import classify, outcome_of
from langchain_lucky_models.health import ANSWERED, HealthBoard, Scope
from langchain_lucky_models.health.status import Status
from langchain_lucky_models.users.house import HOUSE, Provider
from langchain_lucky_models.wire import CallScope, Wire


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a provider said.

    Attributes:
        at: When, on the board's clock.
        status: `down` where it did not answer, `degraded` where it answered with something else than its list.
        message: What went wrong, without secrets.
    """

    at: float
    status: Status = "healthy"
    message: str = ""


class Checkups:
    """The checkups of a registry; whoever asks while one is running gets its result.

    Args:
        wire: The connections.
        board: Who hears how they ended.
    """

    def __init__(self, wire: Wire, board: HealthBoard) -> None:
        self._wire = wire
        self._board = board
        self._lock = threading.Lock()
        self._running: dict[str, Future[None]] = {}
        self._last: dict[str, Checkup] = {}

    def last(self, provider: str) -> Checkup | None:
        """The latest checkup of a provider."""
        return self._last.get(provider)

    def begin(self, provider: Provider, seconds: float) -> Future[None]:
        """Ask a provider, in a thread of its own, unless that is being done; it never fails, and ends in time."""
        with self._lock:
            running = self._running.get(provider.name)
            if running is None:
                running = self._running[provider.name] = Future()
                running.set_running_or_notify_cancel()  # or one who waits could cancel it for all the others
                work = threading.Thread(
                    target=self._run, args=(provider, seconds, running), name="lucky-checkup", daemon=True
                )
                work.start()
            return running

    def _run(self, provider: Provider, seconds: float, done: Future[None]) -> None:
        try:
            self._examine(provider, seconds)
        finally:
            with self._lock:
                del self._running[provider.name]
            done.set_result(None)

    def _examine(self, provider: Provider, seconds: float) -> None:
        scopes = (Scope("endpoint", provider.name), Scope("credential", provider.name, credential=HOUSE))
        admission = self._board.admit(scopes, lease=seconds, panic=True)
        if not admission.allowed:
            return  # the provider asked for rest, or is just being asked by a call
        error = self._failure(provider, seconds)
        outcome = outcome_of(error)
        if outcome.kind == "gone":
            error, outcome = None, ANSWERED  # it has no such list, but it has answered
        self._board.report(admission, outcome)
        message = error.safe_message if error else ""
        down = outcome.kind in {"failed", "unreached"}
        status: Status = "down" if down else "degraded" if error else "healthy"
        self._last[provider.name] = Checkup(self._board.clock(), status, message)

    def _failure(self, provider: Provider, seconds: float) -> errors.CallError | None:
        scope = CallScope(deadline=time.monotonic() + seconds)
        try:
            with scope.entered():
                self._request(provider)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, it is the checkup's result
            cause = scope.failure or error
            return classify(cause, provider=provider.name, model="models", scrub=scope.scrub, evidence=scope)
        return None

    def _request(self, provider: Provider) -> None:
        secret = provider.secret if provider.secret is not None and provider.secret.there else None
        ticket = self._wire.issue(provider.credential(HOUSE, secret))
        listing = provider.family.listing
        url, headers = listing.url(provider.base_url or ""), listing.headers_for(ticket.text)
        with self._wire.client("httpx2").stream("GET", url, headers=headers) as answer:
            if not answer.is_success:
                raise RuntimeError(_said(answer.read()))
            if "json" not in answer.headers.get("content-type", ""):
                raise errors.ProtocolError(f"{provider.name}: what came is no list of models.")


def _said(body: bytes) -> object:
    """A provider's own words of refusal, as far as there are any."""
    try:
        return orjson.loads(body)
    except ValueError:
        return "its list of models cannot be had"
