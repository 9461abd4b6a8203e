"""Every fault that accounts have to bear is a test's: what goes untested would go wrong in silence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NUMBERS = re.compile(r"Cases? ((?:\d+(?:, | and )?)+)")
FAULTS = {
    53: "a barrier of threads, tasks and processes on money for one call",
    54: "a random workload against a model",
    55: "kill -9 at random moments",
    56: "the n-th write fails",
    57: "disk full, read-only, locked, deleted, replaced, corrupted",
    58: "settled twice, late, unknown, by two",
    59: "a commit whose answer is cut off",
    60: "processes in every order, a server that restarts",
    61: "the process ends right after the answer",
    62: "cancelled, abandoned, lost and retried attempts",
    63: "streams without usage, corrected later",
    64: "prices that change under way, prices nobody knows",
    65: "midnight, month ends, leap days, daylight saving, clocks set back",
    66: "a million small amounts",
    67: "prices that are none",
    68: "one exhausted budget among several",
    69: "hostile names",
    70: "a million records",
    71: "a hundred calls on ten requests a minute",
    72: "long answers on few tokens a minute",
    73: "processes on one Redis",
    74: "a Redis that is killed, hangs, refuses, forgets",
    75: "a Redis that restarts",
    76: "bursts around a boundary",
    77: "machines whose clocks differ",
    78: "a wall clock that jumps",
    79: "estimates wrong tenfold",
    80: "waiting in line",
    81: "what providers say in headers",
    82: "requests of a day, over a restart",
}


@pytest.fixture(scope="module")
def named() -> set[int]:
    """Every case that the docstring of a test, or of a machine of tests, names."""
    return {int(number) for text in _docstrings() for found in NUMBERS.findall(text) for number in _split(found)}


@pytest.mark.parametrize("case", FAULTS, ids=FAULTS.values())
def test_every_fault_of_the_accounts_has_a_test(named: set[int], case: int) -> None:
    assert case in named


def _docstrings() -> Iterator[str]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ast.get_docstring(node) or ""


def _split(found: str) -> list[str]:
    return re.findall(r"\d+", found)
