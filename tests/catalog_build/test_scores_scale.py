"""The scale: frozen, bounded, and exact to the decimal."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog_build.scores.benchmarks import BENCHMARKS
from catalog_build.scores.scale import FROZEN, Scale

SCALE = Scale.read()

figures = st.dictionaries(st.sampled_from(BENCHMARKS), st.decimals(0, 2000, places=2, allow_nan=False), min_size=1)


def test_the_frozen_coefficients_change_with_the_name_of_the_scale_only() -> None:
    """A changed figure moves every published score: it takes a new scale name, and shows here."""
    assert SCALE.name == "eci-85-170/v1"
    digest = hashlib.sha256(FROZEN.read_bytes()).hexdigest()
    assert digest == "4fbbe608b5e3adb40427dc9b12ca7c68ef716362dc0ac23094ffc3f3f375fadc"


def test_the_anchors_are_one_and_ten() -> None:
    """An index of 85 is a 1, one of 170 a 10, and beyond them nothing is."""
    assert [SCALE.score(Decimal(index)) for index in (0, 85, 170, 999)] == [1, 1, 10, 10]


def test_a_half_goes_to_the_even_tenth() -> None:
    """An index of 85.47… stands for exactly 1.05 and 1.15; both round to the even neighbour."""
    step = (SCALE.high - SCALE.low) / 9
    assert SCALE.score(SCALE.low + step * Decimal("0.25")) == Decimal("1.2")
    assert SCALE.score(SCALE.low + step * Decimal("0.75")) == Decimal("1.8")


@given(figures)
def test_any_figures_score_within_the_scale(measured: dict[str, Decimal]) -> None:
    """Even absurd figures stay between 1 and 10, with one decimal."""
    score = SCALE.score(SCALE.index(measured))
    assert 1 <= score <= 10
    assert score.as_tuple().exponent == -1


@given(figures, st.sampled_from(BENCHMARKS), st.decimals(0, 500, places=2, allow_nan=False))
def test_a_better_figure_never_lowers_a_score(measured: dict[str, Decimal], leaderboard: str, gain: Decimal) -> None:
    """Every benchmark counts in the same direction."""
    before = measured | {leaderboard: measured.get(leaderboard, Decimal(100))}
    after = before | {leaderboard: before[leaderboard] + gain}
    assert SCALE.score(SCALE.index(after)) >= SCALE.score(SCALE.index(before))


def test_a_benchmark_weighs_by_how_little_it_errs() -> None:
    """The index itself counts as much as LiveBench, which errs by less than the floor, and the arena least."""
    weights = {name: line.weight(SCALE.smallest_error) for name, line in SCALE.lines.items()}
    assert weights["epoch-eci"] == weights["livebench"] == Decimal("0.25")
    assert min(weights, key=weights.__getitem__) == "lmarena-text-sc"
