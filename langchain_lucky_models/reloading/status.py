"""How a watched file did."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PartName = Literal["registry", "users", "catalog"]


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """How a file of settings did when it was last read.

    Attributes:
        file: Which.
        part: What it configures.
        state: `current`: what it says holds. `rejected`: it cannot be used, and what it said before still holds.
        at: When that became so.
        reason: What is wrong with it, and where.
    """

    file: Path
    part: PartName
    state: Literal["current", "rejected"]
    at: dt.datetime
    reason: str = ""
