"""The files that a build writes: the artefact, its JSON schema, and the report."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from catalog_build.exact import dump_json, pack, read_file, unpack
from langchain_lucky_models.catalog.artefact import Artefact
from langchain_lucky_models.errors import CatalogError

HERE = Path(__file__).parent
DATA = HERE.parent / "langchain_lucky_models" / "catalog" / "data"
ARTEFACT = DATA / "catalog.json.gz"
SCHEMA = DATA / "catalog.schema.json"
REPORT = HERE / "report.json"
MOST_PACKED = 150_000
"""The artefact travels in every wheel."""


def artefact_bytes(artefact: Artefact) -> bytes:
    """The artefact as it is written, before compression. What an entry leaves at its default is left out."""
    content = artefact.model_dump(mode="json", exclude_defaults=True)
    return dump_json({**content, "schema_version": artefact.schema_version})


def packed(content: bytes) -> bytes:
    """The artefact as it ships.

    Raises:
        CatalogError: It has grown too large.
    """
    blob = pack(content)
    if len(blob) > MOST_PACKED:
        raise CatalogError(f"{ARTEFACT.name} would have {len(blob)} bytes; {MOST_PACKED} is the most.")
    return blob


def read_artefact(path: Path) -> Artefact:
    """An artefact that was written before.

    Raises:
        CatalogError: It is none.
    """
    try:
        return Artefact.model_validate(read_file(path))
    except ValidationError as error:
        raise CatalogError(f"{path.name} is no artefact: {error.errors()[0]['msg']}.") from None


def committed(path: Path) -> bytes:
    """What a written file holds, uncompressed: compressors differ, what they hold may not."""
    return unpack(path.read_bytes(), path.name) if path.exists() else b""


def schema_bytes() -> bytes:
    """The JSON schema of the artefact, as it is written."""
    schema = Artefact.model_json_schema(mode="serialization")
    return json.dumps(schema, sort_keys=True, indent=1).encode() + b"\n"
