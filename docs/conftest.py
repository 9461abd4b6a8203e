# ruff: noqa: INP001 - pages are no package
"""Pages that ask the embedded model find its file where the tests keep it."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("LUCKY_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "models"))
