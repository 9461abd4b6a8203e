"""What many users with keys of their own cost, in processor time and memory, before and after their first call.

Each way and each number of users is a process of its own. All users stay alive; a sample of them calls, twice. A bare
ChatGroq builds connections of its own, so fifty of them stand for any number.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from langchain_lucky_models import create_llm_registry
from tests.benchmarks.report import Row, seconds, three_digits
from tests.benchmarks.rivals import ROOT, plain_environment
from tests.benchmarks.rivals_server import serving

GROUP = "users"
COUNTS = (500, 10_000)
SAMPLE = 200
GROQ_STANDS_FOR_ALL = 50
PAIRS = {
    "for_user + model, OpenAI": "bare ChatOpenAI",
    "for_user + model, Groq": "bare ChatGroq",
}
FIGURES = {
    "built": ("a user", 1e6, "µs CPU"),
    "built_kib": ("a user", 1.0, "KiB"),
    "first": ("a user's first call", 1e3, "ms CPU"),
    "second": ("a user's second call", 1e3, "ms CPU"),
    "called_kib": ("a user who has called, further", 1.0, "KiB"),
}
LINES = 10_000


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    counts = COUNTS[:1] if quick else COUNTS
    with serving() as url:
        rows = [row for count in counts for ours, bare in PAIRS.items() for row in _against(url, count, ours, bare)]
    return [*rows, _long_list()]


def _against(url: str, count: int, ours: str, bare: str) -> Iterator[Row]:
    bare_count = min(count, GROQ_STANDS_FOR_ALL) if bare == "bare ChatGroq" else count
    figures, plain = _measured(ours, url, count), _measured(bare, url, bare_count)
    for figure, (what, scale, unit) in FIGURES.items():
        base = plain[figure] * scale
        against = f"{bare}, {bare_count:,} of them: {three_digits(base)} {unit}"
        ratio = figures[figure] / plain[figure] if plain[figure] else float("nan")
        yield Row(GROUP, f"{ours}, {count:,} of them: {what}", figures[figure] * scale, unit, against, ratio)


def _measured(name: str, url: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.rivals_users", name, url, str(count), str(min(count, SAMPLE))]
    ended = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(ended.stdout)
    return measured


def _long_list() -> Row:
    """A user whose list has ten thousand lines: they are read, and nothing is built."""
    lines = [f"openai#model-{number}" for number in range(LINES)]
    with create_llm_registry(fallback_keys={"openai": "sk-benchmark"}) as registry:
        taken = seconds(
            lambda: registry.for_user(mode="shared", user_id="ada", models=lines), times=1, clock=time.process_time
        )
    plain = seconds(lambda: [line.partition("#") for line in lines], times=1, clock=time.process_time)
    against = f"str.partition of every line: {three_digits(plain * 1e3)} ms CPU"
    return Row(GROUP, f"for_user with a list of {LINES:,} models", taken * 1e3, "ms CPU", against, taken / plain)
