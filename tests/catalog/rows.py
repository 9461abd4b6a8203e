"""Entries in few words, for the tests of the catalog."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import orjson

from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.overlay import new_entry


def entry(ref: str, **fields: Any) -> ModelEntry:
    """An entry with that ref; `pricing` may be one set of rates."""
    provider, _, model = ref.partition("#")
    return new_entry({"provider": provider, "id": model, **fields})


def priced(ref: str, into: str, out: str, **fields: Any) -> ModelEntry:
    """An entry with an input and an output price."""
    return entry(ref, pricing={"input": into, "output": out}, **fields)


def score(value: float, evidence: str = "measured") -> dict[str, Any]:
    """An intelligence."""
    return {"score": value, "evidence": evidence, "scale": "test/v1"}


def speed(rating: str, tokens_a_second: float | None = None) -> dict[str, Any]:
    """A speed."""
    return {"rating": rating, "p50_tps": tokens_a_second, "evidence": "measured", "source": "test"}


def file_of(rows: Sequence[object], *, zipped: bool = True, **head: object) -> bytes:
    """A catalog file that holds these rows."""
    document = {"schema_version": 1, "as_of": "2026-11-12", "sources": [], "migrations": [], "models": rows, **head}
    text = orjson.dumps(document)
    return gzip.compress(text, mtime=0) if zipped else text
