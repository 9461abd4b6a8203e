"""Whatever users and applications call themselves: a value, in every database, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal
from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.ledger.schema import COLUMNS
from tests.accounting.conftest import Make, used, user_of

GPT = "openai#gpt-4o"
CLOSINGS = ("'", '"', "`", "')", '")', "';", "')) ", "\\'", "%27", "]]")
ATTACKS = (
    " OR 1=1 --",
    "; DROP TABLE lucky_records; --",
    " UNION SELECT sql FROM sqlite_master --",
    "; UPDATE lucky_slots SET spent = 0; --",
    " AND pg_sleep(10) --",
    "; ATTACH DATABASE '/tmp/x' AS x; --",
    "; COPY lucky_records TO PROGRAM 'id'; --",
    " LIKE '%' ESCAPE '",
    "; PRAGMA writable_schema=1; --",
    "||(SELECT version())||",
    "; DELETE FROM lucky_resets; --",
    " INTO OUTFILE '/tmp/x' /*",
    "; VACUUM INTO '/tmp/x'; --",
    ":name %(name)s %s ? $1 {0} {",
    "; SET ROLE postgres; --",
    "\0 nul",
    "\ud800 half",
    "=cmd|' /C calc'!A0",
    "\r\nX: y",
    "x" * 50_000,
)
TEXTS = ["".join(pair) for pair in itertools.product(CLOSINGS, ATTACKS)]


@pytest.fixture
def registry(make: Make, place: str | None) -> LLMRegistry:
    """A registry with a budget for whoever comes."""
    return make(ledger=place, budgets=[{"scope": "user", "limit": 1, "window": "total"}])


async def test_two_hundred_hostile_names_are_names(registry: LLMRegistry) -> None:
    """Case 69: as users, experiments, tags, reasons and attempts; tables and budgets stay what they are."""
    before = tables_of(registry)
    assert len(set(TEXTS)) == 200
    async with asyncio.TaskGroup() as group:
        for number, text in enumerate(TEXTS):
            facts: dict[str, Any] = {"experiment": text, "tags": [text], "request_id": text, "error": text}
            group.create_task(registry.arecord_usage(GPT, used(), user=text, attempt_id=f"{number}{text}", **facts))
    assert [row.requests for row in registry.usage(by="user")] == [1] * 200
    assert [row.requests for row in registry.usage(by="experiment")] == [1] * 200
    assert {row.spent for row in registry.budgets()} == {registry.usage(by="user")[0].cost}
    assert tables_of(registry) == before


def test_a_hostile_name_may_be_asked_for_corrected_and_reset(registry: LLMRegistry) -> None:
    """Case 69: one user's questions, corrections and resets concern that user."""
    for text in TEXTS[-7:]:
        for user in (text, "ben"):
            registry.record_usage(GPT, used(), user=user, attempt_id=f"{text} of {user}")
        (row,) = user_of(registry, text).usage(by=())
        assert row.requests == 1
        registry.correct_usage(f"{text} of {text}", cost="0.5")
        (before,) = registry.reset_budgets(text, reason=text)
        assert before.spent == Decimal("0.5")
        registry.reset("user", text, reason=text)
        assert user_of(registry, text).usage() == ()
    assert [(row.user, row.requests) for row in registry.usage(by="user")] == [("ben", 7)]
    assert registry._house.accounts.ledger.audit() == []


def tables_of(registry: LLMRegistry) -> list[tuple[Any, ...]]:
    """Every table of the ledger, its columns, and how many rows those have that never grow by a record."""
    ledger = registry._house.accounts.ledger
    ledger.flush().result()
    postgres = ledger.shown.startswith("postgres")
    sql = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        if postgres
        else "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"
    )
    found = ledger.read(lambda session: session.rows(f"{sql} ORDER BY 1, 2"))
    assert set(COLUMNS) <= {column for table, column in found if table == "lucky_records"}
    return [*found, *ledger.read(lambda session: session.rows("SELECT COUNT(*) FROM lucky_resets"))]


def test_no_column_of_the_ledger_is_a_floating_number(registry: LLMRegistry) -> None:
    """Case 66: money, tokens and times are whole numbers wherever they are kept."""
    ledger = registry._house.accounts.ledger
    ledger.flush().result()
    sql = (
        "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'public'"
        if ledger.shown.startswith("postgres")
        else "SELECT DISTINCT c.type FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"
    )
    kinds = {str(kind).lower() for (kind,) in ledger.read(lambda session: session.rows(sql))}
    assert kinds <= {"integer", "bigint", "text"}
