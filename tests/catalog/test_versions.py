"""Versions are compared as people mean them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.catalog.versions import compare, in_range, latest, version_key
from tests.catalog.rows import entry

OLDER_FIRST = [
    ("3.5", "4"),
    ("3.9", "3.10"),
    ("4", "4.1"),
    ("v3", "v3.1"),
    ("2024-05-13", "2024-08-06"),
    ("20240513", "2024-08-06"),
    ("2407", "2411"),
    ("gpt-4o-2024-05-13", "gpt-4o-2024-11-20"),
    ("gpt-4o", "gpt-4o-2024-05-13"),
    ("gpt-5", "gpt-5.5"),
    ("gemini-3-pro-preview", "gemini-3-pro"),
    ("gemini-2.5-pro", "gemini-3-pro-preview"),
    ("claude-opus-4-5-20251101", "claude-opus-4-6"),
    ("1.0-rc1", "1.0"),
]


@pytest.mark.parametrize(("older", "newer"), OLDER_FIRST)
def test_the_older_one_comes_first(older: str, newer: str) -> None:
    assert (compare(older, newer), compare(newer, older)) == (-1, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("5", "5.0"), ("v2", "2.0"), ("2025-10-01", "20251001"), ("llama-3.1-8b", "llama-3.1-405b"), ("x", "y")],
)
def test_two_spellings_of_one_version_are_equal(one: str, other: str) -> None:
    """A size is no part of the version."""
    assert compare(one, other) == 0


@pytest.mark.parametrize("text", ["20251399", "20251301", "2025-02-30", "mistral-2413", "gpt-4-0613"])
def test_digits_that_are_no_date_are_not_read_as_one(text: str) -> None:
    assert version_key(text).date == version_key("").date


@pytest.mark.parametrize(
    ("version", "minimum", "maximum", "inside"),
    [
        ("4.1", "4", "5", True),
        ("4", "4", "4.0", True),
        ("3.9", "4", None, False),
        ("5.1", None, "5", False),
        ("5.1", None, None, True),
    ],
)
def test_a_range_includes_its_ends(version: str, minimum: str | None, maximum: str | None, *, inside: bool) -> None:
    assert in_range(version, minimum, maximum) is inside


def test_the_latest_of_a_family_is_the_newest_in_service() -> None:
    """Previews come before the release of their number, retired ones are passed over, others are another family."""
    models = [
        entry("openai#gpt-5", family="gpt", version="5"),
        entry("openai#gpt-5.4", family="gpt", version="5.4", release_date="2026-01-01"),
        entry("openai#gpt-5.4-b", family="gpt", version="5.4", release_date="2026-02-01"),
        entry("openai#gpt-5.4-next", family="gpt", version="5.4", status={"state": "preview"}),
        entry("openai#gpt-6", family="gpt", version="6", status={"state": "retired"}),
        entry("openai#o9", family="o", version="9"),
    ]
    newest = latest(models, "gpt")
    assert newest is not None
    assert newest.id == "gpt-5.4-b"
    assert latest(models, "claude") is None


TEXTS = st.text(alphabet="0123456789.-vabp ", max_size=12)


@given(TEXTS, TEXTS, TEXTS)
def test_versions_have_one_order(one: str, two: str, three: str) -> None:
    """Whatever the texts are: comparing never fails, is the same from both sides, and has no circles."""
    assert compare(one, two) == -compare(two, one)
    if compare(one, two) <= 0 and compare(two, three) <= 0:
        assert compare(one, three) <= 0
