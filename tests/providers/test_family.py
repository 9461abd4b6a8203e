"""Families as values: addresses and origins."""

from __future__ import annotations

import pytest

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.providers import FAMILIES, family_of, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com"),
        ("https://API.openai.com:443/v1", "https://api.openai.com"),
        ("http://localhost:8000/v1", "http://localhost:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:11434", "http://[::1]:11434"),
    ],
)
def test_an_origin_is_scheme_host_and_port_only(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_given_address_wins_over_the_official_one() -> None:
    assert family_of("openai").address("m", "http://localhost:9/v1") == "http://localhost:9/v1"
    assert family_of("openai").address("m") == "https://api.openai.com/v1"


def test_a_family_without_an_official_address_asks_for_one() -> None:
    with pytest.raises(ConfigError, match="'openai_compatible' needs a base_url"):
        family_of("openai_compatible").address("m")


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_key_goes_to_the_official_origin_only(kind: str) -> None:
    family = family_of(kind)
    assert family.origins == (frozenset({origin_of(family.base_url)}) if family.base_url else frozenset())
