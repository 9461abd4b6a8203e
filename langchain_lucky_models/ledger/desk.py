"""Carries batches out against a database that may be away: tries again, spools, refuses, and recovers."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from langchain_lucky_models import errors
from langchain_lucky_models.ledger.book import Hold, Stake
from langchain_lucky_models.ledger.commands import Append, Command, Release, Reserve
from langchain_lucky_models.ledger.database import Database, Session
from langchain_lucky_models.ledger.entries import day_of
from langchain_lucky_models.ledger.posting import Terms, carry_out
from langchain_lucky_models.ledger.records import Posted
from langchain_lucky_models.ledger.recovery import recover, renew
from langchain_lucky_models.ledger.schema import migrate
from langchain_lucky_models.ledger.spool import Spool
from langchain_lucky_models.ledger.trouble import StorageTroubleError
from langchain_lucky_models.ledger.upkeep import fold

T = TypeVar("T")

TRIES = 3
REST_SECONDS = 1.0
"""After trouble, how long the database is not asked again: a call should not pay for each connection that fails."""

_log = logging.getLogger("langchain_lucky_models.ledger")


class LedgerDesk:
    """Everything that happens on the writer's thread.

    Args:
        database: Where records live.
        spool: Where they wait while the database is away; None where there is nowhere.
        lease: Microseconds for which a hold lives without a sign of life.
        keep: Microseconds after which records become daily totals; None keeps every one.
    """

    def __init__(self, database: Database, spool: Spool | None, *, lease: int, keep: int | None = None) -> None:
        self._database = database
        self._spool = spool
        self._lease = lease
        self._keep_for = keep
        self._today = self._folded_on = ""
        self._ready = False
        self._rests_until = 0.0
        self.away: str | None = None
        self._terms = _new_terms(lease)

    def carry_out(self, commands: Sequence[Any]) -> Sequence[object]:
        """Carry the batch out in one transaction; one result, or exception, each."""
        try:
            return self._in_database(lambda session, now: carry_out(session, now, self._terms, commands))
        except StorageTroubleError as trouble:
            return self._without_database(commands, str(trouble))
        except Exception as error:  # noqa: BLE001 - one command's fault must not fail its neighbours
            if len(commands) == 1:
                return [error]
            return [self.carry_out([command])[0] for command in commands]

    def tidy(self) -> None:
        """Show life, book what others left behind, write what was spooled, fold what is old."""
        try:
            self._in_database(self._care)
            self._replay()
            if self._keep_for is not None and self._today != self._folded_on:
                self._in_database(self._fold)
        except StorageTroubleError:
            return
        except Exception:  # noqa: BLE001 - the thread must live on
            _log.exception("The ledger's housekeeping failed.")

    def forked(self) -> None:
        """A child is another owner: the holds of its parent are none of its business, and memory is empty in it."""
        self._database.forked()
        self._ready = False
        self._terms = _new_terms(self._lease)

    def _in_database(self, work: Callable[[Session, int], T]) -> T:
        if time.monotonic() < self._rests_until:
            raise StorageTroubleError(self.away or "the database rests")
        for left in reversed(range(TRIES)):
            try:
                self._prepare()
                with self._database.transaction() as session:
                    result = work(session, self._database.now(session))
            except StorageTroubleError as trouble:
                if not (trouble.passing and left):
                    self._note_trouble(str(trouble))
                    raise
            else:
                self._note_health()
                return result
        raise AssertionError("the last try returns or raises")

    def _prepare(self) -> None:
        if self._ready:
            return
        migrate(self._database)
        with self._database.transaction() as session:
            recover(session, self._database.now(session), self._terms)
        self._ready = True
        self._replay()

    def _care(self, session: Session, now: int) -> None:
        renew(session, now, self._terms)
        recover(session, now, self._terms)
        self._today = day_of(now)

    def _fold(self, session: Session, now: int) -> None:
        if self._keep_for is not None:
            fold(session, now - self._keep_for)
        self._folded_on = day_of(now)

    def _note_trouble(self, message: str) -> None:
        if self.away is None:
            _log.error("The ledger is away: %s", message)
        self.away = message
        self._rests_until = time.monotonic() + REST_SECONDS

    def _note_health(self) -> None:
        if self.away is not None:
            self.away = None
            _log.warning("The ledger is back.")
            self._replay()

    def _replay(self) -> None:
        """Write what waits; what cannot be written goes on waiting."""
        try:
            for path, commands in self._spool.batches() if self._spool else ():
                with self._database.transaction() as session:
                    carry_out(session, self._database.now(session), self._terms, commands)
                path.unlink(missing_ok=True)
        except (StorageTroubleError, OSError) as error:
            _log.error("Spooled records could not be written yet: %s", error)

    def _without_database(self, commands: Sequence[Command], trouble: str) -> list[object]:
        refusal = errors.LedgerUnavailableError(f"The ledger is away: {trouble}.")
        appended = [command for command in commands if isinstance(command, Append)]
        kept = self._keep(appended)
        results: list[object] = []
        for command in commands:
            match command:
                case Append():
                    results.append(Posted(command.record.attempt_id, "spooled") if kept else refusal)
                case Reserve(required=False):
                    results.append(_unbacked(command))
                case Release():
                    # Recovery books it should the database still know of it: over-counted, and visible.
                    results.append(False)
                case _:
                    results.append(refusal)
        return results

    def _keep(self, commands: Sequence[Append]) -> bool:
        if self._spool is None or not commands:
            return False
        try:
            self._spool.keep(commands)
        except OSError as error:
            _log.critical("%d records could be written nowhere: %s", len(commands), error)
            return False
        return True


def _unbacked(command: Reserve) -> Hold:
    now = time.time_ns() // 1000
    spans = [(charge, charge.window(now)) for charge in command.charges]
    stakes = tuple(Stake(charge.key, span.first, span.slot, charge.amount) for charge, span in spans)
    return Hold(command.record.attempt_id, stakes, backed=False)


def _new_terms(lease: int) -> Terms:
    return Terms(f"{os.getpid()}-{uuid.uuid4().hex}", lease)
