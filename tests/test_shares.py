"""Shares: golden, even, and independent of each other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.shares import share_of

GOLDEN = {
    ("ada", "new_search"): 0.1840800703730685,
    ("bob", "new_search"): 0.3724905670356712,
    ("ada", "opinions"): 0.5124352595408623,
    ("user-42", "checkout"): 0.382276673755257,
    ("Ω-researcher", "prompts"): 0.5120076696356791,
    ("", "x"): 0.6984355013345778,
    ("", ""): 0.813974159994924,
}


@pytest.mark.parametrize(("subject", "name"), GOLDEN)
def test_nobody_ever_changes_sides_with_a_release(subject: str, name: str) -> None:
    """These figures are promised: whoever changes them moves users to the other side of running experiments."""
    assert share_of(subject, name) == GOLDEN[subject, name]


def test_every_process_says_the_same() -> None:
    """Python's own hashes differ from process to process; shares do not."""
    code = "from langchain_lucky_models.shares import share_of; print(share_of('ada', 'new_search'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {"0.1840800703730685"}


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_share_lies_between_nothing_and_all(subject: str, name: str) -> None:
    """Whatever the texts hold, lone surrogates included."""
    assert 0.0 <= share_of(subject, name) < 1.0


def test_what_belongs_to_the_name_is_not_taken_for_the_subject() -> None:
    """Colons in ids do not make two splits one."""
    assert len({share_of("b:c", "a"), share_of("c", "a:b"), share_of("", "a:b:c"), share_of("a:b:c", "")}) == 4


def test_shares_are_even() -> None:
    """20,000 ids in 20 parts: chi-square with 19 degrees of freedom stays below the 99.9th percentile."""
    users = 20_000
    parts = Counter(int(share_of(f"user-{number}", "new_search") * 20) for number in range(users))
    expected = users / 20
    assert sum((parts[part] - expected) ** 2 / expected for part in range(20)) < 43.8


def test_two_splits_are_independent() -> None:
    """Who is in the first half of one split is in the first half of another as often as not."""
    names = ["new_search", "new_search2", "opinions", ""]
    for first, second in pairwise(names):
        both = sum(share_of(str(n), first) < 0.5 and share_of(str(n), second) < 0.5 for n in range(10_000))
        assert abs(both - 2_500) < 150  # 3.5 standard deviations
