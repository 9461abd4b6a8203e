"""For every fault, strategy and way of asking: the answer, or the typed error, that docs/strategies.md promises."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Iterator

import pytest

from tests import homes
from tests.faults.matrix import ANSWERED, FAMILIES, LINES, TEXT, WAYS, Trial, aask, ask, handle_with
from tests.faults.table import COLUMNS, promised
from tests.loopback import FAULTS, Provider

PROMISED = promised()
PARTIAL = {"StreamInterruptedError", "StreamTruncatedError"}


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    """One server for every fault; each handle brings a registry of its own."""
    with Provider() as server:
        yield server


def check(trial: Trial, promise: str) -> None:
    """Hold a call to its promise, its text and its error to theirs."""
    assert trial.outcome == promise
    if promise == ANSWERED:
        assert trial.text == TEXT
        return
    error = trial.error
    assert error is not None
    assert TEXT.startswith(trial.text) or trial.outcome in PARTIAL
    assert bool(trial.text) == (trial.outcome in PARTIAL)
    assert [attempt.error for attempt in error.attempts if attempt.outcome == "failed"][-1:] == [error.code]
    assert len(error.safe_message) <= 300
    left = repr(error) + str(vars(error)) + repr(copy.copy(error)) + pickle.dumps(error).decode("latin-1")
    assert not [key for key in homes.KEYS.values() if key in left]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("strategy", LINES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_ends_as_promised_in_threads_and_on_the_loop(
    fault: str, strategy: str, way: str, server: Provider
) -> None:
    """Cases 1-24: for each fault the promised answer or error, and the same of `invoke` as of `ainvoke`."""
    promise = PROMISED[fault][COLUMNS.index((strategy, way))]
    with handle_with(fault, strategy, server, promise) as handle:
        check(ask(handle, way), promise)
    with handle_with(fault, strategy, server, promise) as handle:
        check(await aask(handle, way), promise)


def test_every_fault_has_its_row_and_no_row_is_left_over() -> None:
    """The table knows the faults that there are; each belongs to one family."""
    assert set(PROMISED) == set(FAULTS)
    assert sum(len(faults) for faults in FAMILIES.values()) == len(FAULTS)


def test_nothing_is_left_running(server: Provider) -> None:
    """Case 30: after faults of every kind, no thread and no connection is left."""
    for fault in ("hang_before_headers", "cut_after_tokens", "endless_stream", "status_503"):
        for strategy in LINES:
            with handle_with(fault, strategy, server) as handle:
                ask(handle, "streamed")
    until = time.monotonic() + 60
    while (left := _attempts_running()) and time.monotonic() < until:
        time.sleep(0.01)
    while server.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert (left, server.open_connections) == ([], 0)


def _attempts_running() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "lucky-attempt"]
