"""When a change of a file is complete, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from langchain_lucky_models.errors.base import ConfigError, LuckyError
from langchain_lucky_models.events import ConfigRejected, ConfigReloaded, Events
from langchain_lucky_models.reloading.files import Reading, facts_of
from langchain_lucky_models.reloading.parts import Outcome, Part
from langchain_lucky_models.reloading.status import ConfigStatus
from langchain_lucky_models.reloading.watching import Watch

LOOK_EVERY = 1.0
"""Seconds between two looks at a file."""
SETTLED_AFTER = 0.25
"""Seconds for which a file has to say the same before it is believed: whoever writes it, may be in the midst of it."""

HOLDING_SECONDS = 2.0
"""Seconds that a fork waits for a reload that is under way; a disk that hangs shall not hang it for ever."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A part, and what was seen of it.

    Attributes:
        part: What is looked after.
        holds: The digest of the reading that was loaded last, whether it could be used or not.
        seen: The digest of a reading that is another one, and may be half written.
        facts: What was known of the files before they were last read.
        settled: Whether these facts were the same at two readings. Clocks of files are coarse: after a single one the
            file may have become another without looking it.
        rejected: The files that cannot be used, each with the reason.
    """

    part: Part
    holds: str
    seen: str | None = None
    facts: tuple[object, ...] | None = None
    settled: bool = False
    rejected: Mapping[Path, str] = field(default_factory=dict)


class Reloader:
    """Reads files anew and lets hold what they say.

    Args:
        events: Who is told.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._lock = threading.RLock()
        self._held = False
        self._watched: dict[Path, _Watched] = {}
        self._statuses: Mapping[Path, ConfigStatus] = {}
        self._watch: Watch | None = None
        if hasattr(os, "register_at_fork"):
            told = functools.partial(_forking, weakref.ref(self))
            os.register_at_fork(
                before=functools.partial(told, Reloader.hold),
                after_in_parent=functools.partial(told, Reloader.release),
                after_in_child=functools.partial(told, Reloader.revive),
            )

    def keep(self, part: Part, reading: Reading) -> None:
        """Look after a part from now on whose reading holds already."""
        with self._lock:
            watched = self._watched[part.path] = _Watched(part, reading.digest)
            self._note(watched, Outcome())

    def add(self, part: Part) -> None:
        """Let hold what a part says, and look after it from now on.

        Raises:
            LuckyError: It cannot be used as it stands.
        """
        with self._lock:
            if part.path in self._watched:
                self.reload()
                return
            reading = _read(part)
            outcome = part.load(reading)
            watched = self._watched[part.path] = _Watched(part, reading.digest)
            self._tell_rejected(watched, outcome)
            self._note(watched, outcome)

    def reload(self) -> tuple[ConfigStatus, ...]:
        """Read everything now, and let hold what it says; how each file did."""
        with self._lock:
            for watched in self._watched.values():
                self._load(watched, _read(watched.part))
            return self.statuses()

    def statuses(self) -> tuple[ConfigStatus, ...]:
        """How each file did when it was last read."""
        return tuple(self._statuses.values())

    def step(self) -> float:
        """Look at everything once, and load what has changed and says the same for the second time.

        Returns:
            Seconds until the next look.
        """
        with self._lock:
            return min([self._look(watched) for watched in self._watched.values()], default=LOOK_EVERY)

    def watch(self) -> None:
        """Look every second from now on, in a thread of its own."""
        with self._lock:
            if self._watch is None:
                self._watch = Watch(self)

    def close(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.close()

    def hold(self) -> None:
        """Let nothing be exchanged while the process forks: a child would find locks that nobody opens any more."""
        self._held = self._lock.acquire(timeout=HOLDING_SECONDS)

    def release(self) -> None:
        """Go on after `hold`."""
        if self._held:
            self._lock.release()

    def revive(self) -> None:
        """Go on in a child: with a lock of its own, and a look of its own, for threads do not come along."""
        self._lock = threading.RLock()
        if self._watch is not None and self._watch.on:
            self._watch = Watch(self)

    def _look(self, watched: _Watched) -> float:
        facts = facts_of(watched.part.path)
        if watched.settled and facts == watched.facts:
            return LOOK_EVERY
        reading = _read(watched.part)
        # What could not be read may be readable the next time without looking any different.
        watched.settled, watched.facts = reading.whole and facts == watched.facts, facts
        if reading.digest == watched.holds:
            watched.seen = None
            return LOOK_EVERY if watched.settled else SETTLED_AFTER
        if reading.digest != watched.seen:
            watched.seen, watched.settled = reading.digest, False
            return SETTLED_AFTER
        self._load(watched, reading)
        return LOOK_EVERY

    def _load(self, watched: _Watched, reading: Reading) -> None:
        part, again = watched.part, reading.digest == watched.holds
        try:
            outcome = part.load(reading)
        except LuckyError as error:
            outcome = Outcome(rejected={_file_of(error, part.path): str(error)})
        except Exception as error:  # noqa: BLE001 - the boundary: no file may end the watch, whatever stands in it
            outcome = Outcome(rejected={part.path: f"it cannot be used ({type(error).__name__})."})
        watched.holds, watched.seen = reading.digest, None
        if not again or outcome.news or outcome.rejected != watched.rejected:
            self._tell_rejected(watched, outcome)
            self._tell_reloaded(watched, outcome)
            self._note(watched, outcome)

    def _note(self, watched: _Watched, outcome: Outcome) -> None:
        now, part = dt.datetime.now(dt.UTC), watched.part
        statuses = {file: status for file, status in self._statuses.items() if file not in watched.rejected}
        if part.path not in outcome.rejected:
            statuses[part.path] = ConfigStatus(part.path, part.name, "current", now)
        for file, reason in outcome.rejected.items():
            statuses[file] = ConfigStatus(file, part.name, "rejected", now, reason)
        self._statuses, watched.rejected = statuses, outcome.rejected  # whole, for readers take no lock

    def _tell_rejected(self, watched: _Watched, outcome: Outcome) -> None:
        part = watched.part
        for file, reason in outcome.rejected.items():
            if watched.rejected.get(file) != reason:
                where = "" if str(file) in reason else f"{file}: "
                _LOG.warning("An edit is not used; what was said before still holds. %s%s", where, reason)
                self._events.publish(ConfigRejected(file=str(file), part=part.name, reason=reason))

    def _tell_reloaded(self, watched: _Watched, outcome: Outcome) -> None:
        part = watched.part
        if part.path not in outcome.rejected and (outcome.news or not outcome.rejected):
            if outcome.restart:
                _LOG.warning("%s: %s will count when the registry is made anew.", part.path, ", ".join(outcome.restart))
            told = ConfigReloaded(file=str(part.path), part=part.name, changed=outcome.changed, restart=outcome.restart)
            self._events.publish(told)


def _read(part: Part) -> Reading:
    try:
        return part.read()
    except Exception as error:  # noqa: BLE001 - the boundary: no disk, and no filter of warnings, may end the watch
        return Reading.of({part.path: ConfigError(f"it cannot be read ({type(error).__name__}).", file=str(part.path))})


def _file_of(error: LuckyError, path: Path) -> Path:
    """The file that is to blame; within a folder one of its files, else the part's own."""
    named = Path(error.file) if isinstance(error, ConfigError) and error.file else path
    return named if named.parent == path else path


def _forking(known: weakref.ref[Reloader], step: Callable[[Reloader], None]) -> None:
    if (reloader := known()) is not None:
        step(reloader)
