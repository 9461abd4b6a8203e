"""What an import and a first handle cost in a fresh process, and whose packages they load.

Processor time of the statements alone, medians over processes that are started in turn; one before them fills the
caches of compiled modules.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.report import Row, three_digits
from tests.benchmarks.rivals import ROOT, MissingContenderError, gap, plain_environment, rivals_python
from tests.benchmarks.rivals_contenders import BARE

GROUP = "imports"
ROUNDS = 5

SDKS = ("openai", "groq", "anthropic", "ollama", "litellm", "langchain_openai", "langchain_groq", "langchain_anthropic")

_PROBE = """
import json, sys, time
started = time.process_time()
{statements}
taken = time.process_time() - started
print(json.dumps({{"cpu": taken, "sdks": sorted(set({sdks}) & set(sys.modules)), "modules": len(sys.modules)}}))
"""

_HANDLE = """
from langchain_lucky_models import create_llm_registry
registry = create_llm_registry(fallback_keys={"openai": "sk-benchmark"})
user = registry.for_user(mode="shared", user_id="ada", models=["openai#gpt-4o"])
user.model("openai#gpt-4o")
"""
_TIER = _HANDLE + "user.tier('cheap')\n"
_BARE_HANDLE = """
from langchain_openai import ChatOpenAI
ChatOpenAI(model="gpt-4o", api_key="sk-benchmark")
"""


@dataclass(frozen=True)
class Import:
    """Statements that a fresh process runs."""

    name: str
    statements: str
    rival: bool = False


CORE = Import("langchain-core's chat models", "from langchain_core.language_models.chat_models import BaseChatModel")
IMPORTS = (
    CORE,
    Import("import langchain_lucky_models", "import langchain_lucky_models"),
    Import("our chat model", "from langchain_lucky_models import LuckyChatModel"),
    Import("our registry, user and first handle", _HANDLE),
    Import("our registry, user, handle and tier", _TIER),
    Import("langchain_openai", "import langchain_openai; langchain_openai.ChatOpenAI"),
    Import(f"{BARE.name}, constructed", _BARE_HANDLE),
    Import("langchain_litellm", "import langchain_litellm; langchain_litellm.ChatLiteLLM", rival=True),
)


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything."""
    found: dict[str, list[dict[str, Any]] | str] = {imported.name: [] for imported in IMPORTS}
    for number in range(1 + (2 if quick else ROUNDS)):
        for imported in IMPORTS:
            rounds = found[imported.name]
            if isinstance(rounds, str):
                continue
            try:
                measured = _probe(imported)
            except MissingContenderError as error:
                found[imported.name] = str(error)
                continue
            if number:
                rounds.append(measured)
    return [row for imported in IMPORTS for row in _rows(imported, found[imported.name], found[CORE.name])]


def _probe(imported: Import) -> dict[str, Any]:
    python = rivals_python() if imported.rival else sys.executable
    script = _PROBE.format(statements=imported.statements, sdks=SDKS)
    ended = subprocess.run(
        [python, "-c", script], cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise MissingContenderError(ended.stderr.strip().splitlines()[-1][:300])
    measured: dict[str, Any] = json.loads(ended.stdout)
    return measured


def _rows(imported: Import, outcome: list[dict[str, Any]] | str, core: list[dict[str, Any]] | str) -> Iterator[Row]:
    if isinstance(outcome, str) or isinstance(core, str):
        yield gap(GROUP, imported.name, outcome if isinstance(outcome, str) else str(core))
        return
    figure, base = (statistics.median(measured["cpu"] for measured in rounds) for rounds in (outcome, core))
    against = f"{CORE.name}: {three_digits(base * 1e3)} ms CPU"
    loaded = ", ".join(outcome[-1]["sdks"]) or "no provider's package"
    yield Row(GROUP, f"{imported.name}; loads {loaded}", figure * 1e3, "ms CPU", against, figure / base)
    if imported.statements == _HANDLE:
        beyond = statistics.median(ours["cpu"] - plain["cpu"] for ours, plain in zip(outcome, core, strict=True))
        yield Row(GROUP, f"{imported.name}, beyond {CORE.name}", beyond * 1e3, "ms CPU", against, beyond / base)
