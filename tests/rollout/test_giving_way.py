"""Seats at a provider: calls beside a user's own take what is free, and give it back to whoever finds none."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models.asking.seats import Room, Seat
from langchain_lucky_models.wire.leashes import Leash


class Broken:
    """A call that frees its seat as soon as it is told to end."""

    def __init__(self, room: Room) -> None:
        self.leash = Leash()
        self.leash.take(self)
        self.seat = room.line_up(threading.Event(), self.leash)

    def abort(self) -> None:
        self.seat.leave()


def user(room: Room) -> Seat:
    return room.line_up(threading.Event())


def test_a_users_call_that_finds_no_seat_is_given_one() -> None:
    room = Room(2)
    beside = [Broken(room), Broken(room)]
    own = [user(room), user(room), user(room)]
    assert [one.leash.gave_way for one in beside] == [True, True]
    assert [seat.taken for seat in own] == [True, True, False]


def test_nobody_gives_way_while_there_is_room() -> None:
    room = Room(3)
    beside, own = Broken(room), user(room)
    assert (beside.seat.taken, own.taken, beside.leash.pulled) == (True, True, False)


def test_a_users_call_overtakes_those_beside_it_and_no_other() -> None:
    room = Room(1)
    first, beside, second, third = user(room), Broken(room), user(room), user(room)
    first.leave()
    assert (beside.seat.taken, second.taken, third.taken) == (False, True, False)
    assert not beside.leash.pulled
    second.leave()
    third.leave()
    assert beside.seat.taken


def test_calls_beside_do_not_push_each_other_out() -> None:
    room = Room(1)
    first, second = Broken(room), Broken(room)
    assert (first.seat.taken, second.seat.taken, first.leash.pulled) == (True, False, False)


@given(some.integers(1, 3), some.lists(some.tuples(some.booleans(), some.integers(-1, 9)), max_size=50))
def test_no_seat_of_a_shadow_is_held_while_a_user_waits(seats: int, moves: list[tuple[bool, int]]) -> None:
    room = Room(seats)
    own: list[Seat] = []
    beside: list[Broken] = []
    for is_users, move in moves:
        if is_users and move < 0:
            own.append(user(room))
        elif move < 0:
            beside.append(Broken(room))
        elif is_users and own:
            own.pop(move % len(own)).leave()
        elif beside:
            beside.pop(move % len(beside)).seat.leave()
        sitting = [seat for seat in own if seat.taken]
        shadows = [one for one in beside if one.seat.taken]
        assert len(sitting) == min(seats, len(own))
        assert sitting == own[: len(sitting)], "a user's call overtook another"
        left = [one for one in beside if not one.leash.gave_way]
        assert len(shadows) == min(seats - len(sitting), len(left))
