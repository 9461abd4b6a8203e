"""How fast the catalog answers: its first lookup, every later one, a tier, a search, a bill, its import.

Nothing here waits, so processor time is measured: a busy machine does not blur it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import statistics
import subprocess
import sys
import time
from decimal import Decimal
from functools import partial
from importlib import resources

from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.prices import cost
from langchain_lucky_models.catalog.tiers import rank, usable
from langchain_lucky_models.catalog.usage import Usage
from tests.benchmarks import report
from tests.benchmarks.report import Row

seconds = partial(report.seconds, clock=time.process_time)

GROUP = "catalog"
PROCESSES = 7
DAY = dt.date(2026, 11, 21)

_FIRST_LOOKUP = """
import time
from langchain_lucky_models.catalog.catalog import Catalog
started = time.process_time()
Catalog.packaged().get("openai#gpt-4o")
print(time.process_time() - started)
"""

_IMPORT = """
import time
started = time.process_time()
{statement}
print(time.process_time() - started)
"""

_PYDANTIC = "from pydantic import BaseModel\nclass Model(BaseModel):\n    name: str"
_PACKAGE = "import langchain_lucky_models.catalog"
_EVERYTHING = "from langchain_lucky_models.catalog.catalog import Catalog"


def run() -> list[Row]:
    """Measure everything."""
    return [_first_lookup(), *_lookups(), *_rankings(), _bill(), _batch(), *_imports()]


def _first_lookup() -> Row:
    packed = resources.files("langchain_lucky_models.catalog").joinpath("data", "catalog.json.gz").read_bytes()
    plain = seconds(lambda: json.loads(gzip.decompress(packed)), times=1)
    return _row(
        "first lookup, file and all", _in_new_process(_FIRST_LOOKUP), "json.loads of the same file", plain, "ms"
    )


def _lookups() -> list[Row]:
    catalog = Catalog.packaged()
    table = {str(entry.ref): entry for entry in catalog}
    alias = next(f"{entry.provider}#{name}" for entry in catalog for name in (*entry.aliases, *entry.snapshots))
    plain = seconds(lambda: table["openai#gpt-4o"], times=20_000)
    by_id = seconds(lambda: catalog.get("openai#gpt-4o"), times=20_000)
    by_alias = seconds(lambda: catalog.get(alias), times=20_000)
    grown = Catalog.packaged()
    grown.register_all({"provider": "mybox", "id": f"m{number}"} for number in range(10_000))
    among_many = seconds(lambda: grown.get("openai#gpt-4o"), times=20_000)
    return [
        _row("lookup by id", by_id, "lookup in a dict", plain, "µs"),
        _row("lookup by alias or snapshot", by_alias, "lookup by id", by_id, "µs"),
        _row("lookup among 10,000 more", among_many, "lookup by id", by_id, "µs"),
    ]


def _rankings() -> list[Row]:
    catalog = Catalog.packaged()
    fifty = [entry for entry in catalog if entry.price_state == "priced" and usable(entry, on=DAY) is None][:50]
    plain = seconds(lambda: sorted(fifty, key=lambda entry: entry.pricing[0].input or Decimal(0)), times=200)
    rows = [
        _row(
            f"tier {tier} over 50 models",
            seconds(lambda tier=tier: rank(tier, fifty, on=DAY), times=50),  # type: ignore[misc]
            "sorted() by one price",
            plain,
            "µs",
        )
        for tier in ("cheap", "fast", "smart", "balanced")
    ]
    whole = seconds(lambda: catalog.search(capability="tools", max_price="1", sort_by="price"), times=5)
    loop = seconds(lambda: [entry for entry in catalog if entry.capabilities.tools], times=20)
    return [*rows, _row("search over the whole catalog", whole, "one attribute of every model", loop, "ms")]


def _bill() -> Row:
    entry = Catalog.packaged().get("openai#gpt-4o")
    usage = Usage(input=12_345, output=678, cache_read=9_000)
    plain = seconds(lambda: Decimal(12_345) * Decimal("2.5") + Decimal(678) * Decimal(10), times=5_000)
    return _row(
        "bill of one call", seconds(lambda: cost(usage, entry, DAY), times=2_000), "two multiplications", plain, "µs"
    )


def _batch() -> Row:
    rows = [{"provider": "mybox", "id": f"m{number}", "pricing": [{"input": "1"}]} for number in range(10_000)]
    ours = seconds(lambda: Catalog().register_all(rows), times=1, rounds=3)
    plain = seconds(lambda: json.loads(json.dumps(rows)), times=1, rounds=3)
    return _row("registering 10,000 models", ours, "json there and back", plain, "ms")


def _imports() -> list[Row]:
    pydantic = _in_new_process(_IMPORT.format(statement=_PYDANTIC))
    return [
        _row("import of the package", _in_new_process(_IMPORT.format(statement=_PACKAGE)), "pydantic", pydantic, "ms"),
        _row("import of Catalog", _in_new_process(_IMPORT.format(statement=_EVERYTHING)), "pydantic", pydantic, "ms"),
    ]


def _in_new_process(script: str) -> float:
    """The seconds that a fresh interpreter prints: the median of some, after one that fills its caches."""
    command = [sys.executable, "-c", script]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(PROCESSES + 1)]
    return statistics.median(float(printed) for printed in runs[1:])


def _row(name: str, figure: float, baseline: str, plain: float, unit: str) -> Row:
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    return Row(GROUP, name, figure * scale, unit, f"{baseline}: {plain * scale:.3g} {unit}", figure / plain)


if __name__ == "__main__":
    for row in run():
        print(f"{row.name:32} {row.figure:10.3f} {row.unit}  {row.ratio:8.2f} x {row.baseline}")
