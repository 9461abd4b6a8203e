"""Who gets a new path, from the terminal."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from langchain_lucky_models import RolloutConfig
from langchain_lucky_models.cli.rollout import decisions

Terminal = Callable[..., subprocess.CompletedProcess[str]]

FILE = "docs/examples/rollout.yaml"


def test_every_feature_is_told_for_every_user(terminal: Terminal) -> None:
    told = terminal("rollout", FILE, "ada", "bob", "--json", LUCKY_ROLLOUT_NEW_SUMMARY="off")
    assert (told.returncode, told.stderr) == (0, "")
    assert [(row["feature"], row["user"], row["path"], row["why"]) for row in json.loads(told.stdout)] == [
        ("new-chat", "ada", "new", "allowed"),
        ("new-chat", "bob", "old", "30.06 is not below 10 %"),
        ("new-summary", "ada", "old", "switched off: LUCKY_ROLLOUT_NEW_SUMMARY says so"),
        ("new-summary", "bob", "old", "switched off: LUCKY_ROLLOUT_NEW_SUMMARY says so"),
    ]


@pytest.mark.parametrize(("said", "path"), [("31%", "new"), ("30", "old"), ("on", "old"), ("", "old")])
def test_the_environment_counts_as_it_does_for_calls(said: str, path: str) -> None:
    [row] = decisions({"new-chat": RolloutConfig(percentage=10)}, ["bob"], {"LUCKY_ROLLOUT_NEW_CHAT": said})
    assert row[2] == path
