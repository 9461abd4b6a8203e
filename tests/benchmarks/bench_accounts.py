"""What accounting costs: a call's records and holds, what they add to handles, many processes, a million records."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.budgets import Budget, Budgets, Estimate
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.ledger.entries import day_of
from langchain_lucky_models.ledger.schema import COLUMNS, NUMBERS, TEXTS
from langchain_lucky_models.limits import Caller, Limit, Limiter, Load
from tests.accounts import START, attempt
from tests.benchmarks.report import Row, seconds
from tests.benchmarks.rivals_contenders import BARE, KEY
from tests.benchmarks.rivals_server import CHUNKS, QUICK, serving

CENT = Estimate(Decimal("0.01"), Decimal("0.01"))
MILLION = 1_000_000
PROCESSES = 8
TURNS = 40
_WIDE = Limit(scope="user", requests_per_minute=10**6, tokens_per_minute=10**9)
DECISIONS = 150


def run() -> list[Row]:
    """Every figure of the accounts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return [*_calls(place), *_limits(), *_handles(place), *_processes(place), *_sums(place)]


def _calls(folder: Path) -> list[Row]:
    """A call's accounting, in processor time of all threads, against one plain insert that is as durable."""
    plain = seconds(_plain_insert(folder / "plain.db"), times=200, clock=time.process_time)
    rows = []
    for name, url, durability in (
        ("memory", None, "crash"),
        ("SQLite file that survives a crash", folder / "crash.db", "crash"),
        ("SQLite file that survives a power cut", folder / "power.db", "power"),
    ):
        with Ledger(url, durability=durability) as ledger:  # type: ignore[arg-type]
            budgets, numbers = Budgets(ledger, [Budget(scope="user", limit=1_000_000)]), count()

            def record(ledger: Ledger = ledger, numbers: count[int] = numbers) -> None:
                ledger.record(attempt(f"r{next(numbers)}")).result()

            def reserve_and_settle(budgets: Budgets = budgets, numbers: count[int] = numbers) -> None:
                made = attempt(f"b{next(numbers)}")
                budgets.settle(made, budgets.reserve(made, CENT).result()).result()

            for what, work in (("a record", record), ("a hold and its record", reserve_and_settle)):
                took = seconds(work, times=200, clock=time.process_time)
                rows.append(_row(f"{what}, {name}", took * 1e6, "µs CPU", "one plain durable insert", took / plain))
            rows.append(_pipelined(ledger, name, plain))
    return rows


def _pipelined(ledger: Ledger, name: str, plain: float) -> Row:
    numbers = count()

    def many() -> None:
        for answer in [ledger.record(attempt(f"p{next(numbers)}")) for _ in range(2_000)]:
            answer.result()

    took = seconds(many, times=1) / 2_000
    return _row(f"records, {name}", 1 / took, "a second", "one plain durable insert", plain / took)


def _limits() -> list[Row]:
    theirs = InMemoryRateLimiter(requests_per_second=1e9, max_bucket_size=1e9)
    ours = Limiter([Limit(scope="user", requests_per_minute=10**9, tokens_per_minute=10**9)])
    ada, load = Caller(user="ada"), Load(100, 50)
    # Its bucket starts empty, and fills with time.
    theirs.acquire(blocking=False)
    baseline = seconds(lambda: theirs.acquire(blocking=False), times=2_000, clock=time.process_time)
    took = seconds(lambda: ours.settle(ours.acquire(ada, load), 90), times=2_000, clock=time.process_time)
    return [
        _row("two limits taken and corrected", took * 1e6, "µs CPU", "InMemoryRateLimiter.acquire", took / baseline)
    ]


def _handles(folder: Path) -> list[Row]:
    """What a handle's call, and a chunk of its stream, cost all threads, beside the bare model on the same server."""
    watched = {"budgets": [Budget(scope="user", limit=1_000_000)], "limits": [_WIDE]}
    settings: dict[str, dict[str, Any]] = {
        "": {},
        ", ledger in a file": {"ledger": folder / "plain-handle.db"},
        ", ledger in memory, a budget and two limits": watched,
        ", ledger in a file, a budget and two limits": {"ledger": folder / "handle.db", **watched},
    }
    with serving() as url, contextlib.ExitStack() as opened:
        handles: list[BaseChatModel] = []
        for more in settings.values():
            registry = create_llm_registry(
                fallback_keys={"openai": KEY}, providers={"openai": {"base_url": f"{url}/v1"}}, **more
            )
            opened.callback(registry.close)
            user = registry.for_user(mode="shared", user_id="ada", models=["openai#gpt-4o"])
            handles.append(user.model("openai#gpt-4o", max_tokens=100))
        models = [BARE.build(url, QUICK), *handles]
        bare, *calls = _in_turn([functools.partial(model.invoke, "hi") for model in models])
        bare_chunk, *chunks = _in_turn([functools.partial(_read_stream, model) for model in models], times=1)
    rows = [("a handle's call", calls, bare, 1), ("a chunk of a handle's stream", chunks, bare_chunk, CHUNKS)]
    return [
        _row(f"{what}{more}", took / parts * 1e6, "µs CPU", "bare ChatOpenAI", took / base)
        for what, taken, base, parts in rows
        for more, took in zip(settings, taken, strict=True)
    ]


