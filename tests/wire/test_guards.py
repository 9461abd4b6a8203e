"""Guards count, and refuse; what is within limits passes unchanged, however it is cut."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models import errors
from langchain_lucky_models.wire.guards import Check, DepthCheck, LineCheck
from langchain_lucky_models.wire.limits import WireLimits

JSON = some.recursive(
    some.none() | some.integers() | some.text(alphabet='ab"\\[]{}é'),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text("[{", max_size=2), inner, max_size=3),
    max_leaves=40,
)


def depth_of(value: object) -> int:
    """How deep a value nests, told by recursion."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max((depth_of(one) for one in inner), default=0)


def refuses(check: Check, pieces: list[bytes]) -> bool:
    try:
        for piece in pieces:
            check.see(piece)
    except errors.ProtocolError:
        return True
    return False


def cut(text: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(edges)]


@given(JSON, some.integers(1, 6), some.lists(some.integers(0, 500)))
def test_depth_is_told_exactly_however_the_text_is_cut(value: object, most: int, places: list[int]) -> None:
    text = json.dumps(value).encode()
    deep = depth_of(value) > most
    assert refuses(DepthCheck(most), cut(text, places)) is deep


@given(some.integers(1, 300), some.lists(some.integers(0, 5000)))
def test_depth_after_much_that_is_shallow_is_told_too(most: int, places: list[int]) -> None:
    text = b'[{"a": []}, ' * 50 + b"[" * (most + 1)
    assert refuses(DepthCheck(most + 50), cut(text, places))


@given(
    some.lists(some.binary(max_size=30).map(lambda line: line.replace(b"[", b"").replace(b"{", b"")), max_size=12),
    some.lists(some.integers(0, 400)),
    some.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_a_line_is_measured_however_it_is_cut(lines: list[bytes], places: list[int], ending: bytes) -> None:
    clean = [line.replace(b"\n", b"").replace(b"\r", b"") for line in lines]
    text = b"".join(line + ending for line in clean)
    refused = refuses(LineCheck(WireLimits(line_bytes=20)), cut(text, places))
    longest = max((len(line) for line in clean), default=0)
    if longest > 22:
        assert refused
    if longest <= 18:
        assert not refused


def test_brackets_of_many_shallow_events_do_not_add_up() -> None:
    check = LineCheck(WireLimits(depth=5))
    for _ in range(1000):
        check.see(b'data: {"a": [{"b": "[[[[[[[["}]}\n\n')
