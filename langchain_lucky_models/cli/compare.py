"""`lucky-models compare`: the same prompts, asked of several models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from langchain_lucky_models.cli.keyring import terminal_user
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.comparison import PromptLike
from langchain_lucky_models.comparison.running import INTERRUPTED
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.refs import SEPARATOR


@click.command(help=COMMANDS["compare"])
@click.argument("targets", nargs=-1, required=True)
@click.option(
    "--prompts",
    "-p",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="A prompt a line; in a .jsonl file, each a mapping with prompt, and perhaps id and reference.",
)
@click.option("--system", "-s", help="What every model is told first.")
@click.option("--temperature", type=float, help="How freely they answer; 0 is not at all.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="The longest answer.")
@click.option("--judge", help="The model that scores the answers.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, help="How often every prompt is asked.")
@click.option("--budget", help="Dollars after which nobody is asked any more.")
@click.option("--resume", type=click.Path(path_type=Path), help="A file to keep every answer in, and to go on from.")
@click.option("--csv", "form", flag_value="csv", help="Print every answer as CSV.")
@click.option("--jsonl", "form", flag_value="jsonl", help="Print every answer as a line of JSON.")
def command(targets: tuple[str, ...], file: Path, form: str | None, **options: Any) -> None:
    """Ask TARGETS, such as openai#gpt-4o or tier:cheap, the same prompts."""
    judge: str | None = options["judge"]
    params = {name: value for name in ("temperature", "max_tokens") if (value := options.pop(name)) is not None}
    named = [*targets, *([judge] if judge else [])]
    # As for `ask`: refs say whom to ask, whatever keys there are; other names are looked up among those that have one.
    user = terminal_user(list(dict.fromkeys(named)) if all(SEPARATOR in name for name in named) else ())
    table = user.compare(prompts_in(file), targets, params=params, **options)
    shown = {"csv": table.to_csv, "jsonl": table.to_jsonl}.get(form or "")
    click.echo(shown() if shown else str(table), nl=shown is None)
    if table.stopped == INTERRUPTED:
        raise KeyboardInterrupt
    if table.stopped is not None:
        raise click.ClickException(f"stopped after {len(table)} of {table.planned}: {table.stopped}")


def prompts_in(file: Path) -> list[PromptLike]:
    """The prompts of a file: its lines, or what stands in them as JSON.

    Raises:
        ConfigError: A line of a .jsonl file is no JSON.
    """
    prompts: list[PromptLike] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            prompts.append(json.loads(line) if file.suffix == ".jsonl" else line)
        except ValueError as error:
            raise ConfigError(f"it is no JSON: {error}.", file=str(file), line=number) from None
    return prompts
