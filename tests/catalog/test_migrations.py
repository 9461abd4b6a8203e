"""A stored ref finds its way to the model's present name."""

from __future__ import annotations

import pytest

from langchain_lucky_models.catalog.artefact import Migration
from langchain_lucky_models.catalog.migrations import Followed, follow, table_of
from langchain_lucky_models.errors.base import CatalogError


def _step(old: str, new: str | None, *, automatic: bool = True) -> Migration:
    return Migration(old=old, new=new, kind="renamed" if new else "retired", automatic=automatic)


def test_a_ref_that_never_moved_is_its_own_answer() -> None:
    assert follow("a#x", {}) == Followed("a#x", "a#x")
    assert follow("a#x", {}).automatic


def test_every_renaming_is_followed_to_the_last() -> None:
    steps = (_step("a#x", "a#y"), _step("a#y", "b#y"))
    found = follow("a#x", table_of(steps))
    assert (found.ref, found.steps, found.automatic) == ("b#y", steps, True)


def test_one_step_that_asks_makes_the_way_ask() -> None:
    found = follow("a#x", table_of([_step("a#x", "a#y"), _step("a#y", "b#z", automatic=False)]))
    assert found.ref == "b#z"
    assert not found.automatic


def test_a_retired_ref_without_a_replacement_leads_nowhere() -> None:
    found = follow("a#x", table_of([_step("a#x", None)]))
    assert found.ref is None
    assert not found.automatic


@pytest.mark.parametrize("ring", [["a#x"], ["a#x", "a#y"], ["a#x", "a#y", "a#z"]], ids=len)
def test_a_circle_is_refused_and_shown(ring: list[str]) -> None:
    table = table_of(_step(old, new) for old, new in zip(ring, ring[1:] + ring[:1], strict=True))
    with pytest.raises(CatalogError, match=r"circle: a#x → .*a#x"):
        follow("a#x", table)


def test_two_places_for_one_ref_are_refused() -> None:
    with pytest.raises(CatalogError, match="a#x is said to have become both a#y and a#z"):
        table_of([_step("a#x", "a#y"), _step("a#x", "a#z")])
