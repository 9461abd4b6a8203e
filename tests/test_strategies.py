"""Strategies decide whom to ask next, purely: played here without threads, tasks, clocks or models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.strategies import (
    MOST_ASKED,
    STRATEGIES,
    Attempt,
    Plan,
    Rules,
    Strategy,
    Verdict,
    Wave,
    consensus,
    fallback,
    first,
    needs_whole_answers,
    race,
    strategy_named,
    supervised,
)

Try = Attempt[str, str]
Behaviour = Callable[[str], str | Exception]

DOWN = ConnectionError("down")


def attempt(candidate: str, came: str | Exception) -> Try:
    """What comes of asking."""
    if isinstance(came, Exception):
        return Attempt(candidate, error=came, outcome="failed")
    return Attempt(candidate, answer=came)


def play(plan: Plan[str, str], behave: Behaviour) -> tuple[Verdict[str, str], list[Wave[str, str]]]:
    """Carry a plan out, one candidate after the other, each wave only until it has enough."""
    waves: list[Wave[str, str]] = []
    try:
        wave = next(plan)
        while True:
            waves.append(wave)
            made: list[Try] = []
            for candidate in wave.candidates:
                made.append(attempt(candidate, behave(candidate)))
                if wave.enough(made):
                    break
            wave = plan.send(made)
    except StopIteration as end:
        verdict: Verdict[str, str] = end.value
        return verdict, waves


def says(**answers: str | Exception) -> Behaviour:
    """Candidates that always behave the same; whoever is not named is down."""
    return lambda candidate: answers.get(candidate, DOWN)


def asked(waves: Sequence[Wave[str, str]]) -> list[str]:
    """Whom the waves named, in order."""
    return [candidate for wave in waves for candidate in wave.candidates]


class TestFallback:
    """One after the other."""

    def test_the_next_is_asked_at_once_and_the_rest_not_at_all(self) -> None:
        verdict, waves = play(fallback("abc", Rules()), says(b="hello"))
        assert asked(waves) == ["a", "b"]
        assert [wave.pause for wave in waves] == [0, 0]
        assert verdict.winner is not None
        assert verdict.winner.answer == "hello"

    def test_every_attempt_leaves_the_others_their_share(self) -> None:
        """Case 10: a member that hangs does not use up the time of those after it."""
        _, waves = play(fallback("abc", Rules()), says())
        assert [wave.left for wave in waves] == [2, 1, 0]

    def test_nobody_failed_is_asked_again_while_somebody_is_untried(self) -> None:
        """Case 25: the order is exact, and a retry comes only when nobody else is left."""
        rules: Rules[str, str] = Rules(pause=lambda _e, candidate, _n: {"a": 3.0, "b": 1.0, "c": 2.0}[candidate])
        _, waves = play(fallback("abc", rules), says())
        assert asked(waves) == ["a", "b", "c", "b"]
        assert [(wave.pause, wave.again) for wave in waves] == [(0, False)] * 3 + [(1.0, True)]

    def test_a_call_never_makes_more_requests_than_it_may(self) -> None:
        """Case 25: at most four, whoever fails."""
        rules: Rules[str, str] = Rules(pause=lambda _e, _c, _n: 0.0)
        for candidates in ("a", "ab", "abc", "abcdef"):
            _, waves = play(fallback(candidates, rules), says())
            assert len(waves) == 4

    def test_a_failure_that_nobody_does_better_with_is_the_answer(self) -> None:
        """Cases 7 and 27: a malformed request, a refusal of ours: the second is not asked."""
        verdict, waves = play(fallback("ab", Rules(follows=lambda _e, _f, _n: False)), says(b="hello"))
        assert asked(waves) == ["a"]
        assert verdict.winner is None
        assert verdict.final is not None
        assert verdict.final.error is DOWN

    def test_only_those_who_may_do_better_are_asked(self) -> None:
        """Case 28: after a refused key, only a member with another one follows."""
        _, waves = play(fallback("abc", Rules(follows=lambda _e, _f, other: other == "c")), says(c="hello"))
        assert asked(waves) == ["a", "c"]

    def test_whoever_is_refused_a_second_try_is_not_tried_a_third_time(self) -> None:
        """A refusal of our own costs no request, so nothing else would end the round."""
        rules: Rules[str, str] = Rules(pause=lambda *_: 0.0, follows=lambda error, *_: error is DOWN)
        plan = fallback(["a", "b"], rules)
        refused: Try = Attempt("a", error=ValueError("no room"), outcome="skipped")
        assert [next(plan), plan.send([attempt("a", DOWN)]), plan.send([attempt("b", DOWN)])][-1].again
        with pytest.raises(StopIteration) as end:
            plan.send([refused])
        assert end.value.value.final is refused

    def test_when_all_have_failed_no_single_failure_is_the_answer(self) -> None:
        verdict, _ = play(fallback("ab", Rules()), says())
        assert verdict.final is None
        assert len(verdict.attempts) == 2

    def test_a_sole_members_failure_is_the_answer(self) -> None:
        verdict, waves = play(first("ab", Rules()), says(b="hello"))
        assert asked(waves) == ["a"]
        assert verdict.final is not None


class TestRace:
    """All at once."""

    def test_everybody_is_in_one_wave_with_its_stagger(self) -> None:
        """Case 34: a hedge starts only when its delay is over; how long, the wave says."""
        _, waves = play(race("abc", Rules(stagger=0.5)), says(a="hello"))
        assert [(wave.candidates, wave.stagger) for wave in waves] == [(("a", "b", "c"), 0.5)]

    def test_the_first_good_answer_wins(self) -> None:
        verdict, _ = play(race("abc", Rules()), says(b="hello", c="late"))
        assert verdict.winner is not None
        assert verdict.winner.candidate == "b"

    def test_without_an_answer_there_is_no_winner(self) -> None:
        verdict, _ = play(race("ab", Rules()), says())
        assert (verdict.winner, verdict.final, len(verdict.attempts)) == (None, None, 2)


class TestConsensus:
    """A vote."""

    def test_the_majority_answers_and_the_rest_is_not_waited_for(self) -> None:
        verdict, _ = play(consensus("abcde", Rules()), says(a="yes", b="no", c="yes", d="yes", e="no"))
        assert verdict.winner is not None
        assert verdict.winner.answer == "yes"
        assert verdict.votes == (3, 4)
        assert len(verdict.attempts) == 4

    def test_dead_members_do_not_prevent_a_majority_of_all(self) -> None:
        """Case 35: n minus k dead members still leave an answer."""
        verdict, _ = play(consensus("abcde", Rules()), says(c="yes", d="yes", e="yes"))
        assert verdict.winner is not None
        assert verdict.votes == (3, 3)

    def test_it_ends_when_a_quorum_is_out_of_reach(self) -> None:
        verdict, _ = play(consensus("abc", Rules(quorum=3)), says(a="1", b="2", c="3"))
        assert verdict.winner is None
        assert verdict.votes == (1, 2)
        verdict, _ = play(consensus("abc", Rules()), says())
        assert len(verdict.attempts) == 2

    def test_a_quorum_may_be_smaller_or_larger_than_the_majority(self) -> None:
        votes = says(a="yes", b="no", c="yes")
        assert play(consensus("abc", Rules(quorum=1)), votes)[0].votes == (1, 1)
        assert play(consensus("abc", Rules(quorum=3)), votes)[0].winner is None

    def test_a_tie_goes_to_the_candidate_named_first(self) -> None:
        """Case 35: whoever answers first, the order of names decides."""

        def reversed_wave(plan: Plan[str, str]) -> Verdict[str, str]:
            wave = next(plan)
            try:
                plan.send([attempt(one, {"a": "1", "b": "2"}[one]) for one in reversed(wave.candidates)])
            except StopIteration as end:
                verdict: Verdict[str, str] = end.value
                return verdict
            raise AssertionError("one wave decides")

        winner = reversed_wave(consensus("ab", Rules(quorum=1))).winner
        assert winner is not None
        assert winner.candidate == "a"

    def test_the_caller_may_say_what_is_the_same(self) -> None:
        rules: Rules[str, str] = Rules(same=lambda one, other: one[0] == other[0])
        verdict, _ = play(consensus("abc", rules), says(a="no", b="yes", c="yeah"))
        assert verdict.winner is not None
        assert verdict.winner.answer == "yes"

    def test_a_judge_is_asked_only_where_too_few_agree(self) -> None:
        rules: Rules[str, str] = Rules(judge="judge", chosen=lambda said, answers: answers[int(said)])
        unlike = says(a="1", b="2", c="3", judge="2")
        verdict, waves = play(consensus("abc", rules), unlike)
        assert asked(waves) == ["a", "b", "c", "judge"]
        assert [one.answer for one in waves[1].about] == ["1", "2", "3"]
        assert verdict.winner is not None
        assert verdict.winner.answer == "3"
        _, waves = play(consensus("abc", rules), says(a="1", b="1", c="3"))
        assert asked(waves) == ["a", "b", "c"]

    @pytest.mark.parametrize("judge", [DOWN, "none"])
    def test_a_judge_that_fails_or_chooses_none_leaves_no_consensus(self, judge: str | Exception) -> None:
        rules: Rules[str, str] = Rules(judge="judge")
        verdict, _ = play(consensus("ab", rules), says(a="1", b="2", judge=judge))
        assert (verdict.winner, verdict.votes) == (None, (1, 2))

    def test_without_an_answer_there_is_nothing_to_judge(self) -> None:
        _, waves = play(consensus("ab", Rules(judge="judge")), says())
        assert asked(waves) == ["a", "b"]


def three_of_the_same(candidates: Sequence[str], rules: Rules[str, str]) -> Plan[str, str]:
    """The first candidate three times; what it says most often."""
    verdict = yield from consensus([candidates[0]] * 3, rules)
    return verdict


def in_circles(candidates: Sequence[str], _rules: Rules[str, str]) -> Plan[str, str]:
    made: list[Try] = []
    while not any(one.answer for one in made):
        made += yield Wave((candidates[0],))
    return Verdict(made[-1], tuple(made))


def a_stranger(_candidates: Sequence[str], _rules: Rules[str, str]) -> Plan[str, str]:
    made = yield Wave(("nobody",))
    return Verdict(None, tuple(made))


def a_tuple(candidates: Sequence[str], _rules: Rules[str, str]) -> Any:
    yield (candidates[0],)


def no_verdict(candidates: Sequence[str], _rules: Rules[str, str]) -> Any:
    yield Wave((candidates[0],))


class TestSupervised:
    """A strategy of an application's own is carried out as it is, and its mistakes are named."""

    def test_it_may_ask_the_same_candidate_several_times(self) -> None:
        verdict, waves = play(supervised(three_of_the_same(["a", "b"], Rules()), ["a", "b"]), says(a="x"))
        assert [wave.candidates for wave in waves] == [("a", "a", "a")]
        assert verdict.votes == (2, 2)

    @pytest.mark.parametrize(
        ("strategy", "mistake"),
        [
            (lambda candidates, _rules: list(candidates), r"a strategy is a generator function, .* it gave list"),
            (a_tuple, "a strategy yields a Wave, not tuple"),
            (no_verdict, "a strategy returns a Verdict, not NoneType"),
            (a_stranger, "a strategy asks the candidates that it was given, not str"),
            (in_circles, f"a strategy asks {MOST_ASKED} times in a call at most"),
        ],
    )
    def test_what_is_no_plan_is_told_by_what_it_is(self, strategy: Any, mistake: str) -> None:
        with pytest.raises(ConfigError, match=mistake):
            play(supervised(strategy(["a"], Rules()), ["a"]), says(a=DOWN))


