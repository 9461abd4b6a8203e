"""Comparing from the terminal."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models.cli.compare import prompts_in
from langchain_lucky_models.errors import ConfigError

Terminal = Callable[..., subprocess.CompletedProcess[str]]

LOCAL = "local#smollm2-135m"
SHORT = ("--max-tokens", "4", "--temperature", "0")


def test_every_prompt_of_a_file_is_asked_and_kept(terminal: Terminal, tmp_path: Path) -> None:
    prompts, kept = tmp_path / "prompts.jsonl", tmp_path / "table.jsonl"
    prompts.write_text('{"id": "fr", "prompt": "What is the capital of France?", "reference": "Paris"}\n\n"Hello?"\n')
    told = terminal("compare", LOCAL, "--prompts", str(prompts), "--resume", str(kept), *SHORT, "--jsonl")
    assert (told.returncode, told.stderr) == (0, "")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(row["prompt"], row["target"], row["outcome"]) for row in rows] == [
        ("fr", LOCAL, "answered"),
        ("2", LOCAL, "answered"),
    ]
    again = terminal("compare", LOCAL, "--prompts", str(prompts), "--resume", str(kept), *SHORT)
    assert again.stdout.splitlines()[1].split()[:3] == [LOCAL, "2", "2"]


def test_what_stopped_it_is_said_and_the_table_is_there(terminal: Terminal, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Hello?\n")
    told = terminal("compare", LOCAL, "--prompts", str(prompts), "--budget", "0", "--csv")
    assert told.returncode == 1
    assert told.stdout.startswith("prompt,asked,target,")
    assert told.stderr == "Error: stopped after 0 of 1: the budget of $0 is spent: $0\n"


def test_a_name_that_leads_nowhere_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Hello?\n")
    told = terminal("compare", "openai#gpt-4o", "--prompts", str(prompts))
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert told.stderr.startswith("Error: openai#gpt-4o")


def test_a_file_is_read_as_its_ending_says(tmp_path: Path) -> None:
    text = '"Hello?"\n{"prompt": "Hi"}\n'
    plain, lines = tmp_path / "p.txt", tmp_path / "p.jsonl"
    for file in (plain, lines):
        file.write_text(text)
    assert prompts_in(plain) == ['"Hello?"', '{"prompt": "Hi"}']
    assert prompts_in(lines) == ["Hello?", {"prompt": "Hi"}]
    lines.write_text('"Hello?"\nHi\n')
    with pytest.raises(ConfigError, match=r"p\.jsonl:2: it is no JSON"):
        prompts_in(lines)
