"""What a comparison has done so far, in a file that it goes on from: a line for each row, only ever added to.

Whatever ends a process in the middle, the file holds whole lines and at most one that is cut off, which is not counted.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from langchain_lucky_models.comparison.figures import Sitting
from langchain_lucky_models.comparison.rows import Place, Row, Verdict, row_from, verdict_from
from langchain_lucky_models.embedded.turns import lock_taken
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.settings.reading import warn_of_stranger

VERSION = 1

Line = Mapping[str, Any]


@dataclass(slots=True)
class Past:
    """What was done before.

    Attributes:
        prompts: What each prompt was, by id.
        targets: Whom each target meant, by label.
        rows: What came of them; of what was asked twice, the last.
        verdicts: What judges said.
        spent: Dollars, as far as known.
    """

    prompts: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    rows: dict[Place, Row] = field(default_factory=dict)
    verdicts: dict[Sitting, Verdict] = field(default_factory=dict)
    spent: Decimal = Decimal(0)

    def take(self, line: Line) -> None:
        """Take in one more line of the file.

        Raises:
            LookupError, TypeError, ValueError, ArithmeticError: It is no line of a comparison.
        """
        match line["kind"]:
            case "comparison" if line["version"] == VERSION:
                self.prompts.update(line["prompts"])
                self.targets.update(line["targets"])
            case "row":
                row = row_from(line)
                self.rows[row.place] = row
                self.spent += row.cost or 0
            case "verdict":
                verdict = verdict_from(line)
                self.verdicts[verdict.prompt, verdict.round] = verdict
                self.spent += verdict.cost or 0
            case kind:
                raise ValueError(kind)

    def check(self, prompts: Mapping[str, str], targets: Mapping[str, str], file: Path) -> None:
        """Refuse to go on with something else under the same names. More of both is welcome.

        Raises:
            ConfigError: A prompt or a target is not what it was.
        """
        other = "another file for another comparison, or another name for another"
        for name, digest in prompts.items():
            if self.prompts.get(name, digest) != digest:
                raise ConfigError(
                    f"resume: the prompt {name!r} of {file} is not the one that is given now: give {other} prompt.",
                    field="resume",
                )
        for name, described in targets.items():
            if (then := self.targets.get(name, described)) != described:
                raise ConfigError(
                    f"resume: in {file} the target {name!r} was {then}; now it is {described}: give {other} target.",
                    field="resume",
                )


class Journal:
    """The open file.

    Args:
        handle: Open for reading and writing, and ours alone.
        file: Its name, for messages.
    """

    def __init__(self, handle: int, file: Path) -> None:
        self._handle = handle
        self._file = file

    def read(self) -> Past:
        """What the file holds; a last line that was cut off is removed.

        Raises:
            ConfigError: It is no file of a comparison.
        """
        with os.fdopen(os.dup(self._handle), "rb") as reader:
            text = reader.read()
        whole = text.rfind(b"\n") + 1
        past = _past(text[:whole].splitlines(), self._file)
        if whole < len(text):
            os.ftruncate(self._handle, whole)
        return past

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            OSError: It could not be written.
        """
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=True, default=str)
        data = memoryview(line.encode() + b"\n")
        while data:
            data = data[os.write(self._handle, data) :]

    def write_heading(self, prompts: Mapping[str, str], targets: Mapping[str, str]) -> None:
        """Add what is asked, and of whom."""
        self.write("comparison", {"version": VERSION, "prompts": prompts, "targets": targets})

    def write_row(self, row: Row) -> None:
        """Add what came of a prompt at a target."""
        self.write("row", row.plain())

    def write_verdict(self, verdict: Verdict) -> None:
        """Add what a judge said."""
        self.write("verdict", asdict(verdict))


@contextmanager
def opened_journal(file: Path) -> Iterator[Journal]:
    """The file, made if it is not there yet, and no other process's as long as it is open.

    Raises:
        ConfigError: It cannot be opened, or another comparison writes it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(file, flags, 0o600)
    except OSError as error:
        raise ConfigError(f"resume: {file} cannot be opened: {error.strerror}.", field="resume") from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"resume: {file} is no regular file.", field="resume")
        warn_of_stranger(facts, f"the file {file}")
        if not lock_taken(handle):
            raise ConfigError(f"resume: another comparison is writing {file}.", field="resume")
        yield Journal(handle, file)
        os.fsync(handle)
    finally:
        os.close(handle)


def _past(lines: Sequence[bytes], file: Path) -> Past:
    past = Past()
    for number, line in enumerate(lines, 1):
        try:
            past.take(json.loads(line))
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise ConfigError(
                f"resume: line {number} of {file} is none of a comparison's ({type(error).__name__}); give another"
                " file, or remove the line.",
                field="resume",
            ) from None
    return past
