"""What commands print."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from langchain_lucky_models.cli import printing


def test_a_table_is_plain_columns_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    printing.print_table(("model", "price"), [["a-long-name", "$1"], ["b", "[red]$20"]])
    assert capsys.readouterr().out == "model        price\na-long-name  $1\nb            [red]$20\n"


def test_a_terminal_gets_a_drawn_table_with_every_letter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    printing.print_table(("model", "price"), [["b", "[red]$20"]])
    shown = capsys.readouterr().out
    assert "───" in shown
    assert "[red]$20" in shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(Decimal(100), "$100"), (Decimal("0.10"), "$0.1"), (1e-07, "$0.0000001"), (Decimal(0), "$0"), (None, "?")],
)
def test_an_amount_is_exact_and_short(amount: Decimal | float | None, shown: str) -> None:
    assert printing.dollars(amount) == shown


def test_json_keeps_amounts_exact(capsys: pytest.CaptureFixture[str]) -> None:
    printing.print_json({"cost": Decimal("0.10"), "name": "Grüße"})
    assert json.loads(capsys.readouterr().out) == {"cost": "0.10", "name": "Grüße"}
