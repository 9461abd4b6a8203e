"""A ledger whose file nobody may write any more: calls are refused, and what was paid for waits on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import ctypes, os, sys
from pathlib import Path
from langchain_lucky_models.errors import LedgerUnavailableError
from langchain_lucky_models.ledger import Ledger, desk
from tests.accounts import attempt, charge

desk.REST_SECONDS = 0.0
CAN_WRITE_ANYTHING = 1
VERSION = 0x20080522
libc = ctypes.CDLL(None, use_errno=True)

def obey_permissions():
    # Root writes wherever it likes, unless it gives that right up.
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        sys.exit("capget: " + os.strerror(ctypes.get_errno()))
    sets[0] &= ~(1 << CAN_WRITE_ANYTHING)
    if libc.capset(header, sets):
        sys.exit("capset: " + os.strerror(ctypes.get_errno()))

folder = Path(sys.argv[1])
path, spool = folder / "kept" / "ledger.db", folder / "spool"
path.parent.mkdir()
with Ledger(path) as ledger:
    ledger.record(attempt("before")).result()
if os.geteuid() == 0:
    obey_permissions()
path.chmod(0o444)
path.parent.chmod(0o555)
with Ledger(path, spool=spool) as ledger:
    for number in range(20):
        try:
            ledger.reserve(attempt(f"new{number}"), [charge("k", 1, 10**12)]).result()
        except LedgerUnavailableError as error:
            assert "away" in str(error), error
        else:
            sys.exit("a call was let through without a hold")
    states = {ledger.record(attempt(f"paid{number}")).result().state for number in range(20)}
    assert states == {"spooled"}, states
    path.parent.chmod(0o755)
    path.chmod(0o644)
    ledger.record(attempt("after")).result()
    assert ledger.usage()[0].requests == 22, ledger.usage()
    assert ledger.audit() == []
print("fine")
"""


def test_a_file_that_may_only_be_read_refuses_calls_and_loses_no_answer(tmp_path: Path) -> None:
    """Case 57: of twenty calls none is sent without a hold, of twenty paid answers none is lost."""
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr[-2000:]
