"""The command: which commands there are, each loaded when it is asked for, and how failures are told."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.extras import DISTRIBUTION

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "ask": "Ask a model and stream its answer.",
        "compare": "Ask several models the same prompts; show answers side by side.",
        "config": "Check a configuration file; print the schema of one.",
        "demo": "A first answer without any key, from the embedded model.",
        "doctor": "What is installed, which keys are set, how old the catalog is.",
        "local": "The embedded model: fetch it, look for it, serve it.",
        "models": "Find models by what they are, can do and cost.",
        "rollout": "Who gets the new path of each feature, and why.",
        "show": "Everything known of one model.",
        "tiers": "Which models each tier prefers, and why.",
        "usage": "What was used and what it cost, from a ledger.",
    }
)
"""Each command's module in this folder, and what it does."""

_INTERRUPTED = 130


class LazyCommands(click.Group):
    """A group that imports a command's module when the command is asked for, and none for `--help` or `--version`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks
        """Every command's name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"langchain_lucky_models.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The list of commands in the help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what this package raises on purpose is told in a line, not in a traceback."""
        try:
            return super().invoke(ctx)
        except LuckyError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(_INTERRUPTED)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name=DISTRIBUTION, message="%(package)s %(version)s")
def lucky_models() -> None:
    """One string picks the model, one policy says whose key pays, one ledger knows what it cost.

    Keys are read from the environment: OPENAI_API_KEY, GROQ_API_KEY and so on; `doctor` lists them. Without any,
    the embedded model answers.
    """


def main() -> None:
    """Run `lucky-models`."""
    lucky_models(prog_name="lucky-models")
