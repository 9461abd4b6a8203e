"""`lucky-models tiers`: whom each tier prefers."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable

import click

from langchain_lucky_models.catalog import Catalog, ModelEntry, Ranking, rank
from langchain_lucky_models.catalog.tiers import TIERS
from langchain_lucky_models.cli.keyring import keys_set, terminal_user
from langchain_lucky_models.cli.printing import print_json, print_table
from langchain_lucky_models.cli.root import COMMANDS


@click.command(help=COMMANDS["tiers"])
@click.argument("names", metavar="[TIER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Rank the whole catalog, not only what your keys reach.")
@click.option("--require", multiple=True, metavar="CAPABILITY", help="A capability that a model must have.")
@click.option("--min-context", type=int, default=0, help="Tokens that must fit.")
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Places to show.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(
    names: tuple[str, ...], require: tuple[str, ...], min_context: int, limit: int, *, everything: bool, as_json: bool
) -> None:
    """Show the first places of each TIER."""
    entries = _entries(everything=everything)
    today = dt.datetime.now(dt.UTC).date()
    rankings = [
        rank(name, entries, on=today, require=frozenset(require), min_context=min_context) for name in names or TIERS
    ]
    rows = [row for ranking in rankings for row in places(ranking, limit)]
    if as_json:
        print_json([dict(zip(("tier", "place", "ref", "reason"), row, strict=True)) for row in rows])
    else:
        print_table(("tier", "place", "model", "why"), rows)


def _entries(*, everything: bool) -> Iterable[ModelEntry]:
    if everything:
        return Catalog.packaged().entries()
    if not keys_set(os.environ):
        click.echo("No key is set, so only the embedded model is ranked; --all ranks the whole catalog.", err=True)
    return terminal_user().get_catalog()


def places(ranking: Ranking, most: int) -> list[tuple[str, str, str, str]]:
    """The first places of a tier: its name, the place, the model, the reason."""
    first = enumerate(ranking.places[:most], start=1)
    return [(ranking.tier, str(number), str(place.entry.ref), place.reason) for number, place in first]
