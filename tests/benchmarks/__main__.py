"""Runs the benchmarks, prints every figure, and writes `docs/benchmarks.md` when all of them ran in full.

python -m tests.benchmarks [NAME …] [--quick]
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import inspect
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.benchmarks.pages import Section, page_of, table_of
from tests.benchmarks.report import Row
from tests.benchmarks.rivals import ROOT, gap

PAGE = ROOT / "docs" / "benchmarks.md"
NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(arguments: Sequence[str]) -> int:
    """Run what is named, or everything.

    Returns:
        How many benchmarks broke.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    sections = [section_of(name, quick=wanted.quick) for name in wanted.names or NAMES]
    if wanted.quick or wanted.names:
        print(f"{PAGE.name} is written by a run of everything, without --quick.", file=sys.stderr)
    else:
        PAGE.write_text(page_of(sections, dt.datetime.now(dt.UTC).date()), encoding="utf-8")
    return sum(section.broken for section in sections)


def section_of(name: str, *, quick: bool) -> Section:
    """Run one benchmark; one that breaks is reported, and the others go on."""
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    started = time.perf_counter()
    broken = False
    try:
        rows = _rows_of(module, quick=quick)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other figures are worth having
        rows, broken = [gap(name, name, f"{type(error).__name__}: {error}")], True
    section = Section(name, inspect.getdoc(module) or "", tuple(rows), broken)
    print(f"\n{name}, {time.perf_counter() - started:.0f} s\n{table_of(section.rows)}", flush=True)
    return section


def _rows_of(module: ModuleType, *, quick: bool) -> list[Row]:
    shortens = "quick" in inspect.signature(module.run).parameters
    return list(module.run(quick=quick) if shortens else module.run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
