"""One process at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from langchain_lucky_models.embedded.turns import own_turn
from tests.clocks import Stopwatch

HOLD = """
import sys
from pathlib import Path
from langchain_lucky_models.embedded.turns import own_turn
with own_turn(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_turn_waits_for_the_one_before_it(tmp_path: Path) -> None:
    lock, order = tmp_path / "lock", list[str]()

    def follow() -> None:
        with own_turn(lock):
            order.append("second")

    with own_turn(lock):
        follower = threading.Thread(target=follow)
        follower.start()
        follower.join(timeout=0.25)
        assert follower.is_alive()
        order.append("first")
    follower.join()
    assert order == ["first", "second"]


def test_a_holder_that_is_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mine\n"
        holder.kill()
        holder.wait()
        with Stopwatch() as watch, own_turn(lock):
            pass
        assert watch.seconds < 1
