"""How far a download is: a bar from rich where it is installed, plain lines where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from langchain_lucky_models.errors import MissingExtraError
from langchain_lucky_models.extras import require

Progress = Callable[[int, int], None]
"""Told the bytes that are here, and the bytes there will be."""

_PLAIN_STEP = 10
"""Per cent between two plain lines."""


@contextmanager
def progress_bar(title: str, out: TextIO | None = None) -> Iterator[Progress]:
    """Show a bar for as long as the block runs.

    Args:
        title: What is coming.
        out: Where to show it; standard error if not given, so that a pipe gets none of it.

    Yields:
        What to call with the bytes so far and in all.
    """
    stream = out or sys.stderr
    try:
        progress, console = require("rich.progress", extra="cli"), require("rich.console", extra="cli")
    except MissingExtraError:
        yield plain_progress(title, stream)
        return
    columns = (progress.TextColumn(title), progress.BarColumn(), progress.DownloadColumn())
    with progress.Progress(*columns, console=console.Console(file=stream), transient=not stream.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def plain_progress(title: str, out: TextIO) -> Progress:
    """A progress that writes a line at every tenth."""
    shown = -1

    def report(done: int, total: int) -> None:
        nonlocal shown
        step = done * 100 // max(total, 1) // _PLAIN_STEP * _PLAIN_STEP
        if step > shown:
            shown = step
            out.write(f"{title}: {step} %\n")
            out.flush()

    return report
