"""What boards tell each other, and what they make of it."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from langchain_lucky_models.health import HealthBoard, Outcome, Scope, scopes_of
from langchain_lucky_models.health.breaker import Breaker
from langchain_lucky_models.health.news import News, heard

DOWN = Outcome("failed", "provider_down", "503")
ADA = scopes_of("openai", "gpt-4o", "ada")


class Pair:
    """Two boards on one clock; each hears what the other tells."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.told: deque[tuple[Scope, News]] = deque()
        self.teller = HealthBoard(clock=lambda: self.now, draw=lambda: 0.5, tell=lambda *news: self.told.append(news))
        self.hearer = HealthBoard(clock=lambda: self.now, draw=lambda: 0.5)

    def report(self, outcome: Outcome, times: int = 1) -> None:
        for _ in range(times):
            self.teller.report(self.teller.admit(ADA), outcome)
        while self.told:
            self.hearer.hear(*self.told.popleft())


def test_a_breaker_that_opens_in_one_process_opens_in_the_other() -> None:
    pair = Pair()
    pair.report(DOWN, times=4)
    assert pair.hearer.admit(ADA).allowed
    pair.report(DOWN)
    refused = pair.hearer.admit(ADA)
    assert refused.reason == "openai#gpt-4o rests after provider_down"


def test_who_told_probes_first() -> None:
    pair = Pair()
    pair.report(DOWN, times=5)
    pair.now = pair.teller.next_try_at(ADA)
    assert pair.teller.admit(ADA).allowed
    assert 0.0 < pair.hearer.next_try_at(ADA) - pair.now <= 1.0


def test_a_breaker_that_closes_in_one_process_closes_in_the_other() -> None:
    pair = Pair()
    pair.report(DOWN, times=5)
    pair.now = pair.teller.next_try_at(ADA)
    pair.report(Outcome("answered"), times=2)
    assert pair.hearer.admit(ADA).allowed
    assert pair.hearer.admit(ADA).allowed


def test_the_other_process_probes_one_at_a_time_too() -> None:
    pair = Pair()
    pair.report(DOWN, times=5)
    pair.now += 12.0
    assert pair.hearer.admit(ADA).allowed
    assert not pair.hearer.admit(ADA).allowed


def test_a_rest_that_a_provider_asked_for_is_kept_by_all_and_for_that_key_only() -> None:
    pair = Pair()
    pair.report(Outcome("limited", "rate_limited", retry_after=60.0))
    assert pair.hearer.next_try_at(ADA) == 1060.0
    assert pair.hearer.admit(scopes_of("openai", "gpt-4o", "bob")).allowed


def test_what_a_board_heard_it_does_not_tell_again() -> None:
    told: list[News] = []
    board = HealthBoard(tell=lambda _, news: told.append(news))
    board.hear(ADA[1], News("open", 10.0, 1, "provider_down"))
    assert told == []


def test_late_results_of_before_do_not_count_after_the_news() -> None:
    board = HealthBoard(clock=lambda: 0.0, draw=lambda: 0.0)
    running = [board.admit(ADA) for _ in range(3)]
    board.hear(ADA[1], News("open", 10.0, 1, "provider_down"))
    for admission in running:
        board.report(admission)
    assert not board.admit(ADA).allowed


def test_text_that_is_no_news_is_none() -> None:
    for text in ("", "[]", "{}", '{"kind": "dancing", "openings": 1, "reason": ""}', '{"kind": "open"}', "null"):
        assert News.read(text, 1.0) is None


@given(st.builds(News, st.sampled_from(["open", "resting", "closed"]), st.just(2.0), st.integers(0, 99), st.text()))
def test_news_survive_being_written(news: News) -> None:
    read = News.read(news.written(), news.seconds)
    assert read is not None
    assert (read.kind, read.openings, news.reason.startswith(read.reason)) == (news.kind, news.openings, True)


@given(
    st.builds(
        Breaker,
        st.sampled_from(["closed", "open", "half_open"]),
        openings=st.integers(0, 9),
        open_until=st.floats(0, 500),
        rest_until=st.floats(0, 500),
    ),
    st.builds(News, st.sampled_from(["open", "resting", "closed"]), st.floats(0, 300), st.integers(0, 9)),
)
def test_no_news_shortens_a_rest_that_the_provider_asked_for(breaker: Breaker, news: News) -> None:
    assert heard(breaker, news, 100.0, 0.5).rest_until >= breaker.rest_until
