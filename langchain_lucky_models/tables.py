"""Rows that show themselves: as a table in a terminal and in a notebook, as plain values everywhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

MOST_SHOWN = 200
"""Rows that a notebook or a terminal is shown; `to_dicts()` has them all."""


class Row(Protocol):
    """What a table is made of."""

    def to_dict(self) -> dict[str, object]:
        """The row's figures by name, in the order they are shown."""


R = TypeVar("R", bound=Row)


class Table(tuple[R, ...]):
    """Rows of one kind, in order. A tuple like any other that prints as a table.

    Columns that are empty in every row, or count to nothing in every row, are not shown; amounts of money always are.
    """

    __slots__ = ()

    def to_dicts(self) -> list[dict[str, object]]:
        """Every row in plain values, for a data frame or a file."""
        return [row.to_dict() for row in self]

    def in_words(self) -> tuple[list[str], list[list[str]]]:
        """The headings and the first rows, as people read them."""
        plain = [row.to_dict() for row in self[:MOST_SHOWN]]
        names = [name for name in plain[0] if not all(_says_nothing(row[name]) for row in plain)] if plain else []
        return names, [[cell_text(row[name]) for name in names] for row in plain]

    def __repr__(self) -> str:
        return "\n".join([*text_table(*self.in_words()), *self._rest()]) if self else "no rows"

    def _repr_html_(self) -> str:
        rest = "".join(f"<p>{html.escape(line)}</p>" for line in self._rest())
        return html_table(*self.in_words()) + rest if self else "<p>no rows</p>"

    def _rest(self) -> list[str]:
        return [f"… and {len(self) - MOST_SHOWN} more"] if len(self) > MOST_SHOWN else []


def _says_nothing(value: object) -> bool:
    return value is None or (type(value) is int and not value)


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in columns of equal width.

    Example:
        >>> text_table(["model", "price"], [["gpt-4o", "$2.50"], ["o3", "$2"]])
        ['model   price', 'gpt-4o  $2.50', 'o3      $2']
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [headings, *rows]]
    return [line.rstrip() for line in lines]


def html_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table for a notebook; whatever the texts hold, they are shown and never read as HTML.

    Example:
        >>> html_table(["user"], [["<b>"]])
        '<table><thead><tr><th>user</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html.escape(name)}</th>" for name in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell_text(value: object) -> str:
    """A value as people read it.

    Example:
        >>> cell_text(1234567), cell_text(0.123456), cell_text(Decimal("0.1500")), cell_text(None)
        ('1,234,567', '0.123', '0.15', '')
    """
    match value:
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case float():
            return f"{value:.3g}"
        case Decimal():
            return f"{value.normalize():f}"
        case tuple() | list():
            return " ".join(map(str, value))
    return "" if value is None else str(value)


def inert_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    Example:
        >>> inert_cell("=1+1"), inert_cell(-1), inert_cell("ada")
        ("'=1+1", -1, 'ada')
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
