"""Learned outputs and the charge before the answer."""

from __future__ import annotations

import pytest

from langchain_lucky_models.limits import LearnedOutputs, token_charge


def test_the_usual_output_is_what_nineteen_of_twenty_answers_stay_under() -> None:
    learned = LearnedOutputs()
    assert learned.usual("m") is None
    for tokens in range(1, 101):
        learned.observe("m", tokens)
    assert learned.usual("m") == 96
    assert learned.usual("other") is None


def test_only_the_last_answers_count() -> None:
    learned = LearnedOutputs()
    for tokens in [9_999] * 300 + [5] * 200:
        learned.observe("m", tokens)
    assert learned.usual("m") == 5
    assert len(learned._seen["m"][1]) == 200


def test_models_without_end_do_not_fill_the_memory() -> None:
    learned = LearnedOutputs()
    for number in range(5_000):
        learned.observe(str(number), 1)
    assert len(learned._seen) == 2_000


@pytest.mark.parametrize(
    ("most", "usual", "charge"),
    [
        (None, None, 1_100),
        (50, None, 150),
        (5_000, None, 5_100),
        (None, 300, 400),
        (5_000, 300, 400),
        (200, 300, 300),
        (None, 3, 164),
        (10, 3, 110),
    ],
)
def test_a_charge_is_the_input_and_what_the_answer_will_likely_take(
    most: int | None, usual: int | None, charge: int
) -> None:
    assert token_charge(100, most, usual) == charge
