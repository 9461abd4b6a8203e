"""A question from the terminal."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Terminal = Callable[..., subprocess.CompletedProcess[str]]

CALM = ("--system", "You are a helpful assistant.", "--temperature", "0", "--max-tokens", "12")


def test_the_answer_goes_to_one_stream_and_its_figures_to_the_other(terminal: Terminal) -> None:
    told = terminal("ask", "What is the capital of France?", *CALM)
    assert told.returncode == 0
    assert "Paris" in told.stdout
    assert told.stderr.startswith("local#smollm2-135m · 27 tokens in, ")
    assert "$0 · " in told.stderr


def test_json_is_the_answer_with_its_figures(terminal: Terminal) -> None:
    told = json.loads(terminal("ask", *CALM, "--json", stdin="What is the capital of France?\n").stdout)
    assert "Paris" in told["text"]
    assert (told["ref"], told["cost"], told["cost_basis"]) == ("local#smollm2-135m", 0, "catalog")
    assert told["attempts"][0]["outcome"] == "answered"


def test_a_model_without_a_key_is_one_line(terminal: Terminal) -> None:
    told = terminal("ask", "hi", "--model", "openai#gpt-4o")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: openai#gpt-4o")
    assert told.stderr.count("\n") == 1


def test_a_model_that_was_not_fetched_is_not_fetched_by_a_question(terminal: Terminal, tmp_path: Path) -> None:
    told = terminal("ask", "hi", LUCKY_CACHE_DIR=str(tmp_path))
    assert told.returncode == 1
    assert "lucky-models local pull" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_question_and_two_choices_are_usage_errors(terminal: Terminal) -> None:
    assert "There is no question" in terminal("ask").stderr
    both = terminal("ask", "hi", "--model", "gpt-4o", "--tier", "smart")
    assert both.returncode == 2
    assert "exclude each other" in both.stderr
