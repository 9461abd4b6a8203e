"""What becomes of a call whose first member has a fault, whichever way the handle asks and is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from langchain_lucky_models import LuckyChatModel, errors
from tests import homes
from tests.loopback import Answer, Provider
from tests.loopback.faults import CUTS, EXCESSES, NONSENSE, ODDITIES, REFUSALS, RETRY_AFTER, SILENCES, STATUSES

FAMILIES = {
    "A plain status": STATUSES,
    "429 with a form of `Retry-After`": RETRY_AFTER,
    "A refusal that means something else, a redirect": REFUSALS,
    "Silence": SILENCES,
    "An answer that stops": CUTS,
    "An answer that is none": NONSENSE,
    "An answer without end": EXCESSES,
    "A good answer with something odd": ODDITIES,
}
"""The faults by what they have in common."""

LINES: Mapping[str, tuple[str, ...]] = {
    "first": (homes.OPENAI,),
    "fallback": (homes.OPENAI, homes.GROQ),
    "race": (homes.OPENAI, homes.GROQ),
    "consensus": (homes.OPENAI, homes.GROQ, homes.ANTHROPIC),
}
"""Who is asked; the first has the fault, the others are well."""

WAYS = ("whole", "streamed")
ANSWERED = "answer"
TEXT = "Hello from the loopback model."
TIMEOUT, CONTENT_TIMEOUT = 1.0, 0.4
"""Seconds for faults that only a timer ends; twice as many where somebody else has to answer within the rest."""
PATIENCE = 10.0
"""Seconds for the others, so that a busy machine is no fault."""
HEAD_START = 0.1
"""Seconds that the others of a race take, so that a fault which shows content first is seen to."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one call.

    Attributes:
        outcome: `answer`, or the class that was raised.
        text: What was shown before the end.
        error: What was raised.
    """

    outcome: str
    text: str = ""
    error: errors.CallError | None = None


@contextmanager
def handle_with(fault: str, strategy: str, server: Provider, promise: str = "") -> Iterator[LuckyChatModel]:
    """A handle of a registry of its own, whose first member has the fault; what is to become of it, if known."""
    server.clear()
    if strategy == "race" and fault not in {*STATUSES, *RETRY_AFTER, *REFUSALS}:
        server.reply(Answer(TEXT, delay=HEAD_START))
    server.script(fault, model="gpt-4o")
    with homes.registry_on(server) as registry:
        whole, content = _timers(fault, strategy, promise)
        limits = {"timeout": whole, "first_token_timeout": content, "stall_timeout": content}
        yield homes.user_of(registry).models(*LINES[strategy], strategy=strategy, max_retries=0, **limits)


def _timers(fault: str, strategy: str, promise: str) -> tuple[float, float]:
    together = strategy in {"race", "consensus"} and promise == ANSWERED
    if together or not (fault in SILENCES or fault == "endless_stream"):
        return PATIENCE, PATIENCE
    share = 2 if promise == ANSWERED else 1
    return share * TIMEOUT, share * CONTENT_TIMEOUT


def ask(handle: LuckyChatModel, way: str) -> Trial:
    """Ask, and say what came of it."""
    shown: list[str] = []
    try:
        if way == "streamed":
            shown.extend(chunk.text for chunk in handle.stream("Hi"))
        else:
            shown.append(handle.invoke("Hi").text)
    except errors.CallError as error:
        return Trial(type(error).__name__, "".join(shown), error)
    return Trial(ANSWERED, "".join(shown))


async def aask(handle: LuckyChatModel, way: str) -> Trial:
    """Same as `ask`, on the event loop."""
    shown: list[str] = []
    try:
        if way == "streamed":
            async for chunk in handle.astream("Hi"):
                shown.append(chunk.text)  # noqa: PERF401 - what was shown before a break counts
        else:
            shown.append((await handle.ainvoke("Hi")).text)
    except errors.CallError as error:
        return Trial(type(error).__name__, "".join(shown), error)
    return Trial(ANSWERED, "".join(shown))
