"""What stays on disk of a call: figures, neither keys nor words, and whole when its process is told to end."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from langchain_lucky_models import LLMRegistry, create_llm_registry
from langchain_lucky_models.errors import CallError
from langchain_lucky_models.ledger import Ledger
from tests import homes
from tests.clocks import Stopwatch
from tests.isolation.search import CANARY, shows
from tests.loopback import Answer, Provider

ROOT = Path(__file__).parents[2]
ASKED, ANSWERED = "the question about 4711", "the answer about 0815"


@pytest.fixture
def registry(provider: Provider, tmp_path: Path) -> Iterator[LLMRegistry]:
    """It keeps its ledger in a file, and has a budget and a limit."""
    with create_llm_registry(
        providers={"openai": {"base_url": provider.base_urls["openai"]}},
        fallback_keys={"openai": CANARY},
        ledger=tmp_path / "ledger.db",
        budgets=[{"scope": "user", "user": "ada", "limit": "1", "window": "day"}],
        limits=[{"scope": "user", "requests_per_minute": 1000}],
    ) as registry:
        yield registry


def test_files_hold_neither_keys_nor_words(provider: Provider, registry: LLMRegistry, tmp_path: Path) -> None:
    """Cases 122 and 124: ledger, its log, exports and statistics: 0 keys, 0 words of question or answer."""
    provider.reply(Answer(ANSWERED))
    handle = registry.for_user(mode="shared", user_id="ada", models=["openai#*"]).model(homes.OPENAI, max_retries=0)
    assert handle.invoke(ASKED).text == ANSWERED
    assert list(handle.stream(ASKED))
    for fault in ("status_503", "cut_after_tokens", "status_401_echo"):
        provider.script(fault, times=1)
        with suppress(CallError):
            list(handle.stream(ASKED))
    registry.export(tmp_path / "all.csv")
    registry.export(tmp_path / "all.jsonl")
    shown = f"{registry.usage(by=('user', 'model'))!r} {registry.metrics()!r} {registry.health()!r}".encode()
    files = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"ledger.db", "all.csv", "all.jsonl"} <= files.keys()
    assert b"ada" in files["all.jsonl"], "the calls are not in there"
    told = {**files, "statistics": shown}
    assert [name for name, found in told.items() if shows(found)] == []
    assert [name for name, found in told.items() if b"4711" in found or b"0815" in found] == []
    assert provider.keys_seen() == {CANARY}


SERVING = """
import asyncio, signal, sys
from tests import homes
from langchain_lucky_models import create_llm_registry
url, ledger, how = sys.argv[1:]
registry = create_llm_registry(providers={"openai": {"base_url": url}}, fallback_keys={"openai": "sk-1234567890"},
                               ledger=ledger)
handle = registry.for_user(mode="shared", user_id="ada", models=["openai#*"]).model(homes.OPENAI)

def leave(*_):
    raise SystemExit(0)

async def serve():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, asyncio.current_task().cancel)
    async with registry:
        async for _ in handle.astream("hello"):
            print("under way", flush=True)

if how == "loop":
    try:
        asyncio.run(serve())
    except asyncio.CancelledError:
        pass
else:
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    with registry:
        for _ in handle.stream("hello"):
            print("under way", flush=True)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_server_that_is_told_to_end_settles_what_is_under_way(
    provider: Provider, tmp_path: Path, told: signal.Signals, how: str
) -> None:
    """Case 134: within 5 s it is gone, its call is settled, and the ledger's log is written back into its file."""
    provider.reply(Answer("word " * 2000, pace=0.02))
    path = tmp_path / "ledger.db"
    command = [sys.executable, "-c", textwrap.dedent(SERVING), provider.base_urls["openai"], str(path), how]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, cwd=ROOT) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "under way\n"
        with Stopwatch() as watch:
            serving.send_signal(told)
            assert serving.communicate(timeout=250)[1] == ""
    assert (serving.returncode, watch.seconds < 5) == (0, True)
    assert provider.wait_until_gone(provider.requests[0]) is not None
    assert [left.name for left in tmp_path.iterdir() if left.stat().st_size and left != path] == []
    with closing(sqlite3.connect(path)) as read:
        assert read.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Ledger(path) as ledger:
        (row,) = ledger.usage(by=("user",))
        assert (row.requests, row.output_tokens > 0) == (1, True)
