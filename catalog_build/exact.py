"""Reading what others wrote: JSON without surprises, and money without rounding errors."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from langchain_lucky_models.errors import CatalogError

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None
"""What `parse_json` returns. Fractions stay text, as they were written, so that nothing is rounded on the way."""

MOST_BYTES = 64 * 1024 * 1024
"""The largest decoded input; the largest real one has about 6 MB."""

PER_MILLION = Decimal(1_000_000)
_TEN_DIGITS = Context(prec=10)


def parse_json(content: bytes, what: str) -> Json:
    """Parse JSON; `NaN`, infinities, doubled keys and bottomless nesting are refused.

    Raises:
        CatalogError: It cannot be read; the message begins with `what`.
    """
    if len(content) > MOST_BYTES:
        raise CatalogError(f"{what}: {len(content)} bytes; {MOST_BYTES} is the most.")
    try:
        parsed: Json = json.loads(content, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_no_doubles)
    except RecursionError:
        raise CatalogError(f"{what}: nested too deeply.") from None
    except ValueError as error:
        raise CatalogError(f"{what}: not usable JSON: {error}.") from None
    return parsed


def dump_json(value: object) -> bytes:
    """Write JSON the one way: keys sorted, no blanks, ASCII, one line end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def unpack(content: bytes, what: str) -> bytes:
    """Decompress gzip, no further than `MOST_BYTES`; anything else passes as it is.

    Raises:
        CatalogError: The stream is truncated, damaged or unpacks to too much.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError) as error:
        raise CatalogError(f"{what}: damaged gzip: {error}.") from None
    if len(unpacked) > MOST_BYTES:
        raise CatalogError(f"{what}: unpacks to more than {MOST_BYTES} bytes.")
    return unpacked


def pack(content: bytes) -> bytes:
    """Compress to gzip without a time or a name in it: same input, same bytes."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=target, mtime=0) as stream:
        stream.write(content)
    return target.getvalue()


def read_file(path: Path) -> Json:
    """Read a JSON file, gzipped or not.

    Raises:
        CatalogError: It is too large, damaged, or no JSON.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise CatalogError(f"{path.name}: {size} bytes; {MOST_BYTES} is the most.")
    content = path.read_bytes()
    return parse_json(unpack(content, path.name), path.name)


def amount(value: object) -> Decimal | None:
    """A figure as it was written, or `None` where there is none.

    Ten digits are kept: no price has more, and what follows is the noise of binary fractions.

    Raises:
        CatalogError: It is no finite number.

    Example:
        >>> amount("0.30000000000000004"), amount(None)
        (Decimal('0.3'), None)
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise CatalogError(f"{value!r} is no price.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise CatalogError(f"{value!r} is no price.") from None
    if not number.is_finite():
        raise CatalogError(f"{value!r} is no price.")
    return _TEN_DIGITS.plus(number).normalize()


def per_million(value: object) -> Decimal | None:
    """Dollars for a million tokens, from dollars for one.

    Example:
        >>> per_million("1.25e-07")
        Decimal('0.125')
    """
    number = amount(value)
    return None if number is None else _TEN_DIGITS.plus(number * PER_MILLION).normalize()


def as_table(value: object, what: str) -> dict[str, Json]:
    """The value, if it is a JSON object.

    Raises:
        CatalogError: It is something else.
    """
    if not isinstance(value, dict):
        raise CatalogError(f"{what}: expected an object, found {type(value).__name__}.")
    return value


def as_rows(value: object, what: str) -> list[dict[str, Json]]:
    """The value, if it is a list of JSON objects.

    Raises:
        CatalogError: It is something else.
    """
    if not isinstance(value, list):
        raise CatalogError(f"{what}: expected a list, found {type(value).__name__}.")
    return [as_table(row, f"{what}, row {place}") for place, row in enumerate(value)]


def only(table: dict[str, Json], keys: Iterable[str]) -> dict[str, Json]:
    """The named keys of a table that are there and not null."""
    return {key: table[key] for key in keys if table.get(key) is not None}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _no_doubles(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {doubled!r} stands twice in one object")
    return table
