"""The board keeps requests away from whoever is unwell, and nobody else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from langchain_lucky_models.health import NEUTRAL, Admission, HealthBoard, Outcome, Scope, scopes_of
from langchain_lucky_models.health.board import FORGET_AFTER, SWEEP_EVERY

DOWN = Outcome("failed", "provider_down", "openai#gpt-4o answered 503")
UNREACHED = Outcome("unreached", "connection_failed")
BAD_KEY = Outcome("key_refused", "auth_failed")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> HealthBoard:
    return HealthBoard(clock=clock, draw=lambda: 0.5)


ADA = scopes_of("openai", "gpt-4o", "ada")
BOB = scopes_of("openai", "gpt-4o", "bob")
MINI = scopes_of("openai", "gpt-4o-mini", "ada")


def report(board: HealthBoard, outcome: Outcome, *, times: int = 1, scopes: tuple[Scope, ...] = ADA) -> None:
    for _ in range(times):
        board.report(board.admit(scopes), outcome)


def test_five_failures_of_a_model_keep_everybody_from_it_but_not_from_others(board: HealthBoard) -> None:
    report(board, DOWN, times=5)
    assert not board.admit(BOB).allowed
    assert board.admit(BOB).next_try_at == 1010.0
    assert board.admit(MINI).allowed


def test_two_open_models_take_the_endpoint_down(board: HealthBoard) -> None:
    report(board, DOWN, times=5)
    report(board, DOWN, times=5, scopes=MINI)
    assert board.admit(scopes_of("openai", "o3", "ada")).reason == "openai rests after provider_down"
    assert board.status()["openai"].status == "down"


def test_three_failed_connections_take_the_endpoint_down(board: HealthBoard) -> None:
    report(board, UNREACHED, times=3)
    assert not board.admit(MINI).allowed
    assert board.admit(scopes_of("groq", "gpt-oss-20b", "ada")).allowed


@pytest.mark.parametrize(
    "outcome",
    [BAD_KEY, Outcome("key_refused", "quota_exhausted"), Outcome("limited", "rate_limited", retry_after=60.0)],
    ids=["bad key", "quota", "429"],
)
def test_one_users_refusals_open_nothing_for_another(board: HealthBoard, outcome: Outcome) -> None:
    """A hundred 401s of Ada's leave Bob's hundred calls alone."""
    for _ in range(100):
        if (admission := board.admit(ADA)).allowed:
            board.report(admission, outcome)
        bobs = board.admit(BOB)
        assert bobs.allowed
        board.report(bobs)
    assert not board.admit(ADA).allowed


def test_a_bad_key_does_not_make_a_provider_look_ill(board: HealthBoard) -> None:
    report(board, BAD_KEY)
    report(board, Outcome("answered"), scopes=BOB)
    assert board.status()["openai"].status == "healthy"


def test_a_429_rests_as_long_as_it_says_for_that_key_and_model_only(board: HealthBoard, clock: Clock) -> None:
    report(board, Outcome("limited", "rate_limited", retry_after=3600.0))
    refused = board.admit(ADA)
    assert (refused.allowed, refused.next_try_at) == (False, 4600.0)
    assert board.admit(MINI).allowed
    clock.now = 4600.0
    assert board.admit(ADA).allowed


def test_a_retry_after_of_a_failing_server_rests_the_model(board: HealthBoard) -> None:
    report(board, Outcome("failed", "provider_down", retry_after=25.0))
    assert board.admit(BOB).next_try_at == 1025.0


def test_a_model_that_is_gone_is_not_asked_for_again_with_that_key(board: HealthBoard) -> None:
    report(board, Outcome("gone", "model_gone"))
    assert board.admit(ADA).next_try_at == 1600.0
    assert board.admit(BOB).allowed


def test_cancelled_requests_and_our_own_errors_do_not_count(board: HealthBoard) -> None:
    """Case 88: fifty of them change nothing about the four failures before, nor about the fifth after."""
    report(board, DOWN, times=4)
    report(board, NEUTRAL, times=50)
    assert board.admit(ADA).allowed
    report(board, DOWN)
    assert not board.admit(ADA).allowed


def test_a_hundred_callers_send_one_probe(board: HealthBoard, clock: Clock) -> None:
    """Case 85: of 100 callers in 20 threads, one."""
    report(board, DOWN, times=5)
    clock.now += 10.0
    start = threading.Barrier(20)

    def ask(_: int) -> list[Admission]:
        start.wait()
        return [board.admit(ADA) for _ in range(5)]

    with ThreadPoolExecutor(20) as pool:
        answers = [admission for found in pool.map(ask, range(20)) for admission in found]
    assert sum(admission.allowed for admission in answers) == 1


def test_a_probe_that_never_returns_is_replaced_after_its_lease(board: HealthBoard, clock: Clock) -> None:
    """Case 85: not before, and what the lost one says in the end counts for nothing."""
    report(board, DOWN, times=5)
    clock.now += 10.0
    lost = board.admit(ADA, lease=2.0)
    clock.now += 1.9
    assert not board.admit(ADA).allowed
    clock.now += 0.1
    second = board.admit(ADA)
    assert second.allowed
    board.report(lost, DOWN)  # far too late: it belongs to an older generation
    board.report(second)
    third = board.admit(ADA)
    board.report(third)
    assert board.admit(ADA).allowed
    assert board.admit(BOB).allowed


def test_late_results_of_a_closed_time_do_not_count_after_it_opened(board: HealthBoard, clock: Clock) -> None:
    """Case 84: fifty failures that were asked for in an older generation neither hold it open nor open it again."""
    slow = [board.admit(ADA) for _ in range(50)]
    report(board, DOWN, times=5)
    before = board.admit(ADA).next_try_at
    for admission in slow:
        board.report(admission, DOWN)
    assert board.admit(ADA).next_try_at == before
    clock.now += 10.0
    board.report(board.admit(ADA))
    board.report(board.admit(ADA))
    for admission in slow:
        board.report(admission, DOWN)
    assert board.admit(ADA).allowed


def test_a_flapping_provider_rests_longer_each_time_and_recovers_with_health(board: HealthBoard, clock: Clock) -> None:
    """Case 89: 10, 20, 40, 80, 160 and 300 s; eight minutes of health, and it is 10 again."""
    rests = []
    for _ in range(7):
        while (admission := board.admit(ADA)).allowed:
            board.report(admission, DOWN)
        assert admission.next_try_at is not None
        rests.append(admission.next_try_at - clock.now)
        clock.now = admission.next_try_at
    assert rests == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    report(board, Outcome("answered"), times=2)
    clock.now += 8 * 60.0
    report(board, DOWN, times=5)
    assert board.next_try_at(ADA) - clock.now == 10.0


def test_in_panic_the_probe_goes_before_its_time_but_only_one(board: HealthBoard) -> None:
    report(board, DOWN, times=5)
    assert board.admit(ADA, panic=True).allowed
    assert not board.admit(ADA, panic=True).allowed


def test_panic_does_not_break_a_rest_that_the_provider_asked_for(board: HealthBoard) -> None:
    report(board, Outcome("limited", "rate_limited", retry_after=60.0))
    assert not board.admit(ADA, panic=True).allowed


def test_the_wall_clock_plays_no_part() -> None:
    """Case 91: an hour's step of the wall clock neither frees nor holds anybody: only the monotonic clock is read."""
    assert HealthBoard().clock is time.monotonic


