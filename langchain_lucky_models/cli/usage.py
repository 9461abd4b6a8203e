"""`lucky-models usage`: what was used and what it cost, from a ledger."""

from __future__ import annotations

import csv
import datetime as dt
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from langchain_lucky_models.cli.printing import print_json, print_table
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.ledger import Ledger, MetricRow, Selection, UsageRow
from langchain_lucky_models.ledger.statistics import GROUPS
from langchain_lucky_models.settings import LedgerConfig, RegistryConfig, Source
from langchain_lucky_models.tables import MOST_SHOWN, Table, inert_cell

_AGO = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> dt.datetime:
    """A moment as people type it; what has no zone is UTC.

    Example:
        >>> moment("2026-11-01").isoformat(), moment("2026-11-01T12:00+01:00").isoformat()
        ('2026-11-01T00:00:00+00:00', '2026-11-01T12:00:00+01:00')
    """
    if ago := _AGO.fullmatch(text):
        return dt.datetime.now(dt.UTC) - dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no moment; write 2026-11-01, 2026-11-01T12:00, or how long ago: 90m, 24h, 7d, 4w."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@click.command(help=COMMANDS["usage"])
@click.option("--ledger", "place", envvar="LUCKY_LEDGER", help="Its path or URL; LUCKY_LEDGER where left out.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="The configuration that names the ledger.")
@click.option("--by", default="user,model", show_default=True, help=f"What is told apart: {', '.join(GROUPS)}.")
@click.option("--since", type=moment, metavar="MOMENT", help="From when: a day, a moment, or how long ago: 7d.")
@click.option("--until", type=moment, metavar="MOMENT", help="Until when.")
@click.option("--where", "pairs", multiple=True, metavar="NAME=VALUE", help="What records must have: user=ada.")
@click.option("--metrics", is_flag=True, help="How fast and how good, instead of how much.")
@click.option("--json", "form", flag_value="json", help="Print it as JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print it as CSV.")
def command(place: str | None, file: Path | None, *, by: str, metrics: bool, form: str | None, **chosen: Any) -> None:
    """Show what was used, dearest first. Nothing is changed."""
    names = tuple(filter(None, by.split(",")))
    selection = Selection(since=chosen["since"], until=chosen["until"], where=dict(map(_pair, chosen["pairs"])))
    with _opened(place, file) as ledger:
        rows: list[UsageRow | MetricRow] = [*(ledger.metrics if metrics else ledger.usage)(names, selection)]
    if form == "json":
        print_json([row.to_dict() for row in rows])
    elif form == "csv":
        _print_csv([row.to_dict() for row in rows])
    else:
        print_table(*Table(rows[:MOST_SHOWN]).in_words())
        click.echo(f"{len(rows)} found", err=True)


def _opened(place: str | None, file: Path | None) -> Ledger:
    named = LedgerConfig(url=place)
    if place is None and file is not None:
        named = Source.of_operator(file).settings(RegistryConfig).ledger or named  # type: ignore[assignment]  # of a file
    if named.url is None:
        raise click.UsageError("Which ledger? Give --ledger, --config, or set LUCKY_LEDGER.")
    ledger = named.ledger()
    if ledger.file is not None and not ledger.file.is_file():
        raise click.ClickException(f"there is no ledger at {ledger.file}.")
    return ledger


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no '='; write user=ada.", param_hint="--where")
    return name, value


def _print_csv(rows: Sequence[dict[str, object]]) -> None:
    if rows:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(rows[0])
        table.writerows([inert_cell(value) for value in row.values()] for row in rows)
