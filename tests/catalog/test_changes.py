"""What an application made of a catalog: kept apart, put over a newer one, written whole."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models.catalog import Catalog, ModelEntry
from langchain_lucky_models.catalog.changes import CatalogChanges, ChangedModel
from langchain_lucky_models.catalog.editing import Registrable
from langchain_lucky_models.errors.base import CatalogError, UnknownModelError
from langchain_lucky_models.whole_files import read_own, write_whole
from tests.catalog.rows import entry, priced


def kept(changes: CatalogChanges) -> CatalogChanges:
    """As it comes back from a file."""
    return CatalogChanges.model_validate_json(changes.model_dump_json(exclude_defaults=True))


def test_changes_come_back_from_a_file_as_they_were() -> None:
    catalog, again = Catalog.packaged(), Catalog.packaged()
    catalog.register({"provider": "mybox", "id": "tiny", "pricing": {"input": "0.15", "output": "0.6"}})
    catalog.update("openai#gpt-4o", limits={"output": 77}, tags=("ours",))
    catalog.register({"provider": "openai", "id": "gpt-4o-mini", "name": "replaced whole"})
    catalog.remove("openai#gpt-4.1")
    again.apply(kept(catalog.changes()))
    assert again.changes().removed == catalog.changes().removed == ("openai#gpt-4.1",)
    assert set(again.state.rows) == set(catalog.state.rows)
    facts = {e.ref: e.model_dump(exclude={"prov"}) for e in catalog}
    differing = {e.ref for e in again if e.model_dump(exclude={"prov"}) != facts[e.ref]}
    assert differing == set()
    assert len(catalog.changes().models) == 3


def test_a_catalog_nobody_changed_has_no_changes() -> None:
    catalog = Catalog.packaged()
    assert not catalog.changes()
    catalog.update("openai#gpt-4o", name="Ours")
    assert catalog.changes()
    catalog.apply(CatalogChanges())
    assert not catalog.changes()


def test_over_a_newer_catalog_only_what_the_application_said_is_put() -> None:
    before = Catalog([priced("a#x", "1", "2"), entry("a#gone")])
    before.update("a#x", limits={"context": 5_000})
    before.update("a#gone", name="kept")
    newer = Catalog([priced("a#x", "3", "4"), entry("a#new")])
    newer.apply(kept(before.changes()))
    assert newer.get("a#x").limits.context == 5_000
    assert newer.get("a#x").pricing[0].input == Decimal(3)
    assert newer.get("a#gone").name == "kept", "what the application spoke of does not vanish with an update"
    assert "a#new" in newer


def test_what_was_read_from_a_file_and_what_was_put_over_it_stays_removable(tmp_path: Path) -> None:
    Catalog([entry("a#x"), entry("a#y")]).save(tmp_path / "catalog.json")
    catalog = Catalog.from_file(tmp_path / "catalog.json")
    catalog.remove("a#x")
    assert catalog.changes().removed == ("a#x",)
    assert stat.S_IMODE((tmp_path / "catalog.json").stat().st_mode) == 0o600


def test_a_refused_change_leaves_the_catalog_as_it_is() -> None:
    catalog = Catalog([entry("a#x")])
    before = catalog.state
    wrong = ModelEntry.model_construct(provider="a", id="<script>")
    with pytest.raises(CatalogError, match="no model id"):
        catalog.apply(CatalogChanges(models=(ChangedModel(entry=wrong),)))
    assert catalog.state is before


def test_a_batch_names_every_row_that_is_refused() -> None:
    catalog = Catalog([entry("a#x")])
    rows: list[Registrable] = [
        entry("a#fine"),
        {"provider": "a"},
        {"provider": "a", "id": "b", "limits": {"context": -1}},
    ]
    with pytest.raises(CatalogError, match="2 of 3 rows are refused") as refused:
        catalog.register_all(rows)
    assert "id: Field required" in str(refused.value)
    assert "limits.context" in str(refused.value)
    with pytest.raises(CatalogError, match="2 of 2 rows are refused") as refused:
        catalog.update_all({"a#nobody": {"name": "x"}, "a#x": {"nmae": "x"}})
    assert "a#nobody" in str(refused.value)
    assert len(catalog) == 1


def test_a_status_names_the_replacement_and_the_day() -> None:
    catalog = Catalog([entry("a#old"), entry("a#new")])
    changed = catalog.set_status("a#old", "deprecated", replacement="a#new", shutdown_on=dt.date(2027, 1, 1))
    assert (changed.status.state, changed.status.replacement) == ("deprecated", "a#new")
    assert catalog.get("a#old").status.shutdown_on == dt.date(2027, 1, 1)
    with pytest.raises(UnknownModelError, match="a#nobody"):
        catalog.set_status("a#old", "retired", replacement="a#nobody")
    with pytest.raises(CatalogError, match="status"):
        catalog.set_status("a#old", "gone")  # type: ignore[arg-type]


@pytest.mark.parametrize(("now", "believed"), [("0", False), ("0.09", False), ("0.11", True), ("5", True)])
def test_a_price_that_fell_too_far_is_held_until_somebody_looked(now: str, *, believed: bool) -> None:
    """Case 103: a known model said to be free, or a tenth of its price, keeps the price that budgets count by."""
    catalog = Catalog([priced("a#x", "1", "1").model_copy(update={"prov": {}})])
    fresh = priced("a#x", now, now).model_copy(update={"name": "fresh", "prov": {}})
    held = catalog.refresh_all([fresh])
    assert catalog.get("a#x").name == "fresh", "everything else is believed"
    assert catalog.get("a#x").pricing[0].input == Decimal(now if believed else 1)
    assert [dropped.row for dropped in held] == ([] if believed else ["a#x"])
    assert catalog.refresh_all([fresh], accept_prices={"a#x"}) == ()
    assert catalog.get("a#x").pricing[0].input == Decimal(now)


def test_a_file_is_whole_whoever_writes_and_reads(tmp_path: Path) -> None:
    """Case 105: writers at once, and readers among them: every reader sees one whole file."""
    path = tmp_path / "state"
    write_whole(path, b"0" * 200_000)

    def write(number: int) -> None:
        for _ in range(5):
            write_whole(path, str(number).encode() * 200_000)

    def read(_: int) -> set[tuple[int, int]]:
        return {(len(data), len(set(data))) for data in (read_own(path, 10**6) for _ in range(30))}

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, number) for number in range(4)]
        seen = set().union(*pool.map(read, range(4)))
        for done in writing:
            done.result()
    assert seen == {(200_000, 1)}
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import sys
from pathlib import Path
from langchain_lucky_models.whole_files import write_whole
path = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    write_whole(path, f"{number:08d}".encode() * 50_000)
"""


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_instant_leaves_a_whole_file(tmp_path: Path, kills: int) -> None:
    """The file is the old or the new one, `kill -9` at whatever moment."""
    path = tmp_path / "state"
    write_whole(path, b"00000000" * 50_000)
    for number in range(kills):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        # Not waited by a clock: so many readings of the file are the instant.
        for _ in range(number % 7):
            read_own(path, 10**6)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        data = read_own(path, 10**6)
        assert len(data) == 400_000
        assert data == data[:8] * 50_000


def test_a_file_that_is_not_ours_is_not_read(tmp_path: Path) -> None:
    """Case 105: what anybody may have written, a pipe, a folder and a file beyond its bound are refused."""
    path = tmp_path / "state"
    path.write_bytes(b"{}")
    path.chmod(0o666)
    with pytest.raises(PermissionError, match="anybody may write it"):
        read_own(path, 100)
    path.chmod(0o600)
    assert read_own(path, 100) == b"{}"
    with pytest.raises(OSError, match="larger than 1 bytes"):
        read_own(path, 1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read_own(tmp_path / "pipe", 100)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_foreign_owners_file_is_refused(tmp_path: Path) -> None:
    """Case 105: the owner is neither us nor root."""
    path = tmp_path / "state"
    path.write_bytes(b"{}")
    os.chown(path, 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        read_own(path, 100)


def test_changes_hold_no_more_than_was_said() -> None:
    catalog = Catalog.packaged()
    catalog.update("openai#gpt-4o", limits={"output": 77})
    plain = json.loads(catalog.changes().model_dump_json(exclude_defaults=True))
    assert [row["fields"] for row in plain["models"]] == [["limits"]]
    assert set(plain) == {"models"}
