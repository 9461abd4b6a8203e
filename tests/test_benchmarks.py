"""The frame of the benchmarks; what they measure is nobody's test, for a busy machine would break it."""

from __future__ import annotations

import importlib
import inspect
import math
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import rivals
from tests.benchmarks.pages import Section, page_of, table_of
from tests.benchmarks.report import Row
from tests.benchmarks.rivals import Measure, Task, compete, gap
from tests.benchmarks.rivals_contenders import BARE, CHAT_LITELLM, OURS, Contender
from tests.benchmarks.rivals_server import QUICK, serving

ROWS = (Row("g", "ours: a call", 1.23456, "ms CPU", "bare: 1 ms CPU", 1.23456), gap("g", "theirs", "it is not here"))


@pytest.mark.parametrize("name", command.NAMES)
def test_every_benchmark_runs_and_says_how_it_measures(name: str) -> None:
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    assert callable(module.run)
    assert inspect.getdoc(module)


def test_a_table_shows_three_digits_and_why_a_figure_is_missing() -> None:
    table = table_of(ROWS)
    assert "| 1.23 ms CPU | bare: 1 ms CPU" in table
    assert "not measured: it is not here" in table
    assert len({len(line) for line in table.splitlines()}) == 1


def test_a_page_says_when_how_and_with_which_packages_it_was_measured() -> None:
    page = page_of([Section("rivals", "Measured so.", ROWS, day="2026-11-21")])
    assert "2026-11-21" in page
    assert "## Rivals\n\nMeasured so." in page
    assert "langchain-core" in page
    assert "litellm" in page


def test_a_benchmark_that_breaks_is_a_gap_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[Row]:
        raise RuntimeError("no disk")

    monkeypatch.setattr("tests.benchmarks.bench_catalog.run", broken)
    section = command.section_of("catalog", quick=True)
    assert section.broken
    assert math.isnan(section.rows[0].figure)
    assert "RuntimeError: no disk" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_and_writes_the_page_once_every_group_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured: list[str] = []

    def measure(name: str, *, quick: bool) -> Section:
        measured.append(name)
        return Section(name, "Measured so.", ROWS, broken=name == "wire" and len(measured) < 3, day="2026-11-21")

    monkeypatch.setattr(command, "NAMES", ["calls", "rivals", "wire"])
    monkeypatch.setattr(command, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(command, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(command, "section_of", measure)
    assert command.main(["calls", "wire"]) == 1
    assert not command.PAGE.exists()
    assert command.main(["--resume"]) == 0
    assert measured == ["calls", "wire", "rivals", "wire"]
    assert command.PAGE.read_text(encoding="utf-8").count("## ") == 3
    assert command.main([]) == 0
    assert len(measured) == 7


def test_an_unknown_benchmark_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["rivalz"])
    assert "rivals" in capsys.readouterr().err


def test_contenders_measure_themselves_and_those_that_cannot_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "_why_no_environment", lambda: "there is no network")
    unknown = Contender("nobody", BARE.build)
    with serving() as url:
        found = compete((BARE, OURS, CHAT_LITELLM, unknown), Task("call", 2, 2), url, QUICK[:1])
    assert found[CHAT_LITELLM.name] == "there is no network"
    assert found[unknown.name] == "KeyError: 'nobody'"
    rows = {row.name: row for row in Measure("g", "a call", "cpu", 1e3, "ms", BARE.name).rows(found)}
    assert rows[f"{BARE.name}: a call"].ratio == 1
    assert rows[f"{OURS.name}: a call"].figure > 0
    assert math.isnan(rows[f"{CHAT_LITELLM.name}: a call"].figure)
