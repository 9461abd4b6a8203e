"""Whatever stands in one field of one row, the adapters answer with claims and refusals, never with a crash."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_build import snapshots
from catalog_build.claims import Claim, Refused
from catalog_build.draft import sound
from catalog_build.exact import Json
from catalog_build.sources import SOURCES, Source

HOSTILE: tuple[Json, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    "",
    "NaN",
    "-1",
    "1e308",
    "<script>",
    "gpt\u202e4",
    "x" * 10_000,
    [],
    [None],
    [[]],
    {},
    {"input": {}},
)
SNAPSHOTS = {source.name: snapshots.read_snapshot(source) for source in SOURCES}


def sample(rows: Json, most: int = 3) -> Json:
    """A few rows at each level; hostile things need no crowd."""
    if isinstance(rows, dict):
        return {key: sample(rows[key], 40) for key in list(rows)[:most]}
    if isinstance(rows, list):
        return [sample(row, 40) for row in rows[:most]]
    return rows


def leaves(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value within, branches too."""
    below: list[tuple[str | int, ...]] = []
    if isinstance(value, dict):
        below = [way for key in value for way in leaves(value[key], (*path, key))]
    elif isinstance(value, list):
        below = [way for place, one in enumerate(value) for way in leaves(one, (*path, place))]
    return [path, *below] if path else below


def spoilt(rows: Json, path: tuple[str | int, ...], value: Json) -> Json:
    """The rows with another value at the end of the path."""
    changed: Json = copy.deepcopy(rows)
    target: Json = changed
    for step in path[:-1]:
        target = target[step]  # type: ignore[index]
    target[path[-1]] = value  # type: ignore[index]
    return changed


def rows_of(source: Source) -> tuple[Json, int]:
    """Sample rows of a source, and how deep a row stands in them."""
    depth = {"models.dev": 2, "litellm": 2, "genai-prices": 2, "groq": 2, "groq-earlier": 2}.get(source.name, 1)
    return sample(SNAPSHOTS[source.name]), depth


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_spoilt_field_costs_its_row_at_most(source: Source, data: st.DataObject) -> None:
    rows, depth = rows_of(source)
    path = data.draw(st.sampled_from([way for way in leaves(rows) if len(way) > depth]))
    before = list(source.claims(rows))
    after = list(source.claims(spoilt(rows, path, data.draw(st.sampled_from(HOSTILE)))))
    assert all(isinstance(one, Claim | Refused) for one in after)
    refused = [one for one in after if isinstance(one, Refused)]
    assert len(after) >= len(before) - 40  # an id may be listed under several names, all of them in one row
    assert all(one.ref and one.reason for one in refused)
    sound(one for one in after if isinstance(one, Claim))