class TestNames:
    """A strategy is a name or a function."""

    def test_every_name_leads_to_its_strategy(self) -> None:
        assert {name: strategy_named(name) for name in STRATEGIES} == dict(STRATEGIES)

    def test_a_function_is_taken_as_it_is(self) -> None:
        mine: Strategy[str, str] = partial(race)
        assert strategy_named(mine) is mine

    def test_an_unknown_name_offers_the_near_ones(self) -> None:
        with pytest.raises(ConfigError, match="Nearest: fallback"):
            strategy_named("falback")

    def test_what_compares_answers_says_so(self) -> None:
        def mine(candidates: Sequence[str], rules: Rules[str, str]) -> Plan[str, str]:
            return race(candidates, rules)

        assert [needs_whole_answers(name) for name in STRATEGIES] == [False, False, False, True]
        assert not needs_whole_answers(mine)
        mine.compares_answers = True  # type: ignore[attr-defined]
        assert needs_whole_answers(mine)


BEHAVIOUR = st.lists(st.sampled_from(["yes", "no", "maybe", DOWN]), min_size=1, max_size=6)


@given(BEHAVIOUR, st.sampled_from(sorted(STRATEGIES)), st.integers(1, 6), st.sampled_from([None, 0.0]))
def test_any_pattern_of_behaviours_gives_one_answer_or_one_failure(
    behaviour: list[str | Exception], name: str, most: int, retries: float | None
) -> None:
    """A plan ends, with a winner that answered or without one, and knows every attempt it has made."""
    rules: Rules[str, str] = Rules(most_attempts=most, pause=lambda _e, _c, _n: retries)
    by_name = {str(place): came for place, came in enumerate(behaviour)}
    verdict, waves = play(STRATEGIES[name](list(by_name), rules), lambda candidate: by_name[candidate])
    answers = {candidate for candidate, came in by_name.items() if came is not DOWN}
    assert verdict.winner is None or verdict.winner.candidate in answers
    assert verdict.winner is None or verdict.winner in verdict.attempts
    assert len(verdict.attempts) <= len(asked(waves))
    assert name not in ("first", "fallback") or len(asked(waves)) <= max(most, 1)
    assert name != "race" or bool(answers) == (verdict.winner is not None)
