"""The new path beside the old one: which calls are tried on it, under which bounds, and what came of them.

A shadow begins when the user's answer is whole. So it takes nothing from it: no time, no connection, no turn.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from time import perf_counter
from types import TracebackType
from typing import Self

from langchain_core.messages import BaseMessage

from langchain_lucky_models.asking.errands import passes_through
from langchain_lucky_models.errors.base import LuckyError
from langchain_lucky_models.rollout.backroom import Backroom, Ending, Errand
from langchain_lucky_models.rollout.differences import difference_of, looks_of
from langchain_lucky_models.rollout.paths import Asking, Path, Streamed, only_awaited, whole_of
from langchain_lucky_models.rollout.purse import Purse
from langchain_lucky_models.rollout.report import Compared, Verdict
from langchain_lucky_models.rollout.tally import PriceList, Tally
from langchain_lucky_models.settings.rollout import ShadowConfig
from langchain_lucky_models.wire.leashes import Leash

LONGEST_ERROR = 300
"""Characters of an error that are kept."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the user was told by the old path.

    Attributes:
        answer: The answer, or the chunks of it.
        error: Why there was none.
        seconds: How long it took.
    """

    answer: object
    error: Exception | None
    seconds: float


class Shadow:
    """The shadow of one feature.

    Args:
        backroom: Where its calls run.
        price_list: What models cost.
        counts: Where it counts what it drops, and why.
        random: Decides which calls are tried.
    """

    def __init__(self, backroom: Backroom, price_list: PriceList, counts: Counter[str], random: Random) -> None:
        self.purse = Purse()
        self._backroom = backroom
        self._price_list = price_list
        self._counts = counts
        self._random = random
        self._rows: deque[Compared] = deque()
        self._changed = threading.Condition()
        self._running = 0
        self._unheard = 0
        self._known: tuple[Path | None, bool] = None, False

    def watch(self, asking: Asking, terms: ShadowConfig | None) -> Watch | Unwatched:
        """Watch a call of the old path, to try the new one on it afterwards, if it is one of those."""
        if terms is None or self._random.random() * 100 >= terms.share:
            return Unwatched()
        try:
            self._backroom.open()
            awaited = asking.awaited and self._only_awaited(asking.path)
            return Watch(self, replace(asking.kept(), awaited=awaited), terms)
        except Exception:  # noqa: BLE001 - whatever arguments and paths are, the user's call goes on
            self._counts["dropped: the call cannot be made again"] += 1
            return Unwatched()

    def begin(self, asking: Asking, told: Told, terms: ShadowConfig) -> None:
        """Try the new path, if there is room and money."""
        tally = Tally(self.purse, self._price_list, terms)
        with self._changed:
            reason = self._no_room(terms)
            if reason:
                self._counts[f"dropped: {reason}"] += 1
                return
            self._running += 1
            self._unheard += 1
            self._counts["shadowed"] += 1
        leash = Leash(f"shadow:{asking.feature}")

        def ended(ending: Ending) -> None:
            if leash.gave_way and ending.error is not None:
                self._counts["dropped: it gave way to a user's call"] += 1
                self._note(None, terms)
            else:
                self._heard(asking, told, ending, tally, terms)

        errand = Errand(lambda: asking.again(tally), terms.timeout, ended, self._left, leash)
        begun = (
            self._backroom.begin_here(errand, lambda: asking.aagain(tally))
            if asking.awaited
            else self._backroom.begin(errand)
        )
        if not begun:
            self._counts["shadowed"] -= 1
            self._counts["dropped: the registry is closed"] += 1
            self._left()
            self._note(None, terms)

    def rows(self) -> tuple[Compared, ...]:
        """The latest comparisons."""
        with self._changed:
            return tuple(self._rows)

    def wait(self, within: float) -> bool:
        """Wait until every shadow under way is compared; whether that was so in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unheard, within)

    def forked(self) -> None:
        """What runs in the parent does not run in a child of a fork."""
        self._changed = threading.Condition()
        self._running = self._unheard = 0
        self.purse.forked()

    def _only_awaited(self, path: Path) -> bool:
        """Looked up once, for it is the same path every time."""
        if self._known[0] is not path:
            self._known = path, only_awaited(path)
        return self._known[1]

    def _no_room(self, terms: ShadowConfig) -> str:
        if self._running >= terms.max_concurrent:
            return "max_concurrent are running"
        return "" if self.purse.room(terms.max_cost) else "max_cost is spent"

    def _left(self) -> None:
        with self._changed:
            self._running -= 1

    def _heard(self, asking: Asking, told: Told, ending: Ending, tally: Tally, terms: ShadowConfig) -> None:
        row = None
        with suppress(Exception):  # an answer that cannot be compared costs its row, and nothing else
            whole = whole_of(told.answer)
            ending = replace(ending, answer=whole_of(ending.answer))
            row = compared(asking.user_id, replace(told, answer=whole), ending, terms)
            row = replace(row, old_cost=self._cost(whole), new_cost=tally.cost)
        if row is None:
            self._counts["dropped: the answers cannot be compared"] += 1
        self._note(row, terms)

    def _cost(self, answer: object) -> Decimal | None:
        return self._price_list.cost(answer) if isinstance(answer, BaseMessage) else None

    def _note(self, row: Compared | None, terms: ShadowConfig) -> None:
        with self._changed:
            if row is not None:
                self._rows.append(row)
            while len(self._rows) > terms.keep:
                self._rows.popleft()
            self._unheard -= 1
            self._changed.notify_all()


