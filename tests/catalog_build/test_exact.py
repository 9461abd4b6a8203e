"""Reading what others wrote: what is kept exactly, and what is refused by name."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_build import exact
from catalog_build.exact import amount, dump_json, pack, parse_json, per_million, read_file, unpack
from langchain_lucky_models.errors import CatalogError


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"input": NaN}', "NaN is no number"),
        (b'{"input": Infinity}', "Infinity is no number"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": 1', "not usable JSON"),
        (b"\xff\xfe", "not usable JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_json_that_cannot_be_trusted_is_refused_by_name(text: bytes, reason: str) -> None:
    with pytest.raises(CatalogError, match=reason) as refusal:
        parse_json(text, "prices")
    assert str(refusal.value).startswith("prices:")


def test_fractions_stay_as_they_were_written() -> None:
    assert parse_json(b'{"a": 0.1, "b": 1.25e-07, "c": 3}', "x") == {"a": "0.1", "b": "1.25e-07", "c": 3}


@pytest.mark.parametrize("cut", [1, 10, 20])
def test_a_truncated_gzip_is_refused(cut: int) -> None:
    packed = pack(b'{"a": 1}' * 50)
    with pytest.raises(CatalogError, match="damaged gzip"):
        unpack(packed[:-cut], "prices")


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "MOST_BYTES", 10_000)
    with pytest.raises(CatalogError, match="unpacks to more than 10000 bytes"):
        unpack(gzip.compress(b"0" * 1_000_000), "prices")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(exact.MOST_BYTES + 1)  # sparse: takes no room
    with pytest.raises(CatalogError, match=r"huge\.json: 67108865 bytes"):
        read_file(huge)


def test_packing_gives_the_same_bytes_every_time() -> None:
    content = dump_json({"b": 1, "a": [1, 2]})
    assert pack(content) == pack(content)
    assert unpack(pack(content), "x") == content == b'{"a":[1,2],"b":1}\n'


@pytest.mark.parametrize("value", ["cheap", "NaN", "Infinity", True, 1.5, [], {}])
def test_what_is_no_price_is_refused(value: object) -> None:
    with pytest.raises(CatalogError, match="is no price"):
        amount(value)


def test_the_noise_of_binary_fractions_is_taken_off() -> None:
    assert amount("0.30000000000000004") == Decimal("0.3")
    assert per_million("0.0000000375") == Decimal("0.0375")


@given(st.integers(min_value=1, max_value=10**9))
def test_a_price_for_one_token_times_a_million_is_exact(billionths: int) -> None:
    """Up to ten digits, whichever way the source writes them."""
    price = Decimal(billionths).scaleb(-9)
    assert per_million(format(price, "f")) == per_million(f"{price:e}") == price * 1_000_000
