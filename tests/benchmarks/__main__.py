"""Runs the benchmarks, prints every figure, and writes `docs/benchmarks.md` when all of them have run in full.

python -m tests.benchmarks [NAME …] [--quick] [--resume]

Every group is kept in `build/benchmarks` as soon as it has run, so an interrupted run goes on with `--resume`, and one
group can be measured anew: the page is written from what is kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import importlib
import inspect
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.benchmarks.pages import Section, page_of, table_of
from tests.benchmarks.report import Row
from tests.benchmarks.rivals import ROOT, gap

PAGE = ROOT / "docs" / "benchmarks.md"
KEPT = ROOT / "build" / "benchmarks"
NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(arguments: Sequence[str]) -> int:
    """Run what is named, or everything.

    Returns:
        How many benchmarks broke.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--resume", action="store_true", help="leave out what an interrupted run has measured")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if not (wanted.names or wanted.quick or wanted.resume):
        forget()
    ran: dict[str, Section] = {}
    for name in wanted.names or NAMES:
        if wanted.resume and kept(name) is not None:
            continue
        section = ran[name] = section_of(name, quick=wanted.quick)
        if not wanted.quick and not section.broken:
            keep(section)
    # One that broke is a gap on the page, and is measured anew by `--resume`.
    sections = [kept(name) or ran.get(name) for name in NAMES]
    missing = [name for name, section in zip(NAMES, sections, strict=True) if section is None]
    if wanted.quick or missing:
        print(f"{PAGE.name} is not written: {', '.join(missing) or 'this was but a look'}.", file=sys.stderr)
    else:
        PAGE.write_text(page_of([section for section in sections if section]), encoding="utf-8")
    return sum(section.broken for section in ran.values())


def keep(section: Section) -> None:
    """Keep what was measured for the page."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{section.name}.json").write_text(json.dumps(dataclasses.asdict(section), indent=1), encoding="utf-8")


def kept(name: str) -> Section | None:
    """What was measured last of a group."""
    path = KEPT / f"{name}.json"
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return Section(**{**told, "rows": tuple(Row(**row) for row in told["rows"])})


def forget() -> None:
    """Begin anew."""
    for path in KEPT.glob("*.json"):
        path.unlink()


def section_of(name: str, *, quick: bool) -> Section:
    """Run one benchmark; one that breaks is reported, and the others go on."""
    started = time.perf_counter()
    broken, method = False, ""
    try:
        module = importlib.import_module(f"tests.benchmarks.bench_{name}")
        method = inspect.getdoc(module) or ""
        rows = _rows_of(module, quick=quick)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other figures are worth having
        rows, broken = [gap(name, name, f"{type(error).__name__}: {error}")], True
    day = dt.datetime.now(dt.UTC).date().isoformat()
    section = Section(name, method, tuple(rows), broken, day)
    print(f"\n{name}, {time.perf_counter() - started:.0f} s\n{table_of(section.rows)}", flush=True)
    return section


def _rows_of(module: ModuleType, *, quick: bool) -> list[Row]:
    shortens = "quick" in inspect.signature(module.run).parameters
    return list(module.run(quick=quick) if shortens else module.run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
