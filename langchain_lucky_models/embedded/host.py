"""The process that answers: llama.cpp's own server, for as long as somebody holds the other end of standard input.

It is run by path and imports nothing else of the package, so that it starts fast. It is a process of its own because
the server, in the application's process, keeps that from ending while an answer is under way (measured: 30 seconds
for a stream, no end for a plain call), and keeps forked children from ending at all.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from types import ModuleType
from typing import Final, TypedDict

CONTEXT_TOKENS: Final = 8192
"""What prompts and answers that run at once share; SmolLM2 was trained for as many."""
CALLS_AT_ONCE: Final = 4
"""Further calls wait their turn inside the server."""
LONGEST_ANSWER: Final = 2048
"""Tokens of an answer to a request that sets no limit of its own."""


class Order(TypedDict):
    """What the host is asked to serve.

    Attributes:
        model: What every answer calls the model.
        path: Its file.
        prefix: The first part of every path of the server.
    """

    model: str
    path: str
    prefix: str


def main() -> None:
    """Serve what the first line orders; the end of standard input is the order to end."""
    # Ctrl-C in a terminal reaches every process of it; when to end is the application's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: Order = json.loads(sys.stdin.buffer.readline())
    native = importlib.import_module("xllamacpp")
    server = native.Server(parameters(native, order))
    sys.stdout.write(server.listening_address + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # Freeing the server would wait for answers that nobody reads any more.
    os._exit(0)


def parameters(native: ModuleType, order: Order) -> object:
    """What the server is told; everything that answering does not need is off."""
    chosen = native.CommonParams()
    chosen.model.path = order["path"]
    # Without an alias every answer would call the model by the absolute path of its file.
    chosen.model_alias = {order["model"]}
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = 0
    chosen.api_prefix = order["prefix"]
    chosen.cors_origins = ""
    chosen.endpoint_slots = False  # it shows other callers' prompts
    chosen.ui = False
    chosen.n_ctx = CONTEXT_TOKENS
    chosen.n_parallel = CALLS_AT_ONCE
    chosen.kv_unified = True  # a lone call may use the whole context
    chosen.cache_ram_mib = 0  # else up to 8 GiB of old prompts are kept
    # Small models fall into loops; a request may ask for more, and for another penalty.
    chosen.n_predict = LONGEST_ANSWER
    chosen.sampling.penalty_repeat = 1.1
    # Its threads wait for each other by spinning: on a busy machine of two cores, two made 4 tokens a second, one 67.
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    # Half a second of start-up, to tune what a small model on a CPU does not need.
    chosen.warmup = False
    chosen.fit_params = False
    chosen.verbosity = 0
    return chosen


if __name__ == "__main__":
    main()
