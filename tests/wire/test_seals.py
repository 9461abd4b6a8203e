"""A seal carries the keys of one request, and shows them to nobody."""

from __future__ import annotations

import pickle

import pytest

from langchain_lucky_models.wire.seals import Seal
from tests.wire.raw import KEY


def test_a_seal_puts_keys_on_a_head_and_takes_them_out_of_a_text() -> None:
    seal = Seal("lucky-1", KEY, {"X-Team": "team-secret-1"})
    head = b"POST /v1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer lucky-1\r\n\r\n"
    sealed = seal.sealed(head)
    assert sealed.startswith(b"POST /v1 HTTP/1.1\r\nX-Team: team-secret-1\r\nHost: a\r\n")
    assert sealed.endswith(f"Authorization: Bearer {KEY}\r\n\r\n".encode())
    assert KEY not in seal.unseen(f"{KEY} and team-secret-1")
    assert "team-secret-1" not in seal.unseen(f"{KEY} and team-secret-1")


def test_a_seal_shows_nothing_and_is_never_pickled() -> None:
    seal = Seal("lucky-1", KEY, {})
    shown = repr(seal) + str([getattr(seal, name) for name in Seal.__slots__])
    assert KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(seal)
