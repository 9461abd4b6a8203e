"""Rows as a table, and tables as the page of the documentation."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from tests.benchmarks.report import Row, three_digits
from tests.benchmarks.rivals import REQUIREMENTS

PACKAGES = (
    "langchain-core",
    "langchain",
    "langchain-openai",
    "langchain-groq",
    "openai",
    "groq",
    "httpx",
    "httpx2",
    "pydantic",
)
RIVALS = ("litellm", "langchain-litellm", "langchain-core", "openai")

_OPENING = """\
# Benchmarks

Written by `make bench`; run it for the figures of your machine. It takes a quarter of an hour, or more where others
work too.

Machines are noisy and differ, so read the ratios: every figure stands beside its baseline of the same run, and the
ratio is the figure divided by the baseline; below 1 is cheaper. Where nothing is waited for, processor time is counted,
because a busy machine blurs it less; a few hundredths are noise all the same. Nothing here leaves the machine: the
providers are loopback servers. What could not be measured says why.
"""


@dataclass(frozen=True)
class Section:
    """One benchmark's rows.

    Attributes:
        name: The benchmark.
        method: How it measures.
        rows: What it measured.
        broken: Whether it ended with an error.
        day: When that was.
    """

    name: str
    method: str
    rows: tuple[Row, ...]
    broken: bool = False
    day: str = ""


def page_of(sections: Sequence[Section]) -> str:
    """The whole page."""
    days = [section.day for section in sections]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    about = [
        f"- {' to '.join(sorted({min(days), max(days)}))}, Python {platform.python_version()}, {machine}",
        f"- packages: {', '.join(f'{name} {version(name)}' for name in PACKAGES)}",
        f"- LiteLLM's environment: {', '.join(f'{name} {_pinned(name)}' for name in RIVALS)}",
    ]
    parts = [f"## {section.name.capitalize()}\n\n{section.method}\n\n{table_of(section.rows)}" for section in sections]
    return "\n".join([_OPENING, "\n".join(about), "", "\n\n".join(parts), ""])


def table_of(rows: Sequence[Row]) -> str:
    """The rows as a table that reads well as text and as Markdown."""
    cells = [("what", "figure", "compared with", "ratio"), *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    head, *body = ["| " + " | ".join(_padded(row, widths)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([head, rule, *body])


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _cells(row: Row) -> tuple[str, str, str, str]:
    figure = "-" if math.isnan(row.figure) else f"{three_digits(row.figure)} {row.unit}"
    ratio = "-" if math.isnan(row.ratio) else three_digits(row.ratio)
    return tuple(cell.replace("|", "/") for cell in (row.name, figure, row.baseline, ratio))  # type: ignore[return-value]


def _pinned(name: str) -> str:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = (line.split()[0].partition("==") for line in lines if "==" in line and not line[0].isspace())
    return next(pin for package, _, pin in pins if package == name)
