"""What commands print: tables, JSON, amounts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

import click

from langchain_lucky_models.errors.base import MissingExtraError
from langchain_lucky_models.extras import require
from langchain_lucky_models.tables import text_table

UNKNOWN = "?"
"""What stands where nobody knows."""


def print_json(value: object) -> None:
    """Print plain values as JSON; exact amounts as strings."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings: drawn by rich in a terminal that has it, plain columns everywhere else."""
    lines = list(rows)
    if sys.stdout.isatty():
        try:
            _print_rich(headings, lines)
        except MissingExtraError:
            pass
        else:
            return
    click.echo("\n".join(text_table(headings, lines)))


def _print_rich(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = require("rich.table", extra="cli").Table(box=require("rich.box", extra="cli").SIMPLE_HEAD)
    escape = require("rich.markup", extra="cli").escape
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    require("rich.console", extra="cli").Console().print(table)


def dollars(amount: Decimal | float | None) -> str:
    """An amount as people read it.

    Example:
        >>> dollars(Decimal("2.50")), dollars(Decimal("0.0000125")), dollars(0), dollars(None)
        ('$2.5', '$0.0000125', '$0', '?')
    """
    if amount is None:
        return UNKNOWN
    return f"${Decimal(str(amount)).normalize():f}"


def tokens(count: int | None) -> str:
    """A number of tokens.

    Example:
        >>> tokens(128_000), tokens(None)
        ('128,000', '?')
    """
    return UNKNOWN if count is None else f"{count:,}"
