"""How a ledger's place is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.ledger.database import open_database
from langchain_lucky_models.ledger.sqlite import SqliteDatabase


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, None),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:///ledger.db", Path("ledger.db")),
        ("sqlite:////var/ledger.db", Path("/var/ledger.db")),
        ("sqlite+pysqlite:////var/ledger.db", Path("/var/ledger.db")),
        ("some/ledger.db", Path("some/ledger.db")),
        (Path("/var/ledger.db"), Path("/var/ledger.db")),
    ],
)
def test_memory_files_and_urls_name_a_place(url: str | Path | None, path: Path | None) -> None:
    database = open_database(url)
    assert isinstance(database, SqliteDatabase)
    assert database.path == path


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_one(scheme: str) -> None:
    assert open_database(f"{scheme}://ada:secret@host/name").shown == "postgresql+psycopg://ada:***@host/name"


def test_a_database_of_another_kind_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///file\.db, postgresql://"):
        open_database("mysql://host/name")
