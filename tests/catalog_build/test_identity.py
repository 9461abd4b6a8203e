"""Dates and variants at the end of an id: what is taken off, and what is left alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_build.identity import without_date, without_variant


@given(
    st.dates(min_value=dt.date(2020, 1, 1), max_value=dt.date(2039, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d"])
)
def test_every_real_day_is_a_date(day: dt.date, form: str) -> None:
    assert without_date(f"gpt-4o-{day.strftime(form)}") == "gpt-4o"


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4-0613",
        "mistral-large-2411",
        "x-20251399",
        "x-20250230",
        "gpt-5.5",
        "gpt-4o-mini-search-preview",
        "2024-05-13",
    ],
)
def test_what_only_looks_like_a_date_is_part_of_the_name(model: str) -> None:
    assert without_date(model) is None


@pytest.mark.parametrize(
    ("model", "stem"),
    [("openai/gpt-4o:free", "openai/gpt-4o"), ("gpt-5@eu", "gpt-5"), ("gpt-5", None), (":free", None)],
)
def test_a_variant_names_its_base(model: str, stem: str | None) -> None:
    assert without_variant(model) == stem
