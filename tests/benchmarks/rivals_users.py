"""Many users with keys of their own, in a process of its own: what they cost before and after their first call.

Started as `python -m tests.benchmarks.rivals_users NAME URL COUNT SAMPLE`, it prints its figures.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from tests.benchmarks.rivals_server import OPEN_WEIGHTS
from tests.benchmarks.rivals_worker import resident_kib

MakeUser = Callable[[int], Any]
FIRST_BUILT = 20
"""Users made before the clock runs: imports and shared connections are nobody's cost."""


def _key(number: int) -> str:
    return f"sk-user-{number:08d}"


def _our_users(provider: str, ref: str, base_url: str) -> MakeUser:
    from langchain_lucky_models import create_llm_registry

    registry = create_llm_registry(providers={provider: {"base_url": base_url}})

    def make(number: int) -> Any:
        keys = {provider: _key(number)}
        user = registry.for_user(mode="byok", user_id=f"user-{number}", models=[ref], api_keys=keys)
        return user, user.model(ref)

    return make


def _ours_openai(url: str) -> MakeUser:
    return _our_users("openai", "openai#gpt-4o", f"{url}/v1")


def _ours_groq(url: str) -> MakeUser:
    return _our_users("groq", f"groq#{OPEN_WEIGHTS}", url)


def _bare_openai(url: str) -> MakeUser:
    from langchain_openai import ChatOpenAI

    return lambda number: (None, ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key=SecretStr(_key(number))))


def _bare_groq(url: str) -> MakeUser:
    from langchain_groq import ChatGroq

    return lambda number: (None, ChatGroq(model_name=OPEN_WEIGHTS, base_url=url, api_key=SecretStr(_key(number))))


WAYS: Mapping[str, Callable[[str], MakeUser]] = {
    "for_user + model, OpenAI": _ours_openai,
    "for_user + model, Groq": _ours_groq,
    "bare ChatOpenAI": _bare_openai,
    "bare ChatGroq": _bare_groq,
}


def measure(make: MakeUser, count: int, sample: int) -> dict[str, float]:
    """Seconds of CPU and KiB of memory: of a user, and of the first and the second call of those who make one."""
    kept = [make(-number) for number in range(1, 1 + FIRST_BUILT)]
    kept[0][1].invoke("hi")
    before, started = resident_kib(), time.process_time()
    kept += [make(number) for number in range(count)]
    built = time.process_time() - started
    after = resident_kib()
    callers: Sequence[Any] = [model for _, model in kept[-sample:]]
    calls = [_calls(callers) for _ in range(2)]
    return {
        "built": built / count,
        "built_kib": (after - before) / count,
        "first": calls[0] / len(callers),
        "second": calls[1] / len(callers),
        "called_kib": (resident_kib() - after) / len(callers),
    }


def _calls(callers: Sequence[Any]) -> float:
    started = time.process_time()
    for model in callers:
        model.invoke("hi")
    return time.process_time() - started


if __name__ == "__main__":
    name, url, count, sample = sys.argv[1:]
    print(json.dumps(measure(WAYS[name](url), int(count), int(sample))))
