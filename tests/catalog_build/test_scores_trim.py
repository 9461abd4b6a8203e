"""Trimming: a name and a figure stay, nothing else does."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog_build.scores.benchmarks import SNAPSHOTS
from catalog_build.scores.trim import SELECTIONS, main, trim

CATEGORIES = {"Reasoning": ["zebra"], "Coding": ["python", "typescript"]}

ECI = """\ufeffModel version,ECI Score,Another benchmark,Description
model-a_high,150.004,99,"A text,
over two lines"
model-b,,12,
"""

LIVEBENCH = """model,zebra,python,typescript
model-a-high,80.0,50.0,60.0
model-b,80.0,,60.0
"""

AIDER = """
- {model: model-a (high), edit_format: diff, pass_rate_2: 61.7, total_cost: 1.5}
- {model: model-a + model-b, edit_format: architect, pass_rate_2: 70.0}
"""

ARENA = {
    "rows": [
        {"category": "overall", "model_name": "model-a", "rating": 1400.126, "license": "x"},
        {"category": "coding", "model_name": "model-a", "rating": 1500.0},
    ]
}


def an_endpoint(provider: str, *, throughput: float | None = 60, output: str = "text") -> dict[str, object]:
    """A recorded endpoint, with more around the figures than stays."""
    return {
        "model_variant_slug": "maker/model-a",
        "provider_name": provider,
        "model": {"output_modalities": [output], "description": "praise"},
        "stats": {"p50_throughput": throughput, "p50_latency": 500.4, "request_count": 25, "p99_latency": 9},
    }


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder of recorded files, each with something that must not stay."""
    folder = tmp_path / "recorded"
    endpoints = {
        "maker/model-a-20260101": {
            "data": [
                an_endpoint("OpenAI"),
                an_endpoint("Azure", throughput=None),
                an_endpoint("Google", output="image"),
                {**an_endpoint("Mara"), "stats": None},
            ]
        },
        "~maker/model-latest": {"data": [an_endpoint("OpenAI", throughput=61)]},
    }
    texts = {
        "benchmarks/epoch_capabilities_index_2026-04-10.csv": ECI,
        "benchmarks/livebench_table_2026_01_08_updated_2026-07-01.csv": LIVEBENCH,
        "benchmarks/livebench_categories_2026_01_08.json": json.dumps(CATEGORIES),
        "benchmarks/aider_polyglot_leaderboard_2025-10-03.yml": AIDER,
    }
    packed = {
        "benchmarks/lmarena_text_style_control_2026-08-19_selected_categories.json.gz": ARENA,
        "openrouter/openrouter_endpoint_stats_2026-08-22.json.gz": endpoints,
    }
    for name in ("benchmarks", "openrouter"):
        (folder / name).mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, content in packed.items():
        (folder / name).write_bytes(gzip.compress(json.dumps(content).encode()))
    return folder


def test_only_names_and_figures_stay(recorded: Path, tmp_path: Path) -> None:
    """Rows without a figure, pairs of models, other categories, aliases and pictures go, and so does every text."""
    assert set(trim(recorded, tmp_path).values()) == {1}
    written = {name: (tmp_path / name).read_text(encoding="utf-8").splitlines() for name in SELECTIONS}
    assert written == {
        "benchmarks/epoch-eci.csv": ["published,figure", "model-a_high,150.00"],
        "benchmarks/lmarena-text-sc.csv": ["published,figure", "model-a,1400.13"],
        "benchmarks/livebench.csv": ["published,figure", "model-a-high,67.50"],
        "benchmarks/aider-polyglot.csv": ["published,figure", "model-a (high),61.70"],
        "openrouter_speed/endpoints.csv": ["id,provider,p50_tps,ttft_ms,requests", "maker/model-a,OpenAI,60,500,25"],
    }


def test_trimming_twice_writes_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    """Same input, same snapshots."""
    trim(recorded, tmp_path)
    first = {name: (tmp_path / name).read_bytes() for name in SELECTIONS}
    trim(recorded, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in SELECTIONS} == first


@pytest.mark.parametrize("name", SELECTIONS)
def test_the_committed_snapshots_hold_the_selected_columns_in_order(name: str) -> None:
    """No column of another benchmark, sorted, without doubles, every cell filled."""
    columns, _ = SELECTIONS[name]
    with (SNAPSHOTS / name).open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == columns
    assert rows == sorted(rows)
    assert len({tuple(row) for row in rows}) == len(rows)
    assert all(all(row) for row in rows)


def test_the_command_names_what_it_wrote(recorded: Path, tmp_path: Path) -> None:
    """One line a snapshot, with its rows counted."""
    answer = CliRunner().invoke(main, [str(recorded), "--into", str(tmp_path)], catch_exceptions=False)
    assert answer.output.splitlines() == [f"{name}: 1 rows" for name in SELECTIONS]
    assert all((tmp_path / name).is_file() for name in SELECTIONS)
