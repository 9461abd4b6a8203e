"""Rows that print as tables, and stay values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal

from langchain_lucky_models.tables import MOST_SHOWN, Table, html_table, inert_cell, text_table


@dataclass(frozen=True)
class Spent:
    user: str
    cost: Decimal
    errors: int = 0

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


ROWS = Table([Spent("ada", Decimal("1.50")), Spent("<script>", Decimal(0))])


def test_a_table_is_a_tuple_of_its_rows() -> None:
    assert isinstance(ROWS, tuple)
    assert list(ROWS) == [Spent("ada", Decimal("1.50")), Spent("<script>", Decimal(0))]
    assert ROWS.to_dicts()[0] == {"user": "ada", "cost": Decimal("1.50"), "errors": 0}
    assert Table[Spent]().to_dicts() == []


def test_it_prints_as_columns_without_those_that_are_empty() -> None:
    assert repr(ROWS) == "user      cost\nada       1.5\n<script>  0"
    assert repr(Table[Spent]()) == "no rows"


def test_a_notebook_shows_texts_and_never_runs_them() -> None:
    shown = ROWS._repr_html_()
    assert "<td>&lt;script&gt;</td>" in shown
    assert "<script>" not in shown
    assert Table[Spent]()._repr_html_() == "<p>no rows</p>"


def test_a_long_table_says_how_much_more_there_is() -> None:
    long = Table([Spent(f"u{number}", Decimal(1)) for number in range(MOST_SHOWN + 7)])
    assert repr(long).endswith("\n… and 7 more")
    assert long._repr_html_().endswith("<p>… and 7 more</p>")
    assert len(long.to_dicts()) == MOST_SHOWN + 7


def test_headings_are_escaped_too_and_a_table_without_rows_is_its_headings() -> None:
    assert "&lt;i&gt;" in html_table(["<i>"], [])
    assert text_table(("model", "price"), []) == ["model  price"]


def test_no_spreadsheet_takes_a_cell_for_a_formula() -> None:
    assert [inert_cell(text) for text in ("=1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "'\rx",
        "x=1",
        "",
    ]
