"""How far a comparison is, for whoever watches: a bar where there is a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from langchain_lucky_models.errors.base import MissingExtraError
from langchain_lucky_models.extras import require

Report = Callable[[int, int], None]
"""Called with how many rows are there, and how many of them are failures."""
_TASK = "comparing"


@contextmanager
def progress_shown(wish: bool | None, total: int, stream: TextIO | None = None) -> Iterator[Report]:  # noqa: FBT001 - three-valued
    """Show how far it is while the block runs.

    Args:
        wish: Whether to; `None` is where somebody sits at a terminal.
        total: How many rows there are to be.
        stream: Where to; standard error by default.
    """
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    if not (terminal if wish is None else wish):
        yield lambda _done, _failed: None
    elif terminal:
        with _bar(total, out) as report:
            yield report
    else:
        yield _lines(total, out)


@contextmanager
def _bar(total: int, out: TextIO) -> Iterator[Report]:
    """Drawn by rich where it is installed, else one line that is written anew."""
    try:
        bars, consoles = require("rich.progress", extra="cli"), require("rich.console", extra="cli")
    except MissingExtraError:
        yield lambda done, failed: print(f"\r{_words(done, failed, total)}", end="", file=out, flush=True)
        print(file=out)
        return
    with bars.Progress(console=consoles.Console(file=out), transient=True) as bar:
        task = bar.add_task(_TASK, total=total)
        yield lambda done, failed: bar.update(task, completed=done, description=_words(done, failed, total))


def _lines(total: int, out: TextIO) -> Report:
    """A line for each tenth, for logs."""
    told = [0]

    def report(done: int, failed: int) -> None:
        if done * 10 // total > told[0]:
            told[0] = done * 10 // total
            print(_words(done, failed, total), file=out, flush=True)

    return report


def _words(done: int, failed: int, total: int) -> str:
    return f"{_TASK} {done}/{total}" + (f", {failed} failed" if failed else "")
