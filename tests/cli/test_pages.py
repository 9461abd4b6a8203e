"""What the pages show of the command is what the command prints."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Terminal = Callable[..., subprocess.CompletedProcess[str]]

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```console\n\$ lucky-models (?P<line>.*)\n(?P<output>(?:.*\n)*?)```")


SHOWN = [block for page in sorted(DOCS.rglob("*.md")) for block in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize(("line", "output"), SHOWN, ids=[line.split()[0] for line, _ in SHOWN])
def test_a_page_shows_what_the_command_prints(terminal: Terminal, line: str, output: str) -> None:
    """`...` stands for what changes with the catalog, the machine or the time."""
    printed = terminal(*shlex.split(line)).stdout
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(output, printed, options), printed