class Unwatched:
    """A call of the old path that nothing is compared with."""

    answer: object = None

    def keep(self, chunk: object) -> None:
        """Nothing is kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Watch:
    """A call of the old path, after which the new one is tried.

    Attributes:
        answer: What the old path answered; whoever calls it says so.
    """

    def __init__(self, shadow: Shadow, asking: Asking, terms: ShadowConfig) -> None:
        self._shadow = shadow
        self._asking = asking
        self._terms = terms
        self._chunks: list[object] = []
        self.answer: object = Streamed(self._chunks)

    def keep(self, chunk: object) -> None:
        """A chunk of the answer."""
        self._chunks.append(chunk)

    def __enter__(self) -> Self:
        self._begun = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and (not isinstance(error, Exception) or passes_through(error)):
            return  # nobody waits for the answer any more, or a graph will ask again
        told = Told(self.answer, error, perf_counter() - self._begun)
        with suppress(Exception):  # whatever becomes of the shadow, the user has the answer
            self._shadow.begin(self._asking, told, self._terms)


def compared(user_id: str, told: Told, ending: Ending, terms: ShadowConfig) -> Compared:
    """Two answers side by side."""
    row = Compared(
        at=dt.datetime.now(dt.UTC),
        user_id=user_id,
        verdict=_failure(told, ending) or "different",
        old_seconds=told.seconds,
        new_seconds=ending.seconds,
        old_error=_said(told.error),
        new_error=_said(ending.error),
    )
    old = looks_of(told.answer) if told.error is None else None
    new = looks_of(ending.answer) if ending.error is None and not ending.timed_out else None
    if old is not None and new is not None:
        found = difference_of(old, new)
        row = replace(
            row,
            verdict="same" if found.same else "different",
            similarity=found.similarity,
            same_shape=found.same_shape,
            same_tools=found.same_tools,
        )
    if not terms.keep_texts:
        return row
    return replace(row, old_text=old.text if old else None, new_text=new.text if new else None)


def _failure(told: Told, ending: Ending) -> Verdict | None:
    if ending.timed_out:
        return "timed out"
    if ending.error is not None:
        return "new failed" if told.error is None else "both failed"
    return None if told.error is None else "old failed"


def _said(error: BaseException | None) -> str | None:
    """An error in words that show no key: our own are clean, of others the class alone is told."""
    if error is None:
        return None
    name = type(error).__name__
    return f"{name}: {error}"[:LONGEST_ERROR] if isinstance(error, LuckyError) else name