def _read_stream(model: BaseChatModel) -> None:
    for _ in model.stream("hi"):
        pass


def _in_turn(works: Sequence[Callable[[], object]], times: int = 10) -> list[float]:
    """Processor seconds of each; they take turns, so that whatever else the machine does falls on all."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(TURNS):
        for place in range(len(works)):
            at = (place + turn) % len(works)
            works[at]()
            taken[at].append(seconds(works[at], times=times, rounds=1, clock=time.process_time))
    return [statistics.median(times) for times in taken]


def _processes(folder: Path) -> list[Row]:
    """Decisions of eight processes with eight threads each on one budget, against one such process."""
    alone = _decisions(folder / "one.db", 1)
    together = _decisions(folder / "eight.db", PROCESSES)
    return [
        _row(
            f"budget decisions, {PROCESSES} processes on one file",
            together,
            "a second",
            "one process",
            together / alone,
        )
    ]


def _decisions(path: Path, processes: int) -> float:
    with Ledger(path) as ledger:
        ledger.flush().result()
    started = time.perf_counter()
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            _decide(path)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return processes * DECISIONS * 8 / (time.perf_counter() - started)


def _decide(path: Path) -> None:
    ledger = Ledger(path)
    budgets = Budgets(ledger, [Budget(scope="user", limit=1_000_000)])

    def work(thread: int) -> None:
        for number in range(DECISIONS):
            budgets.reserve(attempt(f"{os.getpid()}-{thread}-{number}"), CENT).result()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()


def _sums(folder: Path) -> list[Row]:
    path = folder / "million.db"
    fill(path, MILLION)
    with Ledger(path) as ledger, sqlite3.connect(path) as plain:
        scan = _once(lambda: plain.execute("SELECT COUNT(*), SUM(cost) FROM lucky_records").fetchall())
        questions = {
            "usage by user, model and day": lambda: ledger.usage(by=("user", "model", "day")),
            "metrics by model": lambda: ledger.metrics(by=("model",)),
        }
        rows = []
        for name, question in questions.items():
            took = _once(question)
            rows.append(_row(f"{name}, a million records", took, "s CPU", "a plain count and sum", took / scan))
    plain.close()
    return rows


def fill(path: Path, size: int) -> None:
    """A ledger with so many records, written in bulk."""
    with Ledger(path) as ledger:
        ledger.flush().result()
    names = [*COLUMNS]
    sql = f"INSERT INTO lucky_records ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    usual = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(NUMBERS, 0), "seq": 0, "kind": "attempt", "tags": "[]"}

    def rows() -> object:
        for n in range(size):
            at = START + n * 2_000_000
            facts = {
                **usual,
                "at": at,
                "day": day_of(at),
                "attempt_id": f"{n:09}",
                "user_id": f"u{n % 200}",
                "model": f"m{n % 20}",
                "outcome": "answered",
                "requests": 1,
                "answered": 1,
                "input_tokens": n % 1_000,
                "output_tokens": n % 500,
                "cost": n % 10**9,
                "latency": 1_000 + n * 7_919 % 3_000_000,
                "first_token": n * 104_729 % 1_000,
            }
            yield [facts[name] for name in names]

    with sqlite3.connect(path) as connection:
        connection.executemany(sql, rows())  # type: ignore[arg-type]
    connection.close()


def _plain_insert(path: Path) -> Callable[[], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER)")
    numbers = count()
    return lambda: connection.execute("INSERT INTO t VALUES (?, 1)", (str(next(numbers)),))


def _once(work: Callable[[], object]) -> float:
    return seconds(work, times=1, rounds=3, clock=time.process_time)


def _row(name: str, figure: float, unit: str, baseline: str, ratio: float) -> Row:
    return Row("accounts", name, figure, unit, baseline, ratio)
