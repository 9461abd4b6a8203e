"""Where shadows run: threads that begin when they are needed, and end with their registry."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest

from langchain_lucky_models.rollout.backroom import Backroom, Ending, Errand
from langchain_lucky_models.wire.leashes import Leash, leash_here

FORKED = """
import os, threading
from langchain_lucky_models import create_llm_registry

registry = create_llm_registry(rollout={"new-chat": {"shadow": {"max_concurrent": 1}}})
rollout = registry.rollout("new-chat")
gate = threading.Event()
rollout.call("ada", lambda: 1, gate.wait)
child = os.fork()
if child == 0:
    rollout.call("ada", lambda: 1, lambda: 1)
    compared = rollout.wait(30) and len(rollout.report().rows)
    registry.close()
    os._exit(compared)
gate.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), rollout.wait(30) and len(rollout.report().rows))
registry.close()
"""

LEFT_HANGING = """
import threading
from langchain_lucky_models import create_llm_registry

rollout = create_llm_registry(rollout={"new-chat": {"shadow": {}}}).rollout("new-chat")
print(rollout.call("ada", lambda: "answered", threading.Event().wait))
"""


def errand(work: object, timeout: float = 30.0) -> tuple[Errand, list[Ending], threading.Event]:
    """An errand, how it ended, and an event that is set then."""
    endings: list[Ending] = []
    over = threading.Event()

    def ended(ending: Ending) -> None:
        endings.append(ending)
        over.set()

    assert callable(work)
    return Errand(work, timeout, ended, lambda: None), endings, over


class Scope:
    """What a leash ends."""

    def __init__(self, told: threading.Event | None = None) -> None:
        self.aborted = 0
        self._told = told or threading.Event()

    def abort(self) -> None:
        self.aborted += 1
        self._told.set()


def test_an_errand_is_done_on_a_leash() -> None:
    room = Backroom()
    task, endings, over = errand(leash_here)
    assert room.begin(task)
    assert over.wait(30)
    assert endings[0].answer is task.leash
    room.close()
    assert not room.begin(task)


def test_time_that_is_up_pulls_the_leash_and_ends_the_errand_once() -> None:
    room = Backroom()
    gate = threading.Event()
    task, endings, over = errand(gate.wait, timeout=0.01)
    room.begin(task)
    assert over.wait(30)
    assert task.leash.pulled
    gate.set()
    room.close()
    assert [ending.timed_out for ending in endings] == [True]


def test_what_runs_at_the_close_is_told_to_end() -> None:
    room, gate, begun = Backroom(), threading.Event(), threading.Event()
    scope = Scope(gate)

    def hanging() -> None:
        leash = leash_here()
        assert leash is not None
        leash.take(scope)
        begun.set()
        gate.wait()

    task, endings, _ = errand(hanging)
    room.begin(task)
    assert begun.wait(30)
    room.close(30)
    assert gate.is_set()
    assert len(endings) == 1


def test_a_room_that_nobody_holds_ends_its_thread() -> None:
    room = Backroom()
    task, _, over = errand(lambda: None)
    room.begin(task)
    assert over.wait(30)
    thread = room._desk._thread
    assert thread is not None
    gone = weakref.ref(room)
    del room, task
    gc.collect()
    assert gone() is None
    thread.join(30)
    assert not thread.is_alive()


def test_a_leash_ends_what_it_holds_and_what_begins_later() -> None:
    leash, early, over, late = Leash(), Scope(), Scope(), Scope()
    leash.take(early)
    leash.take(over)
    leash.drop(over)
    leash.pull()
    leash.take(late)
    assert (early.aborted, over.aborted, late.aborted) == (1, 0, 1)


def ran(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_room_of_its_own() -> None:
    assert ran(FORKED).split() == ["1", "1"]


def test_a_shadow_that_hangs_keeps_no_program_from_ending() -> None:
    assert ran(LEFT_HANGING) == "answered\n"
