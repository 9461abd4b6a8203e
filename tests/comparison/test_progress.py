"""Progress is shown to whoever watches, and to nobody else."""

from __future__ import annotations

import io
import sys

import pytest

from langchain_lucky_models.comparison.progress import progress_shown
from tests.homes import OPENAI, user_on
from tests.loopback import Provider


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(wish: bool | None, out: io.StringIO) -> str:  # noqa: FBT001 - three-valued
    with progress_shown(wish, 20, out) as report:
        for done in range(21):
            report(done, done // 10)
    return out.getvalue()


def test_without_a_terminal_nothing_is_shown_unless_somebody_asks() -> None:
    assert shown(None, io.StringIO()) == ""
    assert shown(False, Terminal()) == ""  # noqa: FBT003 - three-valued
    lines = shown(True, io.StringIO()).splitlines()  # noqa: FBT003 - three-valued
    assert len(lines) == 10
    assert (lines[0], lines[-1]) == ("comparing 2/20", "comparing 20/20, 2 failed")


def test_a_terminal_sees_a_bar() -> None:
    assert "comparing" in shown(None, Terminal())


def test_a_terminal_without_rich_sees_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert shown(None, Terminal()).endswith("\rcomparing 20/20, 2 failed\n")


def test_a_comparison_tells_how_far_it_is(provider: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    provider.script("status_400")
    with user_on(provider) as user:
        user.compare(["a", "b"], [OPENAI], progress=True)
    assert capsys.readouterr().err == "comparing 1/2, 1 failed\ncomparing 2/2, 2 failed\n"
