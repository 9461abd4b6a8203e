"""The command itself: quick, lazy, and plain about failures."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from langchain_lucky_models.cli.root import COMMANDS, lucky_models

SEEN = "import sys\ntry:\n    {}\nfinally:\n    print(sorted({{name.partition('.')[0] for name in sys.modules}}))"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from langchain_lucky_models.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def loaded_by(*arguments: str) -> str:
    code = SEEN.format("from langchain_lucky_models.cli import main; main()")
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith("langchain-lucky-models ")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_neither_version_nor_help_loads_anything_heavy(argument: str) -> None:
    """What starts in under a quarter of a second is what imports nothing of this."""
    loaded = loaded_by(argument)
    for name in ("pydantic", "langchain_core", "httpx", "httpx2", "rich", "platformdirs", "openai", "xllamacpp"):
        assert repr(name) not in loaded


def test_the_version_takes_less_than_a_quarter_of_a_second() -> None:
    """Processor time, so that a busy machine does not count."""
    code = "import time\nfrom langchain_lucky_models.cli import main\n"
    code += "try:\n    main()\nfinally:\n    print(time.process_time())"
    best = min(
        float(
            subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, check=True).stdout.split()[
                -1
            ]
        )
        for _ in range(3)
    )
    assert best < 0.25


def test_the_help_lists_every_command_in_one_line_each() -> None:
    shown = CliRunner().invoke(lucky_models, ["--help"]).output
    longest = max(map(len, COMMANDS))
    for name, does in COMMANDS.items():
        assert f"  {name.ljust(longest)}  {does}\n" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_of_itself_what_the_list_says(name: str) -> None:
    command = importlib.import_module(f"langchain_lucky_models.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.help == COMMANDS[name]
    assert CliRunner().invoke(lucky_models, [name, "--help"]).exit_code == 0


def test_an_unknown_command_is_a_usage_error() -> None:
    told = run("modles")
    assert told.returncode == 2
    assert "No such command 'modles'" in told.stderr


def test_a_failure_is_one_line_without_a_traceback() -> None:
    told = run("show", "openai#gpt-nonsense")
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("Error: the catalog has no openai#gpt-nonsense.")
    assert told.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
def test_ctrl_c_ends_quietly() -> None:
    code = (
        "import click, signal, sys, time\n"
        # Whoever starts the tests in the background may have Ctrl-C ignored, and that is inherited.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from langchain_lucky_models.cli import root\n"
        "@root.lucky_models.command()\n"
        "def wait():\n"
        "    print('waiting', flush=True)\n"
        "    time.sleep(60)\n"
        "root.LazyCommands.get_command = lambda self, ctx, name: wait\n"
        "root.main()"
    )
    waiting = subprocess.Popen([sys.executable, "-c", code, "wait"], stdout=-1, stderr=-1, text=True)
    with waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        # Well before its minute is over.
        assert waiting.communicate(timeout=50)[1] == "\n"
    assert waiting.returncode == 130
