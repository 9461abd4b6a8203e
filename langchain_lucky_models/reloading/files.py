"""What stands in a file, or in a folder of files, at one moment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.settings.reading import Member, read_members

Text = str | ConfigError
"""What was read, or why nothing could be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a file, or of each file of a folder.

    Attributes:
        texts: By path.
        digest: The same for the same texts.
    """

    texts: Mapping[Path, Text]
    digest: str

    @property
    def whole(self) -> bool:
        """Whether everything could be read."""
        return all(isinstance(text, str) for text in self.texts.values())

    @classmethod
    def of(cls, texts: Mapping[Path, Text]) -> Reading:
        """A reading of these texts."""
        total = hashlib.blake2b(digest_size=16)
        for path, text in sorted(texts.items()):
            # Lengths too, so that no two readings look alike.
            for part in (str(path), type(text).__name__, str(text)):
                encoded = part.encode("utf-8", "surrogateescape")
                total.update(len(encoded).to_bytes(8, "big") + encoded)
        return cls(texts, total.hexdigest())


def reading_of(path: Path, text: str) -> Reading:
    """A reading of one file that says this."""
    return Reading.of({path: _believed(text)})


def read_file(path: Path, read: Callable[[Path], str]) -> Reading:
    """A reading of one file."""
    try:
        return reading_of(path, read(path))
    except ConfigError as error:
        return Reading.of({path: error})


def read_folder(folder: Path) -> Reading:
    """A reading of every user's file in a folder; a folder that is away has no files, and says so."""
    try:
        read = read_members(folder)
    except ConfigError as error:
        return Reading.of({folder: error})
    return Reading.of(dict(_member(folder, name, member) for name, member in read.items()))


def facts_of(path: Path) -> tuple[object, ...]:
    """What tells, without reading it, that a file or a folder's files may be others than before."""
    found = [_facts(path)]
    if path.is_dir():
        try:
            with os.scandir(path) as rows:
                found += sorted((row.name, *_facts(row)) for row in rows)
        except OSError:
            found.append(("away",))
    return tuple(found)


def _member(folder: Path, name: str, member: Member) -> tuple[Path, Text]:
    if isinstance(member, ConfigError):
        return folder / f"{name}.yaml", member
    path, text = member
    return path, _believed(text)


def _facts(path: Path | os.DirEntry[str]) -> tuple[object, ...]:
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return ("away",)
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _believed(text: str) -> Text:
    """An empty file is taken for half written: an editor has only begun with it."""
    return text if text.strip() else ConfigError("the file is empty; write {} where nothing is to be set.")
