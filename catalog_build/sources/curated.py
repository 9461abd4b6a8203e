"""Our own decisions: definitions, corrections, aliases, retirements, migrations, each with its reason and date."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog_build.claims import Claim, Fact, PriceClaim, known
from langchain_lucky_models.catalog.artefact import Migration, Source
from langchain_lucky_models.catalog.entry import PricePeriod
from langchain_lucky_models.errors import CatalogError

NAME = "curated"
FOLDER = Path(__file__).parent.parent / "curated"
FILES = ("aliases", "corrections", "local", "migrations", "retirements")
LOCAL = PriceClaim("local", (PricePeriod(input=Decimal(0), output=Decimal(0)),))

Tables = Mapping[str, Any]


def read_curated(folder: Path = FOLDER) -> Tables:
    """Every file, by its name.

    Raises:
        CatalogError: A decision has no reason or no date.
    """
    tables = {file: tomllib.loads((folder / f"{file}.toml").read_text(encoding="utf-8")) for file in FILES}
    for file, rows in (
        ("aliases", "alias"),
        ("corrections", "correction"),
        ("corrections", "trusted_price"),
        ("retirements", "retirement"),
    ):
        for row in tables[file].get(rows, []):
            if not (row.get("reason") and row.get("date")):
                raise CatalogError(f"curated/{file}.toml: {row.get('ref')} lacks a reason or a date.")
    return tables


def credit(folder: Path = FOLDER) -> Source:
    """The row of the table of sources that stands for our own decisions."""
    texts = [(folder / f"{file}.toml").read_text(encoding="utf-8") for file in FILES]
    dates = [
        row["date"]
        for table in map(tomllib.loads, texts)
        for rows in table.values()
        if isinstance(rows, list)
        for row in rows
        if "date" in row
    ]
    digest = hashlib.sha256("".join(texts).encode()).hexdigest()
    return Source(name=NAME, date=max(dates), sha256=digest, licence="MIT")


def claims(tables: Tables) -> Iterator[Claim]:
    """What our decisions say about models."""
    for row in tables["local"]["model"]:
        provider, _, model = row["ref"].partition("#")
        yield Claim(NAME, provider, model, _local_facts(row), LOCAL)
    for row in tables["corrections"].get("correction", []):
        provider, _, model = row["ref"].partition("#")
        yield Claim(NAME, provider, model, {row["field"]: row["value"]}, adds=False)
    for row in tables["retirements"]["retirement"]:
        provider, _, model = row["ref"].partition("#")
        facts = {
            "status.state": "retired",
            "status.shutdown_on": row.get("on"),
            "status.replacement": row.get("replacement"),
        }
        yield Claim(NAME, provider, model, known(facts), adds=False)


def _local_facts(row: Mapping[str, Any]) -> dict[str, Fact]:
    vision, embedding = bool(row.get("vision")), bool(row.get("embedding"))
    facts: dict[str, Fact] = {
        "name": row["name"],
        "family": row["family"],
        "release_date": row["release_date"],
        "open_weights": True,
        "limits.context": row.get("context"),
        "modalities.input": ("image", "text") if vision else ("text",),
        "modalities.output": ("embedding",) if embedding else ("text",),
        "capabilities.tools": row.get("tools"),
        "capabilities.json_schema": row.get("json_schema"),
        "capabilities.vision": vision,
        "capabilities.reasoning": bool(row.get("reasoning")),
    }
    return known(facts)


def aliases(tables: Tables) -> dict[str, str]:
    """The ref that an alias stands for, by the alias's own ref."""
    return {
        f"{row['ref'].partition('#')[0]}#{also}": row["ref"]
        for row in tables["aliases"]["alias"]
        for also in row["also"]
    }


def trusted(tables: Tables) -> dict[str, str]:
    """The source that was decided to be right about a model's price, by ref."""
    return {row["ref"]: row["source"] for row in tables["corrections"].get("trusted_price", [])}


def migrations(tables: Tables) -> tuple[Migration, ...]:
    """The ids that were renamed or moved."""
    return tuple(Migration.model_validate(row) for row in tables["migrations"]["migration"])
