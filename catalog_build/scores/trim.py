"""Cut the recorded benchmark tables and endpoint statistics down to the figures the scores use.

Run `python -m catalog_build.scores.trim FOLDER`, where FOLDER holds the recorded files in `benchmarks/` and
`openrouter/`. What stays is a published name and one figure; no text, no other column, no other benchmark.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import Any

import click
import yaml

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"

Row = tuple[str, ...]

_CENT = Decimal("0.01")
_BENCHMARK_COLUMNS = ("published", "figure")
_ENDPOINT_COLUMNS = ("id", "provider", "p50_tps", "ttft_ms", "requests")


def eci_rows(folder: Path) -> Iterator[Row]:
    """The Epoch Capabilities Index of every model version that has one."""
    for row in _table(folder / "benchmarks/epoch_capabilities_index_2026-04-10.csv"):
        if row["ECI Score"].strip():
            yield row["Model version"].strip(), _figure(row["ECI Score"])


def arena_rows(folder: Path) -> Iterator[Row]:
    """The overall rating of text answers, with their style controlled for."""
    recorded = _recorded(folder / "benchmarks/lmarena_text_style_control_2026-08-19_selected_categories.json.gz")
    for row in recorded["rows"]:
        if row["category"] == "overall":
            yield row["model_name"].strip(), _figure(row["rating"])


def livebench_rows(folder: Path) -> Iterator[Row]:
    """The mean of LiveBench's seven categories, for models that took every task."""
    recorded = json.loads((folder / "benchmarks/livebench_categories_2026_01_08.json").read_text(encoding="utf-8"))
    categories: Mapping[str, list[str]] = recorded
    for row in _table(folder / "benchmarks/livebench_table_2026_01_08_updated_2026-07-01.csv"):
        tasks = {task: row[task] for names in categories.values() for task in names}
        # A mean over the tasks that happen to be there would not compare with the others.
        if all(tasks.values()):
            means = [mean(Decimal(tasks[task]) for task in names) for names in categories.values()]
            yield row["model"].strip(), _figure(mean(means))


def aider_rows(folder: Path) -> Iterator[Row]:
    """The share of tasks passed at the second try, by single models."""
    text = (folder / "benchmarks/aider_polyglot_leaderboard_2025-10-03.yml").read_text(encoding="utf-8")
    for row in yaml.safe_load(text):
        if row["edit_format"] != "architect":  # two models together measure neither
            yield row["model"].strip(), _figure(row["pass_rate_2"])


def endpoint_rows(folder: Path) -> Iterator[Row]:
    """Median throughput and time to the first token of every endpoint that answers in text."""
    recorded = _recorded(folder / "openrouter/openrouter_endpoint_stats_2026-08-22.json.gz")
    for permaslug, answer in recorded.items():
        if permaslug.startswith("~"):  # an alias repeats the endpoints of its target
            continue
        for endpoint in answer["data"]:
            stats = endpoint.get("stats") or {}
            if stats.get("p50_throughput") and endpoint["model"]["output_modalities"] == ["text"]:
                figures = (stats["p50_throughput"], round(stats["p50_latency"]), stats["request_count"])
                yield (endpoint["model_variant_slug"], endpoint["provider_name"], *map(str, figures))


SELECTIONS: Mapping[str, tuple[Row, Callable[[Path], Iterable[Row]]]] = {
    "benchmarks/epoch-eci.csv": (_BENCHMARK_COLUMNS, eci_rows),
    "benchmarks/lmarena-text-sc.csv": (_BENCHMARK_COLUMNS, arena_rows),
    "benchmarks/livebench.csv": (_BENCHMARK_COLUMNS, livebench_rows),
    "benchmarks/aider-polyglot.csv": (_BENCHMARK_COLUMNS, aider_rows),
    "openrouter_speed/endpoints.csv": (_ENDPOINT_COLUMNS, endpoint_rows),
}
"""Each snapshot with its columns and the rows that fill it."""


def trim(folder: Path, snapshots: Path = SNAPSHOTS) -> dict[str, int]:
    """Write every snapshot from the recorded files in a folder; the number of rows of each."""
    counts = {}
    for name, (columns, select) in SELECTIONS.items():
        rows = sorted(set(select(folder)))
        (snapshots / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshots / name).write_text(_written(columns, rows), encoding="utf-8", newline="")
        counts[name] = len(rows)
    return counts


def _table(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _recorded(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _figure(value: str | float | Decimal) -> str:
    return str(Decimal(str(value)).quantize(_CENT))


def _written(columns: Row, rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=SNAPSHOTS, help="Where to write.")
def main(folder: Path, into: Path) -> None:
    """Trim the recorded files of FOLDER into the committed snapshots."""
    for name, count in trim(folder, into).items():
        click.echo(f"{name}: {count} rows")


if __name__ == "__main__":
    main()
