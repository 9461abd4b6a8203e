"""The transports: what leaves, what is refused, and which timer ends a request."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from langchain_lucky_models import errors
from langchain_lucky_models.keys import Secret
from langchain_lucky_models.wire import CallScope, Wire, WireLimits
from langchain_lucky_models.wire.resolving import AddressRow, Resolver
from tests.clocks import Stopwatch
from tests.wire.raw import EVENTS, HELLO, KEY, Asker, RawServer, Talk, chunk, credential

Serve = Callable[..., RawServer]
OVERSHOOT = 0.3


def scope_of(seconds: float) -> CallScope:
    return CallScope(deadline=time.monotonic() + seconds)


def drip(talk: Talk) -> None:
    talk.send(EVENTS)
    while True:  # until the client leaves
        talk.send(chunk(b": still here\n\n"))
        time.sleep(0.02)


def hang(talk: Talk) -> None:
    talk.wait_until_gone()


def hang_after_headers(talk: Talk) -> None:
    talk.send(EVENTS)
    talk.wait_until_gone()


class TestKeys:
    def test_the_key_replaces_the_ticket_on_the_wire(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        ticket = asker.wire.issue(credential(server.url))
        response = asker.post(server.url, ticket)
        assert response.status_code == 200
        assert f"Bearer {KEY}".encode() in server.received
        assert ticket.text.encode() not in server.received
        assert response.request.headers["authorization"] == f"Bearer {ticket.text}"

    def test_the_owners_headers_leave_with_the_key_and_replace_those_of_the_environment(
        self, asker: Asker, serve: Serve
    ) -> None:
        server = serve()
        headers = {"OpenAI-Organization": Secret("org-ada-12345", field="organization")}
        ticket = asker.wire.issue(credential(server.url, headers=headers))
        asker.post(server.url, ticket, headers={"OpenAI-Organization": "org-house", "OpenAI-Project": "proj-house"})
        assert b"org-ada-12345" in server.received
        assert b"house" not in server.received

    def test_a_credential_without_a_key_sends_no_key_at_all(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        ticket = asker.wire.issue(credential(server.url, key=None))
        asker.post(server.url, ticket, headers={"x-api-key": "sk-from-the-environment"})
        head = server.received.lower()
        assert b"authorization" not in head
        assert b"x-api-key" not in head

    def test_cookies_neither_leave_nor_stay(self, asker: Asker, serve: Serve) -> None:
        server = serve(lambda talk: talk.send(HELLO.replace(b"OK\r\n", b"OK\r\nSet-Cookie: session=ada; Path=/\r\n")))
        for _ in range(3):
            response = asker.post(server.url, asker.wire.issue(credential(server.url)), headers={"Cookie": "a=b"})
            assert not response.cookies
        assert b"cookie" not in server.received.lower()

    def test_without_a_living_ticket_nothing_leaves(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        ticket = asker.wire.issue(credential(server.url))
        text = ticket.text
        del ticket
        for header in ("Bearer sk-other", f"Bearer {text}"):
            with pytest.raises(errors.PolicyDeniedError):
                asker.post(server.url, None, headers={"Authorization": header})
        assert server.connections == 0

    def test_a_key_travels_to_its_own_origins_only(self, asker: Asker, serve: Serve) -> None:
        home, elsewhere = serve(), serve()
        ticket = asker.wire.issue(credential(home.url))
        scope = scope_of(60)
        with pytest.raises(errors.AddressRefusedError, match="may not travel"), scope.entered():
            asker.post(elsewhere.url, ticket)
        assert elsewhere.connections == 0
        assert isinstance(scope.failure, errors.AddressRefusedError)

    def test_a_base_url_with_a_login_is_refused(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        ticket = asker.wire.issue(credential(server.url))
        with pytest.raises(errors.AddressRefusedError, match="password"):
            asker.post(server.url.replace("//", "//ada:secret@"), ticket)
        assert server.connections == 0

    def test_a_key_source_is_asked_for_each_request(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        keys = iter([f"sk-rotating-{number}" for number in range(5)])
        ticket = asker.wire.issue(credential(server.url, key=lambda: next(keys)))
        for _ in range(5):
            asker.post(server.url, ticket)
        assert [f"sk-rotating-{number}".encode() in talk.request for number, talk in enumerate(server.talks)] == [
            True
        ] * 5

    def test_a_key_source_that_fails_sends_nothing_and_shows_nothing(self, asker: Asker, serve: Serve) -> None:
        server = serve()

        def source() -> str:
            raise RuntimeError(f"vault says {KEY}")

        with pytest.raises(errors.KeyMissingError) as caught:
            asker.post(server.url, asker.wire.issue(credential(server.url, key=source)))
        assert KEY not in str(caught.value)
        assert server.connections == 0


class TestTimers:
    def test_a_dripping_server_does_not_outlast_the_deadline(self, asker: Asker, serve: Serve) -> None:
        server = serve(drip)
        ticket = asker.wire.issue(credential(server.url))
        scope = scope_of(0.3)
        with Stopwatch() as watch, pytest.raises(asker.error("ReadTimeout")), scope.entered():
            asker.post(server.url, ticket)
        assert time.monotonic() >= scope.deadline - 0.01
        assert watch.seconds <= 0.3 + OVERSHOOT
        assert scope.reason == "deadline"

    def test_without_a_scope_the_requests_own_timeout_is_total(self, asker: Asker, serve: Serve) -> None:
        server = serve(drip)
        with Stopwatch() as watch, pytest.raises(asker.error("ReadTimeout")):
            asker.post(server.url, asker.wire.issue(credential(server.url)), timeout=0.3)
        assert watch.seconds <= 0.3 + OVERSHOOT

    def test_comments_do_not_count_as_a_first_token(self, asker: Asker, serve: Serve) -> None:
        server = serve(drip)
        scope = scope_of(60)
        scope.expect("first_token", within=0.2)
        with pytest.raises(asker.error("ReadTimeout")), scope.entered():
            asker.stream(server.url, asker.wire.issue(credential(server.url)))
        assert scope.reason == "first_token"

    @pytest.mark.parametrize("answer", [hang, hang_after_headers])
    def test_silence_ends_at_the_timer_that_was_set(
        self, asker: Asker, serve: Serve, answer: Callable[[Talk], None]
    ) -> None:
        server = serve(answer)
        scope = scope_of(60)
        scope.expect("first_token", within=0.3)
        with pytest.raises(asker.error("ReadTimeout")), scope.entered():
            asker.post(server.url, asker.wire.issue(credential(server.url)))
        assert scope.reason == "first_token"
        assert server.all_left(), "the connection was left open"

    def test_a_stall_is_told_from_a_late_start(self, asker: Asker, serve: Serve) -> None:
        def answer(talk: Talk) -> None:
            talk.send(EVENTS + chunk(b"data: 1\n\n"))
            talk.wait_until_gone()

        server = serve(answer)
        scope = scope_of(60)
        scope.expect("first_token", within=30)
        with pytest.raises(asker.error("ReadTimeout")), scope.entered():
            asker.stream(
                server.url,
                asker.wire.issue(credential(server.url)),
                each=lambda _: scope.expect("stall", within=0.1),
            )
        assert scope.reason == "stall"

    def test_a_server_that_takes_no_connection_is_left_at_the_connect_limit(self, asker: Asker) -> None:
        with full_backlog() as port:
            wire = Wire(limits=WireLimits(connect_seconds=0.2))
            url = f"http://127.0.0.1:{port}"
            scope = scope_of(60)
            with Stopwatch() as watch, pytest.raises(asker.error("ConnectTimeout")), scope.entered():
                Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url)))
            assert watch.seconds < 0.2 + OVERSHOOT
            assert scope.reason is None
            assert not scope.sent

    def test_the_deadline_counts_while_connecting_too(self, asker: Asker) -> None:
        with full_backlog() as port:
            url = f"http://127.0.0.1:{port}"
            scope = scope_of(0.2)
            with pytest.raises(asker.error("ConnectTimeout")), scope.entered():
                asker.post(url, asker.wire.issue(credential(url)))
            assert scope.reason == "deadline"

    def test_a_name_server_that_says_nothing_is_left_at_the_deadline(self, asker: Asker) -> None:
        scope = scope_of(0.2)
        url = "http://models.example.com"
        with Stopwatch() as watch, silent_resolver() as resolve, scope.entered():
            wire = Wire(resolve=resolve)
            with pytest.raises(asker.error("ConnectTimeout")):
                Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url)))
        assert watch.seconds < 0.2 + OVERSHOOT
        assert scope.reason == "deadline"


@contextmanager
def silent_resolver() -> Iterator[Resolver]:
    """A name server that says nothing."""
    leave = threading.Event()

    def resolve(*_: object, **__: object) -> list[AddressRow]:
        leave.wait(60)
        return []

    yield resolve
    leave.set()


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose queue of connections is full, so that the next one waits for ever."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listening.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        yield port


class TestAborting:
    """`abort` ends a call wherever it is, from another thread, within 100 ms."""

    @pytest.fixture(params=["headers", "body", "connecting", "resolving"])
    def place(self, request: pytest.FixtureRequest, serve: Serve) -> Iterator[tuple[str, Wire]]:
        if request.param == "connecting":
            with full_backlog() as port:
                yield f"http://127.0.0.1:{port}", Wire()
        elif request.param == "resolving":
            with silent_resolver() as resolve:
                yield "http://models.example.com", Wire(resolve=resolve)
        else:
            yield serve(hang if request.param == "headers" else drip).url, Wire()

    def test_an_aborted_call_is_over_at_once(self, asker: Asker, place: tuple[str, Wire]) -> None:
        url, wire = place
        scope = scope_of(60)
        aborted: list[float] = []

        def abort() -> None:
            aborted.append(time.monotonic())
            scope.abort()
            scope.abort()

        timer = threading.Timer(0.15, abort)
        timer.start()
        with Stopwatch() as watch, pytest.raises(asker.error("NetworkError")), scope.entered():
            Asker(wire, asker.flavour, asker.mode).post(url, wire.issue(credential(url)))
        ended = time.monotonic()
        timer.join()
        assert ended - aborted[0] < 0.1 + watch.late
        assert scope.aborted
        assert scope.reason is None

    def test_an_aborted_scope_sends_nothing(self, asker: Asker, serve: Serve) -> None:
        server = serve()
        scope = scope_of(60)
        scope.abort()
        with pytest.raises(asker.error("NetworkError")), scope.entered():
            asker.post(server.url, asker.wire.issue(credential(server.url)))
        assert server.connections == 0

    def test_aborting_a_call_that_is_over_leaves_the_next_one_alone(self, wire: Wire, serve: Serve) -> None:
        first = scope_of(60)

        def answer(talk: Talk) -> None:
            if len(server.talks) == 2:
                first.abort()
            talk.send(HELLO)

        server = serve(answer)
        asker = Asker(wire, "httpx2", "sync")
        ticket = wire.issue(credential(server.url))
        with first.entered():
            asker.post(server.url, ticket)
        assert asker.post(server.url, ticket).status_code == 200
        assert first.aborted
        assert server.connections == 1
