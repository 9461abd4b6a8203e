"""`lucky-models models`: the catalog, filtered and sorted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import click
from pydantic.fields import FieldInfo

from langchain_lucky_models.catalog import Catalog, ModelEntry, Query, price_at
from langchain_lucky_models.cli.printing import UNKNOWN, dollars, print_json, print_table, tokens
from langchain_lucky_models.cli.root import COMMANDS

HEADINGS = ("model", "context", "input $/M", "output $/M", "intelligence", "speed", "state")


def _option(name: str, field: FieldInfo) -> Callable[..., Any]:
    """The option for a field of `Query`; what a value may be is the field's to say, so it is taken as text."""
    flag, several = field.annotation is bool, field.get_default() == frozenset()
    shape: dict[str, Any] = {"is_flag": True} if flag else {"multiple": several, "metavar": "TEXT"}
    return click.option(f"--{name.replace('_', '-')}", name, help=field.description, **shape)


def with_filters(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `Query`."""
    for name, field in reversed(Query.model_fields.items()):
        function = _option(name, field)(function)
    return function


@click.command(help=COMMANDS["models"])
@with_filters
@click.option("--json", "as_json", is_flag=True, help="Print everything known of each as JSON.")
def command(*, as_json: bool, **filters: Any) -> None:
    """List the models that match; an option that was not given asks for nothing."""
    entries = Catalog.packaged().search(**{name: value for name, value in filters.items() if value})
    if as_json:
        print_json([entry.model_dump(mode="json", exclude_defaults=True) for entry in entries])
        return
    print_table(HEADINGS, [row(entry, dt.datetime.now(dt.UTC).date()) for entry in entries])
    click.echo(f"{len(entries)} found", err=True)


def row(entry: ModelEntry, on: dt.date) -> list[str]:
    """A model in one line, at the prices of the day."""
    price = price_at(entry, on)
    return [
        str(entry.ref),
        tokens(entry.limits.context),
        dollars(price.input if price else None),
        dollars(price.output if price else None),
        f"{entry.intelligence.score:g}" if entry.intelligence else UNKNOWN,
        entry.speed.rating if entry.speed else UNKNOWN,
        entry.status.state,
    ]
