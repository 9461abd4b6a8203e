"""Fetching, from a real server: what is taken, and what keeps the old snapshot."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from catalog_build import exact, snapshots
from catalog_build.fetch import Fetched, fetch_source
from catalog_build.sources import SOURCES, Source

TODAY = dt.date(2026, 12, 1)
BY_NAME = {source.name: source for source in SOURCES}
GROQ = BY_NAME["groq"]
SECRET = "gsk_canary_1234567890"


class Answers(ThreadingHTTPServer):
    """A server that gives one answer, and remembers what it was asked."""

    status = 200
    body = b"{}"
    location: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Speaker)
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/models"


class Speaker(BaseHTTPRequestHandler):
    """Speaks for the server."""

    server: Answers

    def do_GET(self) -> None:
        """Give the answer."""
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Answers]:
    """A server on this machine."""
    with Answers() as answers:
        thread = threading.Thread(target=answers.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield answers
        answers.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the snapshots."""
    return shutil.copytree(snapshots.FOLDER, tmp_path / "snapshots")


def groq_rows(models: int = 11) -> bytes:
    """A list of so many models, as Groq's interface gives it."""
    return json.dumps({"object": "list", "data": [{"id": f"m{number}"} for number in range(models)]}).encode()


def fetch(server: Answers, folder: Path, source: Source = GROQ) -> Fetched:
    """Ask the server instead of the source."""
    return fetch_source(source, {"GROQ_API_KEY": SECRET}, TODAY, url=server.url, folder=folder)


def test_a_good_answer_becomes_the_snapshot_with_todays_date(server: Answers, folder: Path) -> None:
    server.body = groq_rows()
    assert fetch(server, folder) == Fetched("groq", fresh=True, words="fetched: 11 models")
    assert '"m10"' in (folder / GROQ.snapshot).read_text(encoding="utf-8")
    credits_ = snapshots.credits_of(folder)
    assert (credits_[GROQ.snapshot].date, credits_[GROQ.snapshot].version) == ("2026-12-01", "2026-12-01")
    assert credits_["litellm/prices.json.gz"] == snapshots.credits_of()["litellm/prices.json.gz"]


def test_what_the_live_interface_does_not_say_is_carried_over(server: Answers, folder: Path) -> None:
    server.body = groq_rows()
    fetch(server, folder)
    kept = exact.read_file(folder / GROQ.snapshot)
    assert isinstance(kept, dict)
    assert kept["limits"] == exact.as_table(exact.read_file(snapshots.FOLDER / GROQ.snapshot), "groq")["limits"]


def test_the_key_goes_into_the_header_and_nowhere_else(server: Answers, folder: Path) -> None:
    server.body = groq_rows()
    fetch(server, folder)
    assert server.asked == [("/models", f"Bearer {SECRET}")]
    assert not [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "it answered 500"),
        (401, f'{{"error": "bad key {SECRET}"}}'.encode(), "it answered 401"),
        (200, b"<html>", "not usable JSON"),
        (200, b"[]", "expected an object, found list"),
        (200, b'{"data": NaN}', "NaN is no number"),
        (200, b'{"data": []}', "it lists 0 usable models, and had 11"),
        (200, groq_rows(5), "it lists 5 usable models, and had 11"),
        (200, gzip.compress(groq_rows(), mtime=0)[:-9], "damaged gzip"),
        (200, b'{"data":' * 100_000, "nested too deeply"),
        (200, gzip.compress(b" " * (exact.MOST_BYTES + 1), compresslevel=1, mtime=0), "unpacks to more than"),
        (200, b'{"data": {"m1": {}}}', "expected a list, found dict"),
        (200, b'{"data": ["m1", "m2"]}', "expected an object, found str"),
        (200, b'{"data": [{"id": "m1"}, ' + b'{"id": "m1"}, ' * 20 + b'{"id": "m1"}]}', "it lists 1 usable models"),
        (200, b'{"data": [{"id": "m\\n1"}, {"id": "m\\u202e2"}, {"id": "a#b"}]}', "it lists 0 usable models"),
    ],
)
def test_a_bad_answer_keeps_the_old_snapshot_and_says_so(
    server: Answers, folder: Path, status: int, body: bytes, reason: str
) -> None:
    server.status, server.body = status, body
    before = (folder / GROQ.snapshot).read_bytes()
    outcome = fetch(server, folder)
    assert not outcome.fresh
    assert outcome.words.startswith("kept: ")
    assert reason in outcome.words
    assert SECRET not in outcome.words
    assert (folder / GROQ.snapshot).read_bytes() == before
    assert (folder / snapshots.ORIGINS).read_bytes() == (snapshots.FOLDER / snapshots.ORIGINS).read_bytes()


def test_a_redirect_is_not_followed(server: Answers, folder: Path) -> None:
    server.status, server.location = 302, "http://169.254.169.254/latest/meta-data"
    assert fetch(server, folder).words == "kept: it answered 302"


def test_an_answer_that_never_ends_is_cut_off(server: Answers, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.body = b"[" + b"0," * 10_000
    monkeypatch.setattr("catalog_build.fetch.MOST_BYTES", 1_000)
    assert fetch(server, folder).words == "kept: its answer is larger than 1000 bytes"


def test_an_answer_that_only_drips_is_cut_off(server: Answers, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout of each read alone would wait for ever."""
    server.body = groq_rows()
    monkeypatch.setattr("catalog_build.fetch.LONGEST", -1.0)
    assert fetch(server, folder).words == "kept: its answer takes longer than -1 seconds"


def test_a_server_that_says_nothing_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog_build.fetch.TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/models"
        outcome = fetch_source(GROQ, {"GROQ_API_KEY": SECRET}, TODAY, url=url, folder=folder)
    assert outcome == Fetched("groq", fresh=False, words="kept: timed out")


def test_a_source_that_cannot_be_reached_keeps_its_snapshot(server: Answers, folder: Path) -> None:
    url = server.url.replace(str(server.server_address[1]), "1")
    outcome = fetch_source(GROQ, {"GROQ_API_KEY": SECRET}, TODAY, url=url, folder=folder)
    assert not outcome.fresh
    assert outcome.words.startswith("kept: ")


def test_a_missing_key_is_named(folder: Path) -> None:
    assert fetch_source(GROQ, {}, TODAY, folder=folder).words == "kept: set GROQ_API_KEY to refresh it"


@pytest.mark.parametrize("name", ["genai-prices", "openrouter-support", "groq-earlier"])
def test_what_has_no_live_interface_stays(name: str, folder: Path) -> None:
    assert fetch_source(BY_NAME[name], {}, TODAY, folder=folder).words == "kept: it has no live interface"


def test_no_key_is_sent_where_none_is_needed(server: Answers, folder: Path) -> None:
    rows = exact.as_rows(exact.read_file(folder / BY_NAME["openrouter"].snapshot), "rows")
    server.body = json.dumps({"data": rows}).encode()
    outcome = fetch(server, folder, replace(BY_NAME["openrouter"], live=server.url))
    assert outcome.fresh
    assert server.asked == [("/models", None)]
