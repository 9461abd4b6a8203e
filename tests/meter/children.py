"""What child processes do with handles on one ledger: `python -m tests.meter.children NAME URL PLACE NUMBER…`."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from langchain_lucky_models import LLMRegistry, UserModels, create_llm_registry, errors
from langchain_lucky_models.catalog import ModelEntry
from langchain_lucky_models.ledger import Ledger

TOLL = "openai#toll"
CENT = Decimal("0.01")
LEASE = 0.5


def opened(url: str, ledger: str | Path | Ledger | None, calls: int) -> tuple[LLMRegistry, UserModels]:
    """A registry with money for so many calls of a model that costs a cent whatever it says, and who spends it."""
    registry = create_llm_registry(
        fallback_keys={"openai": "sk-house-0123456789"},
        providers={"openai": {"base_url": f"{url}/v1"}},
        ledger=ledger,
        budgets=[{"scope": "user", "limit": calls * CENT, "window": "total"}],
    )
    price = {"input": "0", "output": "0", "request": str(CENT)}
    toll = {"provider": "openai", "id": "toll", "price_state": "priced", "pricing": [price]}
    registry.catalog.register(ModelEntry.model_validate(toll))
    return registry, registry.for_user(mode="shared", user_id="ada", models=[TOLL])


def crowd(url: str, place: str, calls: int, processes: int, each: int) -> None:
    """So many processes ask at the same moment, half in threads and half in tasks."""
    (ready, tell), (wait, go) = os.pipe(), os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            _in_child(lambda: _one_of_the_crowd(url, place, calls, each, lambda: _line_up(tell, wait)))
    for _ in range(processes):
        os.read(ready, 1)
    os.write(go, b"!" * processes)
    sys.exit(any(os.wait()[1] for _ in range(processes)))


def _line_up(tell: int, wait: int) -> None:
    os.write(tell, b"!")
    os.read(wait, 1)


def _one_of_the_crowd(url: str, place: str, calls: int, each: int, line_up: Callable[[], None]) -> None:
    registry, user = opened(url, place, calls)
    model = user.model(TOLL, timeout=100)
    start = threading.Barrier(each // 2 + 1)

    def ask() -> None:
        start.wait()
        try:
            model.invoke("hi")
        except errors.BudgetExceededError:
            return

    async def aask() -> None:
        try:
            await model.ainvoke("hi")
        except errors.BudgetExceededError:
            return

    async def all_tasks() -> None:
        start.wait()
        await asyncio.gather(*(aask() for _ in range(each - each // 2)))

    threads = [threading.Thread(target=ask) for _ in range(each // 2)]
    for thread in threads:
        thread.start()
    line_up()
    asyncio.run(all_tasks())
    for thread in threads:
        thread.join()
    registry.close()


def nursery(url: str, place: str, calls: int, kills: int) -> None:
    """One process after the other asks until it is killed; what each was answered, it has written down first."""
    known = os.open(f"{place}.known", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    draw = random.Random(kills)
    for child in range(kills):
        hear, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hear)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            _in_child(lambda: _ask_for_ever(url, place, calls, f"{child}", known, told))  # noqa: B023 - called at once
        os.close(told)
        for _ in range(draw.randrange(4)):
            os.read(hear, 1)  # however slow the machine is, something has happened
        time.sleep(draw.uniform(0.0, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(hear)


def _ask_for_ever(url: str, place: str, calls: int, name: str, known: int, told: int) -> None:
    _, user = opened(url, Ledger(place, lease=LEASE), calls)
    for number in itertools.count():
        tag = f"{name}-{number}"
        try:
            user.model(TOLL, tags=[tag], max_retries=0).invoke(tag)
        except errors.BudgetExceededError:
            return
        os.write(known, f"{tag}\n".encode())
        try:
            os.write(told, b"!")
        except BrokenPipeError:
            return


def forks(url: str, place: str, calls: int, children: int) -> None:
    """A registry that has been used is used on in children, by the same handle, and by the parent meanwhile."""
    registry, user = opened(url, None if place == "memory" else place, calls)
    model = user.model(TOLL)
    model.invoke("hi")
    asyncio.run(_twice(model))
    for _ in range(children):
        if os.fork() == 0:
            _in_child(lambda: _use_on(registry, model))
    model.invoke("hi")
    codes = [os.wait()[1] for _ in range(children)]
    print(registry.usage(by=())[0].requests)
    registry.close()
    sys.exit(any(codes))


async def _twice(model: Any) -> None:
    await asyncio.gather(model.ainvoke("hi"), model.ainvoke("hi"))


def _use_on(registry: LLMRegistry, model: Any) -> None:
    model.invoke("hi")
    asyncio.run(_twice(model))
    registry.close()


def _in_child(work: Callable[[], None]) -> None:
    """A child never goes on where its parent does."""
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    name, url, place, *numbers = sys.argv[1:]
    if "postgres" in place:
        import psycopg  # noqa: F401 - imported once, for all children
        import sqlalchemy  # noqa: F401
    import langchain_openai  # noqa: F401

    work: dict[str, Callable[..., None]] = {"crowd": crowd, "nursery": nursery, "forks": forks}
    work[name](url, place, *map(int, numbers))
