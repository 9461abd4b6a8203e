"""How a download is shown."""

from __future__ import annotations

import io
import subprocess
import sys

from langchain_lucky_models.embedded.progress import plain_progress, progress_bar


def test_plain_progress_writes_a_line_at_every_tenth_and_no_more() -> None:
    out = io.StringIO()
    report = plain_progress("Model", out)
    for done in range(0, 1001, 7):
        report(done, 1000)
    report(1000, 1000)
    assert out.getvalue().splitlines() == [f"Model: {step} %" for step in range(0, 101, 10)]


def test_a_download_of_unknown_size_is_no_error() -> None:
    out = io.StringIO()
    plain_progress("Model", out)(0, 0)
    assert out.getvalue() == "Model: 0 %\n"


def test_the_bar_names_what_comes_and_how_much() -> None:
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    with progress_bar("SmolLM2", out) as report:
        report(49_000_000, 98_000_000)
    assert "SmolLM2" in out.getvalue()
    assert "49.0/98.0 MB" in out.getvalue()


def test_without_rich_the_lines_are_plain() -> None:
    code = (
        "import sys; sys.modules['rich'] = None\n"
        "from langchain_lucky_models.embedded import progress_bar\n"
        "with progress_bar('Model') as report: report(5, 10)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (shown.stdout, shown.stderr) == ("", "Model: 50 %\n")
