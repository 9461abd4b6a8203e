"""The pinned inputs: what lies below `snapshots/`, where it comes from, and the lock that says it is unchanged."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from catalog_build.exact import Json, dump_json, pack, read_file
from catalog_build.sources import SOURCES, Source
from catalog_build.sources.genai_package import package_rows
from langchain_lucky_models.catalog.artefact import Source as Credit
from langchain_lucky_models.errors import CatalogError

HERE = Path(__file__).parent
FOLDER = HERE / "snapshots"
ORIGINS = "sources.toml"
LOCK = HERE / "sources.lock"
_FIELDS = ("name", "version", "date", "licence", "origin")


def write_snapshot(path: Path, rows: Json) -> None:
    """Write facts the one way: same facts, same bytes. Small ones stay readable."""
    content = dump_json(rows) if path.suffix == ".gz" else json.dumps(rows, sort_keys=True, indent=1).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    spare = path.with_name(path.name + ".new")
    spare.write_bytes(pack(content) if path.suffix == ".gz" else content)
    spare.replace(path)


def trim_recorded(recorded: Path, folder: Path = FOLDER) -> list[Path]:
    """Make every snapshot anew, from a folder of recorded answers and the pinned package.

    Returns:
        The files written.
    """
    written = []
    for source in SOURCES:
        rows = package_rows() if source.trim is None else source.trim(read_file(recorded / str(source.recorded)))
        write_snapshot(folder / source.snapshot, rows)
        written.append(folder / source.snapshot)
    return written


def read_snapshot(source: Source, folder: Path = FOLDER) -> Json:
    """The facts of one source."""
    return read_file(folder / source.snapshot)


def credits_of(folder: Path = FOLDER) -> dict[str, Credit]:
    """Who said it, when and under which licence: the rows of `sources.toml`, by file, with each file's digest.

    Raises:
        CatalogError: A file has no row, a row has no file, or a row lacks a field.
    """
    origins = tomllib.loads((folder / ORIGINS).read_text(encoding="utf-8"))
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {ORIGINS}
    if odd := sorted(files ^ set(origins)):
        raise CatalogError(f"{ORIGINS} and the files beside it disagree about {', '.join(odd)}.")
    return {file: _credit(file, origins[file], folder) for file in sorted(origins)}


def _credit(file: str, origin: dict[str, str], folder: Path) -> Credit:
    if missing := [field for field in _FIELDS if field != "version" and field not in origin]:
        raise CatalogError(f"{ORIGINS}: {file} lacks {', '.join(missing)}.")
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return Credit(
        name=origin["name"],
        version=origin.get("version"),
        date=origin["date"],
        licence=origin["licence"],
        sha256=digest,
    )


def lock_text(folder: Path = FOLDER) -> str:
    """What `sources.lock` should hold."""
    head = "# The digests of all pinned inputs. Written by `python -m catalog_build lock`.\n"
    lines = [f"{credit.sha256}  {credit.date}  {credit.name}  {file}\n" for file, credit in credits_of(folder).items()]
    return head + "".join(lines)


def check_lock(folder: Path = FOLDER, lock: Path = LOCK) -> None:
    """Refuse inputs that are not the pinned ones.

    Raises:
        CatalogError: A file has changed, come or gone since it was locked.
    """
    locked = set(lock.read_text(encoding="utf-8").splitlines())
    if odd := sorted(locked ^ set(lock_text(folder).splitlines())):
        raise CatalogError(
            f"{lock.name} does not fit the snapshots: {odd[0]}. Where the change is meant, run "
            "`python -m catalog_build lock` and commit both."
        )
