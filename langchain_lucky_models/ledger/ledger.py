"""The ledger: what an application and the meter talk to."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from langchain_lucky_models import errors
from langchain_lucky_models.extras import Later
from langchain_lucky_models.ledger import recovery, statistics, upkeep
from langchain_lucky_models.ledger.book import Charge, Hold, Refused
from langchain_lucky_models.ledger.commands import Append, Command, Errand, Release, Reserve
from langchain_lucky_models.ledger.database import Clock, Database, Session, open_database
from langchain_lucky_models.ledger.desk import LedgerDesk
from langchain_lucky_models.ledger.pending import Pending
from langchain_lucky_models.ledger.records import Posted, Record, bounded
from langchain_lucky_models.ledger.spool import Spool
from langchain_lucky_models.ledger.sqlite import Durability, SqliteDatabase, wall_clock
from langchain_lucky_models.ledger.statistics import EVERYTHING, MetricRow, Selection, UsageRow
from langchain_lucky_models.ledger.trouble import StorageTroubleError
from langchain_lucky_models.ledger.unwritten import Draft, Unwritten
from langchain_lucky_models.ledger.writer import Writer

if TYPE_CHECKING:
    import platformdirs
else:
    platformdirs = Later("platformdirs")  # a ledger in memory has no folder

T = TypeVar("T")

LEASE_SECONDS = 60.0
LIFE_SECONDS = 3600.0
MICROS = 1_000_000
HISTORY_SLOTS = 120


class Ledger:
    """Append-only records of every attempt, in memory, a SQLite file, or PostgreSQL.

    Nothing is opened before the first record, hold or question. What writes answers with a `Pending`: wait for it with
    `.result()` in a thread, with `await` in a task, or not at all; once it has answered, it is on disk.

    Args:
        url: `None` (memory), a path, `sqlite:///file.db`, or `postgresql://user@host/name`.
        on_failure: What becomes of calls while the database is away: `refuse` them, or `allow` them unaccounted.
        spool: The folder where records wait meanwhile.
        clock: Microseconds since 1970; replaces the database's own clock.
        lease: Seconds for which a hold outlives the process that made it.
        durability: What a record in a SQLite file survives once acknowledged: any `crash` of the process, or a `power`
            cut too, which costs one fsync for all that is written together.
        keep: After how long records become daily totals, once a day; None keeps every one.

    Example:
        >>> from decimal import Decimal
        >>> with Ledger() as ledger:
        ...     attempt = Record(attempt_id="1", user="ada", provider="openai", model="openai#gpt-4o",
        ...                      outcome="answered", input_tokens=7, cost=Decimal("0.15"), basis="catalog")
        ...     ledger.record(attempt).result().state, ledger.record(attempt).result().state
        ...     [(row.user, row.requests, row.cost) for row in ledger.usage(by=("user",))]
        ('recorded', 'repeated')
        [('ada', 1, Decimal('0.15'))]
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own, by name
        self,
        url: str | Path | None = None,
        *,
        on_failure: Literal["refuse", "allow"] = "refuse",
        spool: Path | None = None,
        clock: Clock | None = None,
        lease: float = LEASE_SECONDS,
        durability: Durability = "crash",
        keep: dt.timedelta | None = None,
    ) -> None:
        self._database = open_database(url, clock=clock, durability=durability)
        self._clock = clock or wall_clock
        self.on_failure = on_failure
        folder = spool or _spool_folder(self._database)
        kept = None if keep is None else round(keep.total_seconds() * MICROS)
        where = Spool(folder) if folder else None
        self._desk = LedgerDesk(self._database, where, lease=round(lease * MICROS), keep=kept)
        self._writer = Writer(self._desk, pause=lease / 3)
        self._unwritten = Unwritten()
        # Also at the end of the interpreter: what waits is written, and the thread is not cut off.
        self._end = weakref.finalize(self, _close, self._writer, self._database)

    @property
    def away(self) -> str | None:
        """Why the database cannot be reached, None while it can."""
        return self._desk.away

    @property
    def shown(self) -> str:
        """Where the records live, without any password."""
        return self._database.shown

    @property
    def file(self) -> Path | None:
        """The SQLite file that holds them, where one does."""
        return self._database.path if isinstance(self._database, SqliteDatabase) else None

    @property
    def lasts(self) -> bool:
        """Whether its records outlive the process, so that it makes sense to wait for them."""
        return not (isinstance(self._database, SqliteDatabase) and self._database.path is None)

    def note(self, draft: Draft) -> None:
        """Write an attempt once somebody asks the ledger something; for records that nobody waits for.

        Args:
            draft: Makes the record, later and in another thread.
        """
        if self._unwritten.keep(draft, self._clock()):
            self._write_down()

    def record(self, record: Record, hold: Hold | None = None) -> Pending[Posted]:
        """Write an attempt, and settle what was held for it.

        Args:
            record: Written once: the same attempt again has no effect.
            hold: What `reserve` gave; what it says is charged even if the database lost it.
        """
        return self._post(Append(bounded(record), hold.stakes if hold else ()))

    def correct(self, record: Record) -> Pending[Posted]:
        """Replace what stands there for an attempt, by an entry with the difference."""
        return self._post(Append(bounded(record), correcting=True))

    def reserve(
        self,
        record: Record,
        charges: Sequence[Charge],
        *,
        life: float = LIFE_SECONDS,
        required: bool | None = None,
        judge: Callable[[Hold | Refused], Hold] | None = None,
    ) -> Pending[Hold]:
        """Hold charges for an attempt before it is sent. Whoever stops waiting for it gives it back.

        Args:
            record: What is known so far; should the process die, this is written with all that was held.
            charges: One for each counter.
            life: Seconds after which even a living process loses the hold.
            required: Whether a database that is away refuses the call; None follows `on_failure`.
            judge: Turns a refusal into an error.
        """
        must = self.on_failure == "refuse" if required is None else required
        if not charges and not (must and self.away):
            return Pending.ready((judge or _granted)(Hold(record.attempt_id)))
        command = Reserve(bounded(record), tuple(charges), round(life * MICROS), must)
        return Pending(self._submitted(command), judge or _granted, lambda hold: self.release(hold.attempt_id))

    def release(self, attempt_id: str) -> Pending[bool]:
        """Give back what was held for an attempt that was never sent."""
        return Pending(self._submitted(Release(attempt_id)), bool)

    def now(self) -> int:
        """Microseconds since 1970, by this machine's clock or the one given; records carry the database's own."""
        return self._clock()

    def flush(self) -> Pending[bool]:
        """Answers once everything submitted before is on disk."""
        return Pending(self._submitted(Errand(lambda _session, _now: True)), bool)

    def usage(self, by: Sequence[str] = (), selection: Selection = EVERYTHING) -> list[UsageRow]:
        """Requests, tokens and cost of each group, dearest first. Waits for the database."""
        return self.read(lambda session: statistics.usage(session, by, selection))

    def metrics(self, by: Sequence[str] = ("model",), selection: Selection = EVERYTHING) -> list[MetricRow]:
        """Sums, success rates and percentiles of each group. Waits for the database."""
        return self.read(lambda session: statistics.metrics(session, by, selection))

    def history(self, where: Mapping[str, str], seconds: float) -> list[tuple[float, int, int]]:
        """Requests and tokens of the last seconds, where records have these values: (seconds ago, requests, tokens).

        It is what a limit for a day remembers after a restart. Waits for the database.
        """
        period = round(seconds * MICROS)

        def look(session: Session, now: int) -> list[tuple[float, int, int]]:
            found = statistics.recent(session, where, now - period, max(1, period // HISTORY_SLOTS))
            return [((now - at) / MICROS, requests, tokens) for at, requests, tokens in found]

        return self.errand(look).result()

    def reset(self, group: str = "all", value: str = "", reason: str = "") -> Pending[None]:
        """Count from zero again, for everything or for one `user`, `model`, …; nothing is deleted."""
        return self.errand(lambda session, now: upkeep.reset(session, now, group=group, value=value, reason=reason))

    def fold(self, before: statistics.When) -> Pending[int]:
        """Put daily totals in the place of older records: sums stay, percentiles and single attempts go."""
        limit = statistics.instant(before) if before else 0
        return self.errand(lambda session, _now: upkeep.fold(session, limit))

    def audit(self) -> Sequence[recovery.Discrepancy]:
        """Every budget counter that does not equal the sum of its entries."""
        return self.errand(lambda session, _now: recovery.audit(session)).result()

    def export(self, form: Literal["csv", "jsonl"] = "jsonl") -> Iterator[str]:
        """Every entry as text, line by line, oldest first."""
        return iter(self.read(lambda session: list(upkeep.exported(session, form))))

    def read(self, question: Callable[[Session], T]) -> T:
        """Ask the tables something, after everything submitted before is in them.

        Raises:
            LedgerUnavailableError: The database is away.
        """
        self.flush().result()
        try:
            with self._database.reading() as session:
                return question(session)
        except StorageTroubleError as trouble:
            raise errors.LedgerUnavailableError(f"The ledger is away: {trouble}.") from None

    def tidy(self) -> None:
        """Do now what otherwise happens every few seconds: recovery, renewal, replay of the spool."""
        self.errand(lambda _session, _now: None).result()
        self._desk.tidy()

    def close(self) -> None:
        """Write what waits, then let go of the database."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _post(self, command: Append) -> Pending[Posted]:
        return Pending(self._submitted(command), _as_is)

    def _submitted(self, command: Command) -> concurrent.futures.Future[Any]:
        if self._unwritten:
            self._write_down()
        return self._writer.submit(command)

    def _write_down(self) -> None:
        for command in self._unwritten.taken():
            self._writer.submit(command)

    def errand(self, run: Callable[[Session, int], T]) -> Pending[T]:
        """Run anything in a writing transaction, with the database's time; run again, it must do no harm."""
        return Pending(self._submitted(Errand(run)), _as_is)


def _as_is(answer: T) -> T:
    return answer


def _granted(answer: Hold | Refused) -> Hold:
    if isinstance(answer, Refused):
        raise errors.BudgetExceededError(f"No room for the call under {answer.key}.")
    return answer


def _close(writer: Writer, database: Database) -> None:
    writer.close(database.close)


def _spool_folder(database: Database) -> Path | None:
    if isinstance(database, SqliteDatabase):
        return database.path.with_name(database.path.name + ".spool") if database.path else None
    digest = hashlib.blake2b(database.shown.encode(), digest_size=8).hexdigest()
    return platformdirs.user_state_path("langchain-lucky-models") / "spool" / digest
