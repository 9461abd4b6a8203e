"""A terminal without keys, and with the embedded model's file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models import embedded

KEPT = Path(__file__).parents[2] / ".cache" / "models"
MAIN = "from langchain_lucky_models.cli import main; main()"

Terminal = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def terminal() -> Terminal:
    """Run `lucky-models` for real: `terminal("ask", "hi", stdin="…")`."""
    with pytest.MonkeyPatch.context() as patch:
        cache = os.environ.get("LUCKY_CACHE_DIR", str(KEPT))
        patch.setenv("LUCKY_CACHE_DIR", cache)
        embedded.pull()
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            env={**kept, "LUCKY_CACHE_DIR": cache, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
