"""Refreshing the snapshots from the live sources; whoever does not answer well keeps the old one."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from catalog_build.claims import Claim
from catalog_build.exact import MOST_BYTES, Json, parse_json, unpack
from catalog_build.snapshots import FOLDER, ORIGINS, read_snapshot, write_snapshot
from catalog_build.sources import Source
from langchain_lucky_models.errors import CatalogError

TIMEOUT = httpx.Timeout(60, connect=10)
LONGEST = 300.0
"""The most seconds that an answer may take altogether, however steadily it drips."""

LEAST_KEPT = 0.5
"""An answer with less than this part of the models we know is not believed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one source.

    Attributes:
        source: Its name.
        fresh: Whether its snapshot is new.
        words: What happened.
    """

    source: str
    fresh: bool
    words: str


def fetch_source(
    source: Source, keys: Mapping[str, str], today: dt.date, *, url: str | None = None, folder: Path = FOLDER
) -> Fetched:
    """Ask one source, and replace its snapshot by what it answers, if that is plausible.

    Args:
        source: Whom to ask.
        keys: Where keys are looked up, by the name of their environment variable.
        today: The date that the new snapshot gets.
        url: Another address than its own.
        folder: Where the snapshots lie.
    """
    if source.trim is None or not (address := url or source.live):
        return Fetched(source.name, fresh=False, words="kept: it has no live interface")
    key = keys.get(source.key_env, "") if source.key_env else None
    if key == "":
        return Fetched(source.name, fresh=False, words=f"kept: set {source.key_env} to refresh it")
    try:
        rows = _carried(source, source.trim(_answer(address, key)), read_snapshot(source, folder))
        count = _plausible(source, rows, folder)
    except (httpx.HTTPError, CatalogError, ValueError) as error:
        return Fetched(source.name, fresh=False, words=f"kept: {_without(str(error) or type(error).__name__, key)}")
    write_snapshot(folder / source.snapshot, rows)
    _set_date(folder / ORIGINS, source.snapshot, today)
    return Fetched(source.name, fresh=True, words=f"fetched: {count} models")


def _answer(url: str, key: str | None) -> Json:
    """The source's answer, no larger than an input may be."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    content = bytearray()
    until = time.monotonic() + LONGEST
    with (
        httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise CatalogError(f"it answered {response.status_code}")
        for piece in response.iter_bytes():
            content += piece
            if len(content) > MOST_BYTES:
                raise CatalogError(f"its answer is larger than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise CatalogError(f"its answer takes longer than {LONGEST:g} seconds")
    return parse_json(unpack(bytes(content), "its answer"), "its answer")


def _carried(source: Source, new: Json, old: Json) -> Json:
    """The new rows, with what the live interface does not say carried over from the old ones."""
    if source.carried and isinstance(new, dict) and isinstance(old, dict):
        return {**new, **{key: old[key] for key in source.carried if key in old and not new.get(key)}}
    return new


def _plausible(source: Source, rows: Json, folder: Path) -> int:
    """How many models the rows tell of.

    Raises:
        CatalogError: Far fewer than before.
    """
    new, old = (
        sum(isinstance(reading, Claim) for reading in source.claims(snapshot))
        for snapshot in (rows, read_snapshot(source, folder))
    )
    if new < LEAST_KEPT * old:
        raise CatalogError(f"it lists {new} usable models, and had {old}")
    return new


def _without(words: str, key: str | None) -> str:
    return words.replace(key, "***") if key else words


def _set_date(origins: Path, file: str, today: dt.date) -> None:
    """Write the new date and version into the file's table; the rest of the text stays as it is."""
    head, table, rest = origins.read_text(encoding="utf-8").partition(f'["{file}"]\n')
    own, mark, others = rest.partition("\n[")
    own = re.sub(r'^(date|version) = "[^"]*"', rf'\1 = "{today.isoformat()}"', own, flags=re.MULTILINE)
    origins.write_text(head + table + own + mark + others, encoding="utf-8")
