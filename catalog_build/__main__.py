"""`python -m catalog_build …`: build, check, diff, explain, fetch, trim, lock."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import click

from catalog_build import files, snapshots
from catalog_build.build import Built, build, gather
from catalog_build.diff import diff_lines
from catalog_build.explain import explain_lines
from catalog_build.fetch import fetch_source
from catalog_build.gates import change_faults
from catalog_build.report import report_bytes
from catalog_build.sources import SOURCES
from langchain_lucky_models.errors import LuckyError

EXISTING = click.Path(exists=True, path_type=Path)


class Commands(click.Group):
    """Our own errors end a command with their message, not with a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except LuckyError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
def main() -> None:
    """Build the packaged catalog from pinned sources."""


def _fresh() -> Built:
    snapshots.check_lock()
    return build(gather())


def _written(built: Built) -> dict[Path, bytes]:
    """What a build writes, by file, uncompressed."""
    return {
        files.ARTEFACT: files.artefact_bytes(built.artefact),
        files.SCHEMA: files.schema_bytes(),
        files.REPORT: report_bytes(built),
    }


@main.command("build")
@click.option("--accept-changes", is_flag=True, help="Write even where unusually much has changed.")
def build_command(*, accept_changes: bool) -> None:
    """Write the artefact, its schema and the report."""
    built = _fresh()
    if not accept_changes:
        _refuse_upheaval(built)
    for path, content in _written(built).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.packed(content) if path == files.ARTEFACT else content)
    size = files.ARTEFACT.stat().st_size
    click.echo(
        f"{len(built.artefact.models)} models, {size} bytes, {len(built.refused)} left out (see {files.REPORT.name})"
    )


def _refuse_upheaval(built: Built) -> None:
    faults = list(change_faults(built.artefact, files.read_artefact(files.ARTEFACT))) if files.ARTEFACT.exists() else []
    if faults:
        raise click.ClickException("\n".join((*faults, "Where this is meant, repeat it with --accept-changes.")))


@main.command()
def check() -> None:
    """Fail unless the committed files are what a fresh build writes."""
    built = _fresh()
    odd = [path.name for path, content in _written(built).items() if files.committed(path) != content]
    if odd:
        raise click.ClickException(f"{', '.join(odd)} differ from a fresh build. Run `python -m catalog_build build`.")
    age = dt.datetime.now(dt.UTC).date() - dt.date.fromisoformat(built.artefact.as_of)
    click.echo(f"{len(built.artefact.models)} models of {built.artefact.as_of}, {age.days} days old: as built.")


@main.command()
@click.argument("old", type=EXISTING)
@click.argument("new", type=EXISTING, required=False)
def diff(old: Path, new: Path | None) -> None:
    """Say what changed from the artefact OLD to NEW, or to a fresh build."""
    later = files.read_artefact(new) if new else _fresh().artefact
    for line in diff_lines(files.read_artefact(old), later):
        click.echo(line)


@main.command()
@click.argument("ref")
def explain(ref: str) -> None:
    """Say which source won each field of REF, and who disagreed."""
    for line in explain_lines(_fresh(), ref):
        click.echo(line)


@main.command()
@click.option("--only", multiple=True, type=click.Choice([source.name for source in SOURCES]), help="Ask this one.")
@click.option("--url", help="Another address to ask; with one --only.")
def fetch(only: tuple[str, ...], url: str | None) -> None:
    """Refresh the snapshots from the live sources."""
    asked = [source for source in SOURCES if source.name in only or not only]
    if url and len(asked) != 1:
        raise click.UsageError("--url goes with exactly one --only.")
    today = dt.datetime.now(dt.UTC).date()
    with click.progressbar(asked, label="fetching", item_show_func=lambda one: one.name if one else "") as bar:
        outcomes = [fetch_source(source, os.environ, today, url=url) for source in bar]
    for outcome in outcomes:
        click.echo(f"{outcome.source}: {outcome.words}")
    _write_lock()


@main.command()
@click.argument("recorded", type=EXISTING)
def trim(recorded: Path) -> None:
    """Make the snapshots from the folder RECORDED, which holds whole answers."""
    for path in snapshots.trim_recorded(recorded):
        click.echo(f"{path.relative_to(snapshots.FOLDER)}: {path.stat().st_size} bytes")
    _write_lock()


@main.command()
def lock() -> None:
    """Pin the snapshots as they are."""
    _write_lock()


def _write_lock() -> None:
    snapshots.LOCK.write_text(snapshots.lock_text(), encoding="utf-8")
    click.echo(f"wrote {snapshots.LOCK.name}")


if __name__ == "__main__":
    main(prog_name="python -m catalog_build")
