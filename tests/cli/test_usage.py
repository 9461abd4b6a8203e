"""Reading a ledger from the terminal."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from langchain_lucky_models.cli.usage import command
from langchain_lucky_models.ledger import Ledger
from langchain_lucky_models.ledger.statistics import GROUPS
from tests.accounts import TurnableClock, attempt


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A ledger with two calls of ada's and, five days later, one of a user whose name is a formula."""
    clock, file = TurnableClock(), tmp_path / "usage.db"
    with Ledger(file, clock=clock) as ledger:
        ledger.record(attempt("1"))
        ledger.record(attempt("2", model="groq#m", provider="groq", cost=Decimal("0.01"))).result()
        clock.turn(5 * 86_400)
        ledger.record(attempt("3", user="=1+1", cost=None, basis="unknown")).result()
    return str(file)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(command, arguments, env={"LUCKY_LEDGER": None, **environment})


def rows_of(*arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run(*arguments, "--json").stdout)
    return found


def test_usage_is_a_table_of_what_says_something_dearest_first(place: str) -> None:
    shown = run("--ledger", place)
    assert shown.stdout.splitlines()[0].split() == [
        "user", "model", "requests", "answered", "unpriced", "input_tokens", "output_tokens", "success_rate", "cost",
    ]  # fmt: skip
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:]] == [
        ["ada", "openai#gpt-4o"],
        ["ada", "groq#m"],
        ["=1+1", "openai#gpt-4o"],
    ]
    assert shown.stderr == "3 found\n"


def test_json_has_exact_amounts_and_csv_no_formula(place: str) -> None:
    assert [(row["user"], row["cost"]) for row in rows_of("--ledger", place, "--by", "user")] == [
        ("ada", "0.16"),
        ("=1+1", "0"),
    ]
    table = list(csv.DictReader(io.StringIO(run("--ledger", place, "--by", "user", "--csv").stdout)))
    assert [row["user"] for row in table] == ["ada", "'=1+1"]


@pytest.mark.parametrize(
    ("arguments", "requests"),
    [
        (("--where", "user=ada"), 2),
        (("--where", "user=ada", "--where", "provider=groq"), 1),
        (("--since", "2026-09-24"), 1),
        (("--until", "2026-09-24T00:00+00:00"), 2),
        (("--since", "1w"), 0),
        (("--by", "day", "--since", "99999w"), 3),
    ],
)
def test_records_are_chosen_by_value_and_by_time(place: str, arguments: tuple[str, ...], requests: int) -> None:
    found = rows_of("--ledger", place, *arguments)
    assert sum(int(str(row["requests"])) for row in found) == requests


def test_metrics_say_how_fast_and_how_good(place: str) -> None:
    (row, _) = rows_of("--ledger", place, "--metrics", "--by", "model")
    assert (row["latency_p50"], row["success_rate"]) == (0.5, 1.0)


def test_the_ledger_may_be_named_in_the_environment_or_in_a_configuration(place: str, tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(f"ledger: {{url: {place}}}\n")
    assert run(LUCKY_LEDGER=place).stdout == run("--config", str(file)).stdout == run("--ledger", place).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Which ledger? Give --ledger, --config, or set LUCKY_LEDGER."),
        (("--ledger", "nowhere.db"), "there is no ledger at nowhere.db."),
        (("--ledger", "{}", "--since", "yesterday"), "'yesterday' is no moment; write 2026-11-01"),
        (("--ledger", "{}", "--where", "ada"), "'ada' has no '='; write user=ada."),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(place: str, arguments: tuple[str, ...], says: str) -> None:
    told = run(*(argument.format(place) for argument in arguments))
    assert told.exit_code != 0
    assert says in told.stderr


def test_every_group_is_named_in_the_help() -> None:
    shown = " ".join(run("--help").output.split())
    assert all(name in shown for name in GROUPS)


def test_an_empty_ledger_has_no_rows(tmp_path: Path) -> None:
    with Ledger(tmp_path / "empty.db") as ledger:
        ledger.flush().result()
    shown = run("--ledger", str(tmp_path / "empty.db"))
    assert (shown.exit_code, shown.stderr) == (0, "0 found\n")
