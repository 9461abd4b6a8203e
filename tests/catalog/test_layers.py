"""What an operator says of models lies between the catalog as it was opened and what happened to it since."""

from __future__ import annotations

import pytest

from langchain_lucky_models.catalog import Catalog, ModelEntry
from langchain_lucky_models.catalog.layers import Overlay
from langchain_lucky_models.errors import CatalogError, UnknownModelError

TINY, HUGE = "mybox#tiny", "mybox#huge"


@pytest.fixture
def catalog() -> Catalog:
    return Catalog([ModelEntry(provider="mybox", id="tiny"), ModelEntry(provider="mybox", id="huge")])


def test_it_is_taken_away_by_saying_nothing(catalog: Catalog) -> None:
    before = catalog.entries()
    catalog.lay("a", Overlay(add=({"provider": "mybox", "id": "new"},), update={TINY: {"family": "f"}}, remove=(HUGE,)))
    assert [str(entry.ref) for entry in catalog.entries()] == [TINY, "mybox#new"]
    catalog.lay("a", Overlay())
    assert sorted(catalog.entries(), key=lambda entry: entry.id) == sorted(before, key=lambda entry: entry.id)


def test_it_says_which_models_it_changed(catalog: Catalog) -> None:
    said = Overlay(update={TINY: {"family": "f"}})
    assert catalog.lay("a", said) == (TINY,)
    assert catalog.lay("a", said) == ()
    assert catalog.lay("a", Overlay(remove=(HUGE,))) == (HUGE, TINY)


def test_rows_that_it_does_not_touch_stay_the_very_rows(catalog: Catalog) -> None:
    """What a source has refreshed stays the source's, and is refreshed the next time too."""
    catalog.refresh_all([ModelEntry(provider="mybox", id="huge", family="fresh")])
    refreshed = catalog.state.rows[HUGE]
    catalog.lay("a", Overlay(update={TINY: {"family": "f"}}))
    assert catalog.state.rows[HUGE] is refreshed
    catalog.refresh_all([ModelEntry(provider="mybox", id="huge", family="fresher")])
    assert catalog.get(HUGE).family == "fresher"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Overlay(add=({"provider": "mybox"},)), CatalogError),
        (Overlay(update={"mybox#none": {"family": "f"}}), UnknownModelError),
        (Overlay(update={TINY: {"familly": "f"}}), CatalogError),
        (Overlay(remove=("mybox#none",)), UnknownModelError),
    ],
    ids=["no id", "nobody to change", "no such field", "nobody to remove"],
)
def test_a_bad_line_changes_nothing(catalog: Catalog, said: Overlay, error: type[Exception]) -> None:
    catalog.lay("a", Overlay(update={TINY: {"family": "f"}}))
    before = catalog.state
    with pytest.raises(error):
        catalog.lay("a", said)
    assert catalog.state is before
    assert catalog.lay("a", Overlay(update={TINY: {"family": "f"}})) == ()


def test_what_the_application_removed_stays_removed(catalog: Catalog) -> None:
    catalog.remove(TINY)
    catalog.lay("a", Overlay(update={TINY: {"family": "f"}, HUGE: {"family": "f"}}))
    assert [str(entry.ref) for entry in catalog.entries()] == [HUGE]


def test_the_packaged_catalog_takes_one_too() -> None:
    catalog, other = Catalog.packaged(), Catalog.packaged()
    catalog.lay("a", Overlay(update={"openai#gpt-4o": {"tags": ["house"]}}))
    assert catalog.get("openai#gpt-4o").tags == ("house",)
    assert other.get("openai#gpt-4o").tags != ("house",)
    assert not catalog.changes()
