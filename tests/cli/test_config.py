"""Checking configuration files from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from langchain_lucky_models.cli.root import lucky_models
from langchain_lucky_models.settings import RegistryConfig, UserConfig, schema_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lucky_models, ["config", *arguments])


def test_the_schemas_are_printed_as_json() -> None:
    assert json.loads(run("schema").stdout) == schema_of(RegistryConfig)
    assert json.loads(run("schema", "user").stdout) == schema_of(UserConfig)


def test_a_file_that_can_be_used_is_said_to_be_well(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("providers: {openai: {timeout: 5}}\ntiers: {quick: {models: [openai#gpt-4o]}}\n")
    assert run("check", str(file)).stdout == f"{file}: well; providers: openai; tiers: quick\n"
    file.write_text("experiments: {a: {models: [gpt-4o]}}\n")
    assert run("check", "--user", str(file)).stdout == f"{file}: well; experiments: a\n"


def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("providers:\n  mybox: {kind: openai_compatible}\n")
    told = run("check", str(file))
    assert told.exit_code == 1
    assert told.stderr == (f"Error: {file}:2:3: providers.mybox needs a base_url, such as http://localhost:8000/v1.\n")