def test_status_tells_the_last_error_and_what_rests(board: HealthBoard) -> None:
    report(board, Outcome("answered"), scopes=MINI)
    report(board, DOWN, times=5)
    health = board.status()["openai"]
    assert (health.status, health.resting) == ("degraded", ("gpt-4o",))
    assert (health.last_error, health.last_error_at) == ("openai#gpt-4o answered 503", 1000.0)


def test_a_refusal_leaves_no_trace(board: HealthBoard) -> None:
    """A scope that would admit takes no probe's place when its neighbour refuses."""
    report(board, BAD_KEY)
    assert not board.admit(ADA).allowed
    assert board.admit(BOB).allowed


def test_untouched_breakers_are_forgotten(board: HealthBoard, clock: Clock) -> None:
    for user in range(SWEEP_EVERY - 1):
        report(board, BAD_KEY, scopes=scopes_of("openai", "gpt-4o", f"user{user}"))
    clock.now += FORGET_AFTER
    report(board, Outcome("answered"))
    assert len(board._breakers) == 1


def test_users_whose_calls_succeed_cost_no_memory(board: HealthBoard) -> None:
    for user in range(1000):
        report(board, Outcome("answered"), scopes=scopes_of("openai", "gpt-4o", f"user{user}"))
    assert {scope.kind for scope in board._breakers} == {"model"}


def test_garbage_that_reports_in_the_middle_of_an_admission_holds_nobody_up(clock: Clock) -> None:
    """A forgotten stream settles wherever the collector runs: a board that is just asked hears it all the same."""
    running: list[Admission] = []

    def draw() -> float:
        while running:
            held.report(running.pop())
        return 0.5

    held = HealthBoard(clock=clock, draw=draw)
    running.append(held.admit(MINI))
    report(held, DOWN, times=5)
    assert not running
    assert not held.admit(ADA).allowed


class BoardMachine(RuleBasedStateMachine):
    """Case 84: whatever happens in whatever order, the promises hold."""

    @initialize()
    def start(self) -> None:
        self.clock = Clock()
        self.board = HealthBoard(clock=self.clock, draw=lambda: 0.5)
        self.running: list[Admission] = []
        self.probe_until = 0.0

    def _state(self) -> str:
        return self.board._breakers[ADA[1]].state if ADA[1] in self.board._breakers else "closed"

    @rule(seconds=st.floats(0.0, 120.0))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(lease=st.floats(1.0, 30.0))
    def ask(self, lease: float) -> None:
        promised = self.board.next_try_at(ADA)
        admission = self.board.admit(ADA, lease=lease)
        assert admission.allowed == (promised <= self.clock.now)
        if admission.allowed:
            if self._state() == "half_open":
                assert self.clock.now >= self.probe_until, "two probes at once"
                self.probe_until = self.clock.now + lease
            self.running.append(admission)
        else:
            assert admission.next_try_at == promised
            assert admission.reason

    @precondition(lambda self: self.running)
    @rule(
        place=st.integers(0, 10_000),
        outcome=st.sampled_from([Outcome("answered"), DOWN, UNREACHED, NEUTRAL, BAD_KEY, Outcome("limited", "429")]),
    )
    def end(self, place: int, outcome: Outcome) -> None:
        admission = self.running.pop(place % len(self.running))
        current = self.board._breakers.get(ADA[1])
        of_now = current is not None and (ADA[1], current.generation) in admission.tickets
        if of_now:
            self.probe_until = 0.0
        self.board.report(admission, outcome)
        if current is not None and not of_now:
            assert self.board._breakers[ADA[1]] == current, "a late result counted"

    @invariant()
    def nobody_rests_for_ever(self) -> None:
        assert self.board.next_try_at(ADA) <= self.clock.now + 330.0

    @invariant()
    def another_model_of_another_endpoint_is_never_touched(self) -> None:
        assert self.board.next_try_at(scopes_of("groq", "llama", "ada")) <= self.clock.now


BoardMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestBoardMachine = BoardMachine.TestCase
