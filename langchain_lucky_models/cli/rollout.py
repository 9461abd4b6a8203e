"""`lucky-models rollout`: who gets a new path, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from langchain_lucky_models.cli.printing import print_json, print_table
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.rollout.deciding import decide
from langchain_lucky_models.rollout.switches import ByHand, rule_of
from langchain_lucky_models.settings import RegistryConfig, Source
from langchain_lucky_models.settings.rollout import RolloutConfig, variable_of

HEADINGS = ("feature", "user", "path", "why")


@click.command(help=COMMANDS["rollout"])
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("user_ids", metavar="USER_ID...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(file: Path, user_ids: tuple[str, ...], *, as_json: bool) -> None:
    """Tell which path each user gets of every feature of FILE, the environment's switches included."""
    features = Source.of_operator(file).settings(RegistryConfig).rollout
    rows = decisions(features, user_ids, os.environ)
    if as_json:
        print_json([dict(zip(HEADINGS, row, strict=True)) for row in rows])
    else:
        print_table(HEADINGS, rows)


def decisions(
    features: Mapping[str, RolloutConfig], user_ids: Sequence[str], environment: Mapping[str, str]
) -> list[tuple[str, str, str, str]]:
    """A row for each feature and user.

    Example:
        >>> decisions({"new-chat": RolloutConfig(percentage=20)}, ["ada"], {})
        [('new-chat', 'ada', 'new', '16.19 is below 20 %')]
    """
    rows = []
    for name, config in features.items():
        rule = rule_of(name, config, ByHand(), environment.get(variable_of(name)))
        for user_id in user_ids:
            decision = decide(rule, user_id)
            rows.append((name, user_id, "new" if decision else "old", decision.reason))
    return rows
