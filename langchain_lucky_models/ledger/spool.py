"""Records that wait on disk while the database is away: one file of JSON lines a batch, fsynced, for our eyes only.

Files are written whole under another name and renamed, and writing a record twice has no effect, so neither a crash
nor two processes that replay the same file do any harm.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from langchain_lucky_models.ledger.book import Stake
from langchain_lucky_models.ledger.commands import Append
from langchain_lucky_models.ledger.records import from_plain, to_json
from langchain_lucky_models.whole_files import write_whole

SUFFIX = ".jsonl"


class Spool:
    """A folder of batches.

    Args:
        folder: Made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = itertools.count()

    def keep(self, commands: Sequence[Append]) -> None:
        """Put a batch on disk.

        Raises:
            OSError: It could not be; nothing of it is kept.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{next(self._number):08d}-{uuid.uuid4().hex}"
        write_whole(self.folder / f"{name}{SUFFIX}", b"".join(_line(command) for command in commands))

    def batches(self) -> Iterator[tuple[Path, list[Append]]]:
        """Every batch that waits, oldest first; lines that are damaged are passed over."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}"), key=_age):
            with contextlib.suppress(FileNotFoundError):
                yield path, [command for line in path.read_bytes().splitlines() if (command := _command(line))]

    def waiting(self) -> int:
        """How many batches wait."""
        return sum(1 for _ in self.folder.glob(f"*{SUFFIX}"))


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:
        return 0.0, path.name


def _line(command: Append) -> bytes:
    plain = {
        "record": orjson.Fragment(to_json(command.record)),
        "stakes": [asdict(stake) for stake in command.stakes],
        "correcting": command.correcting,
    }
    return orjson.dumps(plain) + b"\n"


def _command(line: bytes) -> Append | None:
    try:
        plain = orjson.loads(line)
        stakes = tuple(Stake(**stake) for stake in plain["stakes"])
        return Append(from_plain(plain["record"]), stakes, plain["correcting"])
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None
