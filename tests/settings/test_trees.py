"""YAML and JSON become plain values; what one could read in two ways is not guessed at."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.settings.trees import Node, Tree

# What JSON can say, as far as this package's settings go.
PLAIN = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**15), 10**15)
    | some.text("abc: #'\"{}[]\n\\ä~-?!&*", max_size=8),
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(some.text("abc.-", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(text: str, *, aliases: int = 0) -> Node:
    return Tree("config.yaml", aliases=aliases).read(text)


@given(PLAIN.filter(lambda value: value is not None))
def test_what_is_written_as_json_or_yaml_is_read_as_it_was(value: object) -> None:
    assert read(json.dumps(value, ensure_ascii=False)).value == value
    assert read(yaml.safe_dump(value, allow_unicode=True)).value == value


@given(some.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(read(text, aliases=50), Node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("cheap", "cheap"),
        ("'no'", "no"),
        ('"017"', "017"),
        ("gpt-4o", "gpt-4o"),
        ("3.5.1", "3.5.1"),
    ],
)
def test_a_value_without_quotes_is_what_json_takes_it_for_or_a_text(text: str, value: object) -> None:
    found = read(f"key: {text}\n").value
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Yes",
        "ON",
        "off",
        "True",
        "NULL",
        "017",
        "0x1f",
        "0b1",
        "1_000",
        "1:30",
        ".inf",
        "-.INF",
        ".nan",
        "+1",
        "1.",
        ".5",
        "2026-11-21",
        "2026-11-21 10:00:00",
        "=",
        "<<",
        "1e999",
        "9" * 41,
    ],
)
def test_what_has_two_readings_is_refused(text: str) -> None:
    """Case 93: `no`, `017`, `1:30` and their like are no guesses."""
    with pytest.raises(ConfigError, match=r"config\.yaml:1:6: key: "):
        read(f"key: {text}\n")


def test_every_value_knows_its_place_even_under_keys_with_dots() -> None:
    tree = read("providers:\n  my.box:\n    headers:\n      X-A: b\ntiers:\n- a\n-   b\n")
    places = {
        path: (tree.at(path).line, tree.at(path).column)
        for path in ("providers", "providers.my.box.headers.X-A", "providers.my.box.timeout", "tiers.1", "nothing")
    }
    assert places == {
        "providers": (1, 1),
        "providers.my.box.headers.X-A": (4, 7),
        "providers.my.box.timeout": (2, 3),
        "tiers.1": (7, 5),
        "nothing": (1, 1),
    }


def test_an_operator_may_write_a_value_once_and_name_it_again() -> None:
    assert read("a: &m [x]\nb: *m\n", aliases=50).value == {"a": ["x"], "b": ["x"]}


def test_aliases_are_counted_written_out() -> None:
    """Forty of them to four hundred values each are sixteen thousand values."""
    text = f"a: &a [{'x,' * 400}]\nb: [{'*a,' * 40}]\n"
    with pytest.raises(ConfigError, match="more than 5000 values"):
        read(text, aliases=50)
    with pytest.raises(ConfigError, match="at most 50 aliases"):
        read(f"a: &a x\nb: [{'*a,' * 51}]\n", aliases=50)


def test_twenty_levels_are_read_and_no_more() -> None:
    assert read("[" * 20 + "]" * 20).value
    with pytest.raises(ConfigError, match="more than 20 deep"):
        read("[" * 21 + "]" * 21)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null\n"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    assert read(text).value == {}
