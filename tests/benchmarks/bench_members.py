"""What a payer's own member costs, and what our chat models add to a call and to a chunk of a stream."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import httpx2
from langchain_core.language_models import BaseChatModel
from langchain_groq import ChatGroq
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_lucky_models.keys import Credential, Secret
from langchain_lucky_models.providers import MemberSpec, family_of, origin_of
from langchain_lucky_models.wire import Ticket, Wire
from tests.benchmarks.report import Row, seconds
from tests.loopback import Answer, Provider

GROUP = "members"
KINDS = ("openai", "groq", "openrouter", "anthropic", "ollama")
NOWHERE = "http://127.0.0.1:9/v1"
WORDS = 500
CALLS = 60

_RSS = """
import gc, os, sys
from langchain_lucky_models.providers import MemberSpec, family_of
from langchain_lucky_models.wire import Wire
from langchain_groq import ChatGroq

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024

family, count = family_of(sys.argv[1]), int(sys.argv[2])
template = family.template(MemberSpec(family.kind, family.kind, "m", "http://127.0.0.1:9/v1"), Wire())
ways = {"member": lambda: family.member(template, "lucky-x"), "bare": lambda: ChatGroq(model="m", api_key="x")}
make = ways[sys.argv[3]]
kept = [make() for _ in range(20)]
before = resident()
kept += [make() for _ in range(count)]
print((resident() - before) / count)
"""


def run() -> list[Row]:
    """Measure everything."""
    return [*_times(), *_sizes(), *_calls()]


def _times() -> Iterator[Row]:
    bare = seconds(lambda: ChatGroq(model_name="m", api_key=SecretStr("gsk-bare")), times=2)
    for kind in KINDS:
        family, wire = family_of(kind), Wire()
        template = family.template(MemberSpec(kind, kind, "m", NOWHERE), wire)
        taken = seconds(partial(family.member, template, "lucky-x"), times=1000)
        yield Row(GROUP, f"{kind}: one more payer", taken * 1e6, "µs", "a bare ChatGroq", taken / bare)


def _sizes() -> Iterator[Row]:
    bare = _resident("groq", 60, "bare")
    for kind in KINDS:
        size = _resident(kind, 3000, "member")
        yield Row(GROUP, f"{kind}: one more payer", size, "KiB", "a bare ChatGroq", size / bare)


def _resident(kind: str, count: int, what: str) -> float:
    command = [sys.executable, "-c", _RSS, kind, str(count), what]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _calls() -> list[Row]:
    """CPU of the calling thread alone; the server has threads of its own."""
    with Provider() as server, _asked(server) as (ours, bare):
        server.reply(Answer(text="word " * WORDS))
        call = _against(lambda: ours.invoke("hi"), lambda: bare.invoke("hi"))
        stream = _against(lambda: list(ours.stream("hi")), lambda: list(bare.stream("hi")))
    return [
        Row(GROUP, "openrouter: a call", call[0] * 1e3, "ms CPU", "ChatOpenAI on a plain client", call[0] / call[1]),
        Row(
            GROUP,
            "openrouter: a chunk",
            stream[0] / WORDS * 1e6,
            "µs CPU",
            "ChatOpenAI on a plain client",
            stream[0] / stream[1],
        ),
    ]


@contextmanager
def _asked(server: Provider) -> Iterator[tuple[BaseChatModel, BaseChatModel]]:
    wire, family = Wire(), family_of("openrouter")
    ticket: Ticket = wire.issue(
        Credential("openrouter", "house", Secret("sk-bench-0001", field="key"), frozenset({origin_of(server.url)}))
    )
    base_url = server.base_urls["openrouter"]
    ours = family.member(family.template(MemberSpec("openrouter", "openrouter", "m", base_url), wire), ticket.text)
    with httpx2.Client() as client:
        yield (
            ours,
            ChatOpenAI(
                model="m", base_url=base_url, api_key=SecretStr("sk-bare"), stream_usage=True, http_client=client
            ),
        )
    wire.close()


def _against(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Both in turn, so that whatever else the machine does falls on both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(CALLS):
        for work, taken in zip((ours, theirs), times, strict=True):
            began = time.thread_time()
            work()
            taken.append(time.thread_time() - began)
    return statistics.median(times[0]), statistics.median(times[1])
