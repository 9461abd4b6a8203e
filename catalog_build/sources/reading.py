"""What every adapter needs: rows read one by one, so that a bad one costs only itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from pydantic import ValidationError

from catalog_build.claims import Claim, Refused
from catalog_build.exact import Json
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.errors import CatalogError, LuckyError

Row = dict[str, Json]
Reading = Claim | Refused

LONGEST_ID = 200
LONGEST_TEXT = 300


def read_rows(
    source: str, provider: str, rows: Iterable[tuple[str, object]], read: Callable[[str, Row], Claim]
) -> Iterator[Reading]:
    """Read rows of one provider; what cannot be read is refused by name, the others are kept."""
    seen: set[str] = set()
    for model, row in rows:
        ref = f"{provider}#{model}"[:LONGEST_ID]
        if model in seen:
            yield Refused(source, ref, "the id stands twice")
            continue
        seen.add(model)
        try:
            if not isinstance(row, dict):
                raise CatalogError(f"a row is an object, not {type(row).__name__}")
            if len(model) > LONGEST_ID:
                raise CatalogError(f"an id of {len(model)} characters")
            checked_entry(
                {"provider": provider, "id": model}
            )  # what the reader would refuse costs its row, not the build
            yield read(model, row)
        except ValidationError as error:
            yield Refused(source, ref, _in_words(error))
        except (LuckyError, ValueError) as error:
            yield Refused(source, ref, str(error))


def _in_words(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors())


def text(row: Row, key: str) -> str | None:
    """A text of the row, or `None`.

    Raises:
        CatalogError: It is too long, or holds marks that are not read but obeyed.
    """
    value = row.get(key)
    if not isinstance(value, str) or not value:
        return None
    if len(value) > LONGEST_TEXT or not value.isprintable() or "<" in value:
        raise CatalogError(f"{key}: {value[:20]!r} is no plain text")
    return value


def day(row: Row, key: str) -> str | None:
    """A whole date of the row; a bare year or month is no date.

    Raises:
        ValueError: There is no such day.
    """
    value = text(row, key)
    return dt.date.fromisoformat(value[:10]).isoformat() if value and len(value) >= len("2026-01-01") else None


def created(row: Row) -> str | None:
    """The day of the row's `created`, which counts seconds.

    Raises:
        CatalogError: There is no such moment.
    """
    value = row.get("created")
    if value is None or isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return dt.datetime.fromtimestamp(value, dt.UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        raise CatalogError(f"created: {value} is no moment") from None


def flag(row: Row, key: str) -> bool | None:
    """A yes or no of the row, or `None`."""
    value = row.get(key)
    return value if isinstance(value, bool) else None


def whole(row: Row, key: str) -> int | None:
    """A positive whole number of the row; 0 is how sources write "not said".

    Raises:
        CatalogError: It is negative, or no whole number.
    """
    value = row.get(key)
    if isinstance(value, str) and value.replace(".", "", 1).isdigit() and float(value).is_integer():
        value = int(float(value))
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CatalogError(f"{key}: {value!r} is no number of tokens")
    return value


def texts(row: Row, key: str) -> tuple[str, ...]:
    """The texts of a list of the row."""
    value = row.get(key)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def table(row: Row, key: str) -> Row:
    """An object within the row; empty where there is none."""
    value = row.get(key)
    return value if isinstance(value, dict) else {}


KINDS = {"file": "pdf", "speech": "audio", "transcription": "text", "embeddings": "embedding", "code": "text"}
"""Kinds of content, from the words of sources to those of the catalog."""


def kinds(words: Iterable[str]) -> tuple[str, ...]:
    """Kinds of content in the catalog's words, sorted."""
    return tuple(sorted({KINDS.get(word, word) for word in words}))


def sight(inputs: Iterable[str], outputs: Iterable[str]) -> dict[str, bool]:
    """The capabilities that follow from the kinds of content."""
    takes, gives = set(inputs), set(outputs)
    return {
        "capabilities.vision": "image" in takes,
        "capabilities.pdf": "pdf" in takes,
        "capabilities.audio": "audio" in takes | gives,
    }
