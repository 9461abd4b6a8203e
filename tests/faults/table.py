"""The table of `docs/strategies.md`: written from a run of every fault, read by the tests as what is promised.

Run `python -m tests.faults.table` to write it anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.faults.matrix import FAMILIES, LINES, WAYS, aask, ask, handle_with
from tests.loopback import FAULTS, Provider

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
BEGIN = "<!-- outcomes: begin, written by python -m tests.faults.table -->"
END = "<!-- outcomes: end -->"

Cell = tuple[str, str]
"""The strategy and the way of asking."""
COLUMNS: tuple[Cell, ...] = tuple((strategy, way) for strategy in LINES for way in WAYS)
Outcomes = Mapping[str, tuple[str, ...]]
"""By fault: what comes of it in each column."""


async def tried(fault: str, cell: Cell, server: Provider) -> str:
    """What comes of a fault, asked both ways; a difference between sync and async is a mistake."""
    strategy, way = cell
    with handle_with(fault, strategy, server) as handle:
        outcome = ask(handle, way).outcome
    with handle_with(fault, strategy, server) as handle:
        other = (await aask(handle, way)).outcome
    if other != outcome:
        raise AssertionError(f"{fault}, {strategy}, {way}: {outcome}, but {other} on the event loop")
    return outcome


async def try_all() -> Outcomes:
    """Every fault in every column."""
    with Provider() as server:
        return {fault: tuple([await tried(fault, cell, server) for cell in COLUMNS]) for fault in FAULTS}


def written(outcomes: Outcomes) -> str:
    """The table; faults with the same outcomes share a row within their family."""
    heads = [strategy if way == "whole" else f"{strategy}, streamed" for strategy, way in COLUMNS]
    lines = [_row("fault of the first member", heads), _row("---", ["---"] * len(heads))]
    for family, faults in FAMILIES.items():
        lines.append(_row(f"**{family}**", [""] * len(heads)))
        rows: dict[tuple[str, ...], list[str]] = {}
        for fault in faults:
            rows.setdefault(outcomes[fault], []).append(fault)
        for row, names in rows.items():
            lines.append(_row(" ".join(f"`{name}`" for name in names), [_shown(outcome) for outcome in row]))
    return "\n".join(lines)


def promised(page: Path = PAGE) -> Outcomes:
    """The table as the page has it."""
    block = page.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in block.splitlines() if "`" in line]
    return {
        name: tuple(cell.strip("`") for cell in cells)
        for names, *cells in rows
        if cells and cells[0]
        for name in names.replace("`", "").split()
    }


def write(outcomes: Outcomes, page: Path = PAGE) -> None:
    """Put the table between its marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{written(outcomes)}\n\n{END}{rest.partition(END)[2]}")


def _row(head: str, cells: list[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |"


def _shown(outcome: str) -> str:
    return f"`{outcome}`" if outcome.endswith("Error") else outcome


if __name__ == "__main__":
    write(asyncio.run(try_all()))
