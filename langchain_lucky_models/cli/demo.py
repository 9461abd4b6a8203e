"""`lucky-models demo`: from nothing to an answer, a structured answer and a bill, without a key."""

from __future__ import annotations

import time

import click
from pydantic import BaseModel, Field

from langchain_lucky_models.cli.ask import figures, streamed, summary
from langchain_lucky_models.cli.keyring import LOCAL_REF
from langchain_lucky_models.cli.local import fetched
from langchain_lucky_models.cli.printing import print_json
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.registry import create_llm_registry

QUESTION = "What is the capital of France?"
SYSTEM = "You are a helpful assistant."
REPORT = "Report: Paris is a city in France with two million people."


class City(BaseModel):
    """A city."""

    name: str = Field(description="The city's name.")
    country: str = Field(description="The country it lies in.")


@click.command(help=COMMANDS["demo"])
def command() -> None:
    """Fetch the embedded model if need be, ask it, and show what an answer carries."""
    click.echo(f"The model: {fetched()}")
    with create_llm_registry() as registry:
        user = registry.for_user(mode="shared", user_id="demo", models=[LOCAL_REF])
        handle = user.tier("cheap", temperature=0, max_tokens=200)

        _headline(f'user.tier("cheap").stream({QUESTION!r})')
        begun = time.perf_counter()
        answer = streamed(handle, [("system", SYSTEM), ("human", QUESTION)])
        told = figures(answer, time.perf_counter() - begun)

        _headline("user.tier(\"cheap\").with_structured_output(City).invoke('Report: …')")
        # By name, because the embedded model calls no tools: its server holds it to the schema instead.
        structured = handle.with_structured_output(City, method="json_schema")
        click.echo(repr(structured.invoke([("system", SYSTEM), ("human", REPORT)])))

    _headline("What the first answer carries")
    print_json(told)
    click.secho(summary(told), dim=True)


def _headline(text: str) -> None:
    click.secho(f"\n>>> {text}", bold=True)
