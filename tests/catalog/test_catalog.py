"""The catalog finds exactly what is asked for, and changes as a whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models import catalog as package
from langchain_lucky_models.catalog.artefact import Migration
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.errors.base import CatalogError, InvalidRefError, UnknownModelError
from langchain_lucky_models.refs import ModelRef
from tests.catalog.rows import entry, file_of, priced

MODELS = [
    priced("openai#gpt-4o", "2.5", "10", aliases=["gpt-4o-latest"], snapshots=["gpt-4o-2024-08-06"]),
    priced("openai#gpt-4o-2024-05-13", "5", "15"),
    priced("openai#gpt-5", "1", "10"),
    priced("groq#openai/gpt-oss-20b", "0.075", "0.3"),
    priced("openrouter#openai/gpt-4o", "2.5", "10"),
]


@pytest.fixture
def catalog() -> Catalog:
    """A catalog of five models."""
    return Catalog(MODELS)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("openai#gpt-4o", "gpt-4o"),
        (ModelRef("openai", "gpt-4o"), "gpt-4o"),
        ("openai#gpt-4o-latest", "gpt-4o"),
        ("openai#gpt-4o-2024-08-06", "gpt-4o"),
        ("openai#gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("groq#openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ],
)
def test_a_model_is_found_by_id_then_alias_then_snapshot(catalog: Catalog, asked: str, found: str) -> None:
    assert catalog.get(asked).id == found
    assert asked in catalog


@pytest.mark.parametrize(
    "asked",
    [
        "openai#gpt-4",
        "openai#gpt-5.5",
        "openai#gpt-4o-mini-search-preview",
        "openai#gpt-4o-2024-08",
        "openai#GPT-4o",
        "openai#openai/gpt-4o",
        "openrouter#gpt-4o",
        "groq#gpt-4o-latest",
    ],
)
def test_nothing_that_only_looks_like_it_is_found(catalog: Catalog, asked: str) -> None:
    """No prefix, no part, no other case, no other provider's alias: it would be billed at another model's price."""
    assert asked not in catalog
    with pytest.raises(UnknownModelError):
        catalog.get(asked)


def test_an_exact_id_wins_over_an_alias_and_an_alias_over_a_snapshot() -> None:
    catalog = Catalog(
        [
            entry("a#one", aliases=["two", "x"], snapshots=["y"]),
            entry("a#two", aliases=["y"], snapshots=["x"]),
        ]
    )
    assert [catalog.get(f"a#{name}").id for name in ("two", "x", "y")] == ["two", "one", "two"]


def test_an_unknown_model_is_refused_with_the_nearest_names(catalog: Catalog) -> None:
    with pytest.raises(UnknownModelError, match=r"no openai#gpt-4oo\. Nearest: openai#gpt-4o, .*register") as refusal:
        catalog.get("openai#gpt-4oo")
    assert refusal.value.asked == "openai#gpt-4oo"
    assert refusal.value.nearest[0] == "openai#gpt-4o"


@pytest.mark.parametrize(
    ("asked", "nearest"), [("groq#gpt-5", "openai#gpt-5"), ("opena#gpt-5", "openai#gpt-5"), ("a#b", None)]
)
def test_a_model_that_is_elsewhere_is_said_to_be_there(catalog: Catalog, asked: str, nearest: str | None) -> None:
    with pytest.raises(UnknownModelError) as refusal:
        catalog.get(asked)
    assert next(iter(refusal.value.nearest), None) == nearest


def test_a_renamed_model_is_refused_with_its_new_name(catalog: Catalog) -> None:
    moved = Migration(old="openai#davinci", new="openai#gpt-5", kind="retired", automatic=False)
    catalog.swap(CatalogState(catalog.state.rows, migrations=(moved,)))
    with pytest.raises(UnknownModelError, match="openai#davinci was retired; use openai#gpt-5"):
        catalog.get("openai#davinci")
    assert catalog.follow("openai#davinci").ref == "openai#gpt-5"


@pytest.mark.parametrize("asked", ["openai#gpt-7", "gpt-4o", "", "openai#gpt-4\u043e", "openai#gpt-4o "])
def test_a_default_is_given_for_whatever_is_not_there(catalog: Catalog, asked: str) -> None:
    assert catalog.get(asked, None) is None
    assert asked not in catalog


@pytest.mark.parametrize("asked", ["gpt-4o", "openai#gpt-4\u043e", "openai#gpt-4o ", "OpenAI#gpt-4o"])
def test_a_text_that_is_no_ref_is_refused_as_such(catalog: Catalog, asked: str) -> None:
    """Letters that only look like those of a known model are pointed out."""
    with pytest.raises(InvalidRefError):
        catalog.get(asked)


def test_a_bare_name_finds_all_it_may_mean_in_the_order_of_likeness(catalog: Catalog) -> None:
    def refs(name: str) -> list[str]:
        return [str(model.ref) for model in catalog.find(name)]

    assert refs("gpt-4o") == ["openai#gpt-4o", "openrouter#openai/gpt-4o"]
    assert refs("openai/gpt-4o") == ["openrouter#openai/gpt-4o"]
    assert refs("gpt-4o-2024-08-06") == ["openai#gpt-4o"]
    assert refs("gpt") == []


def test_a_registered_model_is_there_and_another_takes_its_place(catalog: Catalog) -> None:
    catalog.register({"provider": "mybox", "id": "tiny", "pricing": {"input": "1", "output": "1"}})
    catalog.register({"provider": "mybox", "id": "tiny", "name": "Tiny"})
    assert catalog.get("mybox#tiny").name == "Tiny"
    assert catalog.get("mybox#tiny").pricing == ()
    assert len(catalog) == 6


def test_a_registered_alias_is_found_at_once(catalog: Catalog) -> None:
    assert catalog.get("openai#best", None) is None
    catalog.register(entry("openai#gpt-9", aliases=["best"]))
    assert catalog.get("openai#best").id == "gpt-9"
    catalog.remove("openai#gpt-9")
    assert catalog.get("openai#best", None) is None


def test_an_update_changes_the_fields_it_names(catalog: Catalog) -> None:
    """By keyword or mapping, and by any name of the model."""
    catalog.update("openai#gpt-4o-latest", limits={"context": 128_000})
    catalog.update("openai#gpt-4o", {"limits": {"output": 16_384}})
    limits = catalog.get("openai#gpt-4o").limits
    assert (limits.context, limits.output) == (128_000, 16_384)


BATCHES: list[tuple[str, Any, type[Exception]]] = [
    ("register_all", [{"provider": "a", "id": "b"}, {"provider": "a"}], CatalogError),
    ("update_all", {"openai#gpt-5": {"name": "x"}, "openai#gpt-4o": {"limits": {"context": -1}}}, CatalogError),
    ("update_all", {"openai#gpt-5": {"name": "x"}, "openai#nobody": {}}, UnknownModelError),
    ("remove_all", ["openai#gpt-5", "openai#nobody"], UnknownModelError),
    ("load", file_of([{"provider": "a", "id": "b"}, {}]), CatalogError),
    ("load", b"<html>", CatalogError),
]


@pytest.mark.parametrize(("method", "batch", "refusal"), BATCHES)
def test_one_bad_change_leaves_everything_as_it_was(
    catalog: Catalog, method: str, batch: Any, refusal: type[Exception]
) -> None:
    before = catalog.state
    with pytest.raises(refusal):
        getattr(catalog, method)(batch)
    assert catalog.state is before


def test_a_batch_of_changes_is_made_as_a_whole(catalog: Catalog) -> None:
    catalog.register_all([entry("a#one"), entry("a#two"), entry("a#three")])
    catalog.update_all({"a#one": {"name": "One"}, "a#two": {"name": "Two"}})
    catalog.remove_all(["a#three", "openai#gpt-5"])
    assert [catalog.get(f"a#{name}").name for name in ("one", "two")] == ["One", "Two"]
    assert "a#three" not in catalog
    assert len(catalog) == 6


def test_a_refresh_brings_what_is_new_and_leaves_what_the_application_said(catalog: Catalog) -> None:
    catalog.update("openai#gpt-5", pricing={"input": "0.5"})
    catalog.register({"provider": "mybox", "id": "tiny", "name": "Mine"})
    catalog.refresh_all(
        [
            priced("openai#gpt-5", "7", "70").model_copy(update={"name": "GPT-5", "prov": {}}),
            ModelEntry(provider="mybox", id="tiny", name="Theirs", family="small"),
            ModelEntry(provider="mybox", id="new"),
        ]
    )
    five, tiny = catalog.get("openai#gpt-5"), catalog.get("mybox#tiny")
    assert (five.pricing[0].input, five.price_state, five.name) == (Decimal("0.5"), "priced", "GPT-5")
    assert (tiny.name, tiny.family) == ("Mine", "small")
    assert "mybox#new" in catalog


def test_a_refused_refresh_changes_nothing(catalog: Catalog) -> None:
    before = catalog.state
    with pytest.raises(CatalogError, match="one token's"):
        catalog.refresh_all(
            [ModelEntry.model_validate({"provider": "a", "id": "b", "pricing": [{"input": "0.000001"}]})]
        )
    assert catalog.state is before


def test_a_catalog_is_read_like_a_collection(catalog: Catalog) -> None:
    assert list(catalog) == list(catalog.entries()) == MODELS
    assert repr(catalog) == "<Catalog: 5 models>"
    assert 7 not in catalog


def test_searching_asks_the_state_of_now(catalog: Catalog) -> None:
    assert catalog.search(provider="openai", sort_by="price")[0].id == "gpt-5"
    found = catalog.cheapest()
    assert found is not None
    assert found.provider == "groq"


def test_what_is_exported_is_loaded_again(catalog: Catalog) -> None:
    other = Catalog()
    other.load(catalog.export())
    assert other.entries() == catalog.entries() == Catalog.from_bytes(catalog.export()).entries()


def test_a_catalog_is_read_from_a_file(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(catalog.export())
    assert Catalog.from_file(tmp_path / "mine.json").entries() == catalog.entries()


def test_a_swap_replaces_everything_and_a_kept_state_stays(catalog: Catalog) -> None:
    before = catalog.state
    catalog.swap(Catalog([entry("a#b")]))
    assert [str(model.ref) for model in catalog] == ["a#b"]
    assert before.find("openai#gpt-5") is not None


def test_packaged_catalogs_share_their_models_and_not_their_changes() -> None:
    one, other = Catalog.packaged(), Catalog.packaged()
    assert one.get("openai#gpt-4o") is other.get("openai#gpt-4o")
    one.remove("openai#gpt-4o")
    one.register(entry("mybox#tiny"))
    assert "openai#gpt-4o" in other
    assert "mybox#tiny" not in other


def test_a_row_of_the_package_that_is_broken_is_refused_when_it_is_asked_for() -> None:
    state = CatalogState(
        {"a#b": Row({"provider": "a", "id": "b", "limits": 5}), "a#c": Row({"provider": "a", "id": "c"})}
    )
    assert state.find("a#c") is not None
    with pytest.raises(CatalogError, match=r"a#b.*limits"):
        state.find("a#b")


def test_writers_never_lose_each_others_changes() -> None:
    catalog = Catalog()

    def register(worker: int) -> None:
        for number in range(50):
            catalog.register(entry(f"a#{worker}-{number}"))

    workers = [threading.Thread(target=register, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(catalog) == 200


def test_readers_never_see_half_a_change() -> None:
    """Two models whose prices change together are never seen apart."""
    catalog = Catalog([entry("a#x", name="0"), entry("a#y", name="0")])
    torn: list[tuple[str | None, str | None]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            state = catalog.state
            names = tuple(model.name for model in state.entries)
            if names[0] != names[1]:
                torn.append((names[0], names[1]))

    reader = threading.Thread(target=watch)
    reader.start()
    for number in range(200):
        catalog.update_all({"a#x": {"name": str(number)}, "a#y": {"name": str(number)}})
    over.set()
    reader.join()
    assert torn == []


def test_ten_thousand_models_are_registered_in_one_go() -> None:
    """A second is ten times what it takes."""
    rows = [
        {"provider": "mybox", "id": f"m{number}", "pricing": {"input": "1", "output": "2"}} for number in range(10_000)
    ]
    catalog = Catalog.packaged()
    known = len(catalog)
    started = time.process_time()
    catalog.register_all(rows)
    assert time.process_time() - started < 5
    assert len(catalog) == known + 10_000
    assert catalog.get("mybox#m9999").id == "m9999"


def test_the_package_shows_its_names_and_no_others() -> None:
    """Each is loaded when it is first used."""
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Katalog'"):
        _ = package.Katalog


def test_importing_the_catalog_reads_nothing_and_needs_no_langchain() -> None:
    """Neither a file of the catalog nor a socket is opened, and pydantic is not loaded before it is used."""
    script = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))))
import langchain_lucky_models.catalog as catalog
assert "pydantic" not in sys.modules
catalog.Catalog, catalog.rank, catalog.cost, catalog.Query, catalog.load_rows
assert not [name for name in sys.modules if name.startswith(("langchain_core", "langchain."))]
assert not [what for event, what in seen if event == "open" and "catalog.json" in what]
assert not [event for event, _ in seen if event.startswith("socket.connect")]
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
