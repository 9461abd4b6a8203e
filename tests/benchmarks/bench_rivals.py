"""What a call and a stream cost beside LangChain's own ways and LiteLLM's, in processor time.

Every contender is a process of its own and asks the same loopback server, which is another process and sends bytes made
beforehand; rounds are interleaved. A stream is 500 chunks that arrive at once, so its time is the client's own. LiteLLM
cannot be installed beside `openai` 3 and runs in an environment of its own.
"""

from __future__ import annotations

from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Measure, Task, arena
from tests.benchmarks.rivals_contenders import (
    BARE,
    CHAT_LITELLM,
    CHAT_LITELLM_ROUTER,
    CONFIGURABLE,
    OURS,
    ROUTER,
    WITH_FALLBACKS,
)
from tests.benchmarks.rivals_server import CHUNKS, QUICK, serving

GROUP = "rivals"
CONTENDERS = (BARE, OURS, WITH_FALLBACKS, CONFIGURABLE, CHAT_LITELLM, CHAT_LITELLM_ROUTER, ROUTER)

TASKS = {
    Task("call", 15, 16): ("a call", 1e3, "ms CPU"),
    Task("acall", 15, 16): ("an async call", 1e3, "ms CPU"),
    Task("stream", 1, 10): ("a chunk", 1e6 / CHUNKS, "µs CPU"),
    Task("astream", 1, 10): ("an async chunk", 1e6 / CHUNKS, "µs CPU"),
}


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    rows = []
    with serving() as url, arena(CONTENDERS, url, QUICK[:2]) as compete_in:
        for task, (what, scale, unit) in TASKS.items():
            found = compete_in(task.shortened(quick=quick))
            rows += Measure(GROUP, what, "cpu", scale, unit, BARE.name).rows(found)
    return rows
