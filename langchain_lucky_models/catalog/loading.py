"""From bytes to a `CatalogState`: a whole file is read or refused; a stranger's rows are sifted one by one."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from langchain_lucky_models.catalog.artefact import SCHEMA_VERSION, Head
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.guards import Dropped, checked_entry, first_fault, odd_values
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.errors.base import CatalogError
from langchain_lucky_models.refs import SEPARATOR

MOST_BYTES = 16 * 2**20
MOST_DECODED_BYTES = 64 * 2**20
MOST_ROWS = 100_000

_GZIP = b"\x1f\x8b"
_PACKAGED = "catalog.json.gz"


def read_state(blob: bytes) -> CatalogState:
    """Read a catalog file from a stranger: JSON, gzipped or not, every row checked.

    Raises:
        CatalogError: Any part of it is not as it must be.
    """
    head, models = _decode(blob)
    return _state({key: Row(entry) for key, entry in _checked_rows(models)}, head)


def read_file(path: str | Path) -> CatalogState:
    """Read a catalog file; see `read_state`.

    Raises:
        CatalogError: The file cannot be read, is no regular file, or holds no catalog.
    """
    return read_state(_file_bytes(Path(path)))


def write_state(state: CatalogState) -> bytes:
    """The state as JSON, in the form of the packaged file; `read_state` reads it."""
    head = Head(as_of=state.as_of, sources=state.sources, migrations=state.migrations)
    models = [entry.model_dump(mode="json", exclude_defaults=True) for entry in state.entries]
    return orjson.dumps(head.model_dump(mode="json") | {"models": models}, option=orjson.OPT_SORT_KEYS)


@cache
def packaged_state() -> CatalogState:
    """The catalog that ships with the package, read at the first call; its rows are checked when they are asked for."""
    blob = resources.files("langchain_lucky_models.catalog").joinpath("data", _PACKAGED).read_bytes()
    head, models = _decode(blob)
    return _state({f"{row['provider']}{SEPARATOR}{row['id']}": Row(row) for row in models}, head)


def load_rows(rows: Iterable[object]) -> tuple[tuple[ModelEntry, ...], tuple[Dropped, ...]]:
    r"""Sift rows of unknown origin: the good ones are kept, each of the others is named with its reason.

    A ref that comes twice is kept once, as it came first. Beyond 100,000 rows nothing more is read.

    Example:
        >>> kept, dropped = load_rows([{"provider": "mybox", "id": "tiny"}, {"provider": "mybox", "id": "a\nb"}])
        >>> [str(entry.ref) for entry in kept], len(dropped)
        (['mybox#tiny'], 1)
    """
    kept: dict[str, ModelEntry] = {}
    dropped: list[Dropped] = []
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            dropped.append(Dropped(f"row {number} and after", f"a catalog has {MOST_ROWS} rows at most"))
            break
        try:
            entry = checked_entry(row, f"row {number}")
        except CatalogError as error:
            dropped.append(Dropped(f"row {number}", str(error)))
            continue
        if str(entry.ref) in kept:
            dropped.append(Dropped(f"row {number}", f"{entry.ref} came before"))
        else:
            kept[str(entry.ref)] = entry
    return tuple(kept.values()), tuple(dropped)


def _file_bytes(path: Path) -> bytes:
    try:
        # Not blocking, so that a pipe in the file's place cannot hold us up.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CatalogError(f"{path} is no regular file.")
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error.strerror}.") from None


def _state(rows: Mapping[str, Row], head: Head) -> CatalogState:
    return CatalogState(rows, sources=head.sources, migrations=head.migrations, as_of=head.as_of)


def _decode(blob: bytes) -> tuple[Head, list[Any]]:
    """Everything but the rows, checked, and the rows as they came."""
    document = _parse(_unpacked(blob))
    if not isinstance(document, dict):
        raise CatalogError(f"a catalog is one JSON object, not {type(document).__name__}.")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise CatalogError(f"the catalog's schema_version is {version!r:.40}; this release reads {SCHEMA_VERSION}.")
    models = document.get("models")
    if not isinstance(models, list) or not models:
        raise CatalogError("the catalog holds no models.")
    if len(models) > MOST_ROWS:
        raise CatalogError(f"the catalog has {len(models)} rows; {MOST_ROWS} is the most.")
    try:
        head = Head.model_validate({name: value for name, value in document.items() if name != "models"})
    except ValidationError as error:
        raise CatalogError(f"the catalog's {first_fault(error)}") from None
    for fault in odd_values(head):
        raise CatalogError(f"the catalog's {fault}.")
    return head, models


def _unpacked(blob: bytes) -> bytes:
    if len(blob) > MOST_BYTES:
        raise CatalogError(f"the catalog is larger than {MOST_BYTES} bytes.")
    if not blob.startswith(_GZIP):
        return blob
    unzipper = zlib.decompressobj(wbits=31)
    try:
        # The limit is given to the decompressor, so that a bomb is never unfolded.
        text = unzipper.decompress(blob, MOST_DECODED_BYTES)
    except zlib.error as error:
        raise CatalogError(f"the catalog is damaged: {error}.") from None
    if unzipper.unconsumed_tail:
        raise CatalogError(f"the catalog unfolds to more than {MOST_DECODED_BYTES} bytes.")
    if not unzipper.eof:
        raise CatalogError("the catalog is cut short: its gzip stream does not end.")
    if unzipper.unused_data:
        raise CatalogError("the catalog is damaged: something follows the end of its gzip stream.")
    return text


def _parse(text: bytes) -> object:
    try:
        # The parser itself gives up on deep nesting; what is less deep has no place in a row.
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CatalogError(f"the catalog is no JSON: {error}.") from None


def _checked_rows(models: Iterable[object]) -> Iterator[tuple[str, ModelEntry]]:
    seen: set[str] = set()
    for number, row in enumerate(models):
        entry = checked_entry(row, f"row {number}")
        key = str(entry.ref)
        if key in seen:
            raise CatalogError(f"row {number}: {key} is there twice.")
        seen.add(key)
        yield key, entry
