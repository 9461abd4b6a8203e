"""The first thing a newcomer runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Terminal = Callable[..., subprocess.CompletedProcess[str]]


def test_the_demo_answers_in_text_and_in_a_schema_and_shows_what_it_cost(terminal: Terminal) -> None:
    told = terminal("demo")
    assert (told.returncode, told.stderr) == (0, "")
    assert "The capital of France is Paris" in told.stdout
    assert "City(name='Paris'" in told.stdout
    assert '"cost_basis": "catalog"' in told.stdout
    assert told.stdout.splitlines()[-1].startswith("local#smollm2-135m · ")
