"""`lucky-models ask`: a question, and the answer as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from langchain_core.messages import AIMessageChunk

from langchain_lucky_models.chat_model import LuckyChatModel
from langchain_lucky_models.cli.keyring import terminal_user
from langchain_lucky_models.cli.printing import dollars, print_json, tokens
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.refs import SEPARATOR

Message = tuple[str, str]


@click.command(help=COMMANDS["ask"])
@click.argument("question", required=False)
@click.option("--model", "-m", help="The model: openai#gpt-4o, or gpt-4o.")
@click.option("--tier", "-t", help="The tier to choose from instead: cheap (the default), fast, smart, balanced.")
@click.option("--system", "-s", help="What the model is told before the question.")
@click.option("--temperature", type=float, help="How freely it answers; 0 is not at all.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="The longest answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer with its figures as JSON.")
def command(
    question: str | None, model: str | None, tier: str | None, system: str | None, *, as_json: bool, **params: Any
) -> None:
    """Ask; the question may come from standard input."""
    if model and tier:
        raise click.UsageError("--model and --tier exclude each other.")
    text = question if question is not None else sys.stdin.read().strip()
    if not text:
        raise click.UsageError("There is no question: give one as an argument or on standard input.")
    handle = _handle(model, tier, {name: value for name, value in params.items() if value is not None})
    messages = [*([("system", system)] if system else []), ("human", text)]
    begun = time.perf_counter()
    answer = streamed(handle, messages, silent=as_json)
    told = figures(answer, time.perf_counter() - begun)
    if as_json:
        print_json({"text": answer.text, **told})
    else:
        click.secho(summary(told), dim=True, err=True)


def _handle(model: str | None, tier: str | None, params: Mapping[str, Any]) -> LuckyChatModel:
    if model is None:
        return terminal_user().tier(tier or "cheap", **params)
    # A ref says whom to ask, whatever keys there are; a bare name is looked up among those that have one.
    return terminal_user([model] if SEPARATOR in model else ()).model(model, **params)


def streamed(handle: LuckyChatModel, messages: Sequence[Message], *, silent: bool = False) -> AIMessageChunk:
    """Print the answer as it comes, and give it back whole.

    Args:
        handle: Whom to ask.
        messages: What to ask.
        silent: Only give it back.
    """
    whole: AIMessageChunk | None = None
    for chunk in handle.stream(list(messages)):
        whole = chunk if whole is None else whole + chunk
        if not silent:
            click.echo(chunk.text, nl=False)
    if not silent:
        click.echo()
    return whole or AIMessageChunk(content="")


def figures(answer: AIMessageChunk, seconds: float) -> dict[str, Any]:
    """Who answered, with how many tokens, at which cost, in how many seconds."""
    mark: Mapping[str, Any] = answer.response_metadata.get("lucky", {})
    usage = answer.usage_metadata
    return {
        "ref": mark.get("ref"),
        "input_tokens": usage["input_tokens"] if usage else None,
        "output_tokens": usage["output_tokens"] if usage else None,
        "cost": mark.get("cost"),
        "cost_basis": mark.get("cost_basis"),
        "seconds": round(seconds, 3),
        "attempts": mark.get("attempts", []),
    }


def summary(told: Mapping[str, Any]) -> str:
    """The figures in one line.

    Example:
        >>> summary({"ref": "openai#gpt-4o", "input_tokens": 9, "output_tokens": 1200, "cost": 0.0121, "seconds": 2.5})
        'openai#gpt-4o · 9 tokens in, 1,200 out · $0.0121 · 2.50 s'
    """
    used = f"{tokens(told['input_tokens'])} tokens in, {tokens(told['output_tokens'])} out"
    return f"{told['ref']} · {used} · {dollars(told['cost'])} · {told['seconds']:.2f} s"
