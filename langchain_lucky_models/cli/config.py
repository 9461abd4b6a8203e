"""`lucky-models config`: check a configuration file; the schemas by which editors complete one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import click

from langchain_lucky_models.cli.printing import print_json
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.registry import create_llm_registry
from langchain_lucky_models.settings import RegistryConfig, Source, UserConfig, schema_of
from langchain_lucky_models.settings.base import Settings

KINDS: Mapping[str, type[Settings]] = MappingProxyType({"registry": RegistryConfig, "user": UserConfig})
"""The files there are: an operator's for the registry, and a user's."""


@click.group(help=COMMANDS["config"])
def command() -> None:
    """Configuration files."""


@command.command()
@click.argument("kind", type=click.Choice(list(KINDS)), default="registry")
def schema(kind: str) -> None:
    """Print the JSON schema of a file of KIND: registry (the operator's) or user (experiments)."""
    print_json(schema_of(KINDS[kind]))


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", "of_user", is_flag=True, help="It is a user's file of experiments.")
def check(file: Path, *, of_user: bool) -> None:
    """Say whether FILE can be used; if not, in which line and column, and why. Nobody is asked."""
    click.echo(f"{file}: {_experiments(file) if of_user else _registry(file)}")


def _experiments(file: Path) -> str:
    names = Source.of_user(file).settings(UserConfig).experiments
    return f"well; experiments: {', '.join(names) or 'none'}"


def _registry(file: Path) -> str:
    settings = Source.of_operator(file).settings(RegistryConfig)
    create_llm_registry(file).close()
    return f"well; providers: {', '.join(settings.providers) or 'none'}; tiers: {', '.join(settings.tiers) or 'none'}"
