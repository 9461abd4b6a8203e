"""Finding models from the terminal."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from langchain_lucky_models.catalog import Catalog, Query
from langchain_lucky_models.cli.models import command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=True)


def test_every_filter_of_the_search_is_an_option() -> None:
    shown = run("--help").output
    for name in Query.model_fields:
        assert f"--{name.replace('_', '-')} " in shown


def test_the_options_find_what_the_search_finds() -> None:
    shown = run(
        "--provider", "groq", "--provider", "openai", "--capability", "tools",
        "--min-context", "100000", "--max-price", "2.5", "--exclude-deprecated", "--sort-by", "price", "--limit", "7",
        "--json",
    )  # fmt: skip
    expected = Catalog.packaged().search(
        provider={"groq", "openai"}, capability="tools", min_context=100_000, max_price="2.5",
        exclude_deprecated=True, sort_by="price", limit=7,
    )  # fmt: skip
    assert [f"{row['provider']}#{row['id']}" for row in json.loads(shown.stdout)] == [str(e.ref) for e in expected]
    assert len(expected) == 7


def test_the_table_has_one_line_for_each_model_and_counts_them_apart() -> None:
    shown = run("--provider", "local")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["model", "local#smollm2-135m"]
    assert shown.stderr == "1 found\n"


def test_a_limit_of_nothing_is_not_taken_for_no_limit() -> None:
    assert run("--limit", "0").stderr == "0 found\n"
