"""How a registry's providers do: what calls have shown, and what they say when they are asked."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.health import EndpointHealth
from langchain_lucky_models.health.status import Status
from langchain_lucky_models.settings import ProviderSettings
from langchain_lucky_models.users.checkups import Checkup, Checkups
from langchain_lucky_models.users.house import House, Provider

CHECKUP_COUNTS = 30.0
"""Seconds for which a failed checkup makes a provider look ill; then calls have shown more."""
CHECKUP_SECONDS = 10.0
_SEVERITY: Mapping[Status, int] = {"healthy": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """How one model of a provider does.

    Attributes:
        status: `down` while it rests, `degraded` while it is probed or fails now and then.
        reason: What last went wrong, in a word.
        next_try_at: When it is asked again, where it rests.
    """

    status: Status
    reason: str = ""
    next_try_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider does; `healthy` where nothing speaks against it.

    Attributes:
        models: Its models that were asked lately.
        last_error: What last went wrong, without secrets.
        last_error_at: When.
        next_try_at: When it is asked again, where it rests as a whole.
        checked_at: When it was last asked how it is.
    """

    status: Status = "healthy"
    models: Mapping[str, ModelHealth] = field(default_factory=dict)
    last_error: str = ""
    last_error_at: dt.datetime | None = None
    next_try_at: dt.datetime | None = None
    checked_at: dt.datetime | None = None


class Vitals:
    """Looks after the providers of a house.

    Args:
        house: Whose they are. A user's own servers are not the registry's business.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._board = house.meter.health
        self._checkups = Checkups(house.wire, self._board)

    def read(self) -> dict[str, ProviderHealth]:
        """Every provider that has a key here, was set up, or was asked lately."""
        seen = self._board.status()
        shown = [name for name, provider in self._house.providers.items() if name in seen or self._in_use(provider)]
        clock = Calendar.now(self._board.clock())
        return {name: clock.health(seen.get(name, EndpointHealth()), self._checkups.last(name)) for name in shown}

    def check(self, names: Iterable[str] | None, seconds: float) -> dict[str, ProviderHealth]:
        """Ask providers how they are, all at once; none of them makes this fail.

        Raises:
            ConfigError: There is no provider of that name.
        """
        wait(self._begun(names, seconds))
        return self.read()

    async def acheck(self, names: Iterable[str] | None, seconds: float) -> dict[str, ProviderHealth]:
        """Same as `check`."""
        await asyncio.gather(*map(asyncio.wrap_future, self._begun(names, seconds)))
        return self.read()

    def _begun(self, names: Iterable[str] | None, seconds: float) -> list[Future[None]]:
        known, wanted = self._house.providers, None if names is None else set(names)
        for name in wanted or ():
            if name not in known:
                near = did_you_mean(nearest_names(name, known))
                raise ConfigError(f"check_health: there is no provider {name!r}.{near}", field="providers")
        chosen = [p for p in known.values() if (self._in_use(p) if wanted is None else p.name in wanted)]
        return [self._checkups.begin(provider, seconds) for provider in chosen if _can_be_asked(provider)]

    def _in_use(self, provider: Provider) -> bool:
        keyed = provider.secret is not None and provider.secret.there
        set_up = provider.settings != ProviderSettings()
        return provider.settings.enabled and (keyed or set_up or self._checkups.last(provider.name) is not None)


def _can_be_asked(provider: Provider) -> bool:
    """Whether there is somebody to ask: no server is started for it, and no request goes out that must be refused."""
    keyed = provider.secret is not None and provider.secret.there
    return provider.settings.enabled and provider.base_url is not None and (keyed or not provider.needs_key)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the board's clock shows, as dates.

    Attributes:
        clock: The board's time.
        date: The same moment.
    """

    clock: float
    date: dt.datetime

    @classmethod
    def now(cls, clock: float) -> Calendar:
        """A calendar of this moment."""
        return cls(clock, dt.datetime.now(dt.UTC))

    def day(self, at: float | None) -> dt.datetime | None:
        """When that is."""
        return None if at is None else self.date + dt.timedelta(seconds=at - self.clock)

    def health(self, seen: EndpointHealth, checkup: Checkup | None) -> ProviderHealth:
        """What calls have shown and what the provider said, as one."""
        models = {
            model: ModelHealth(found.status, found.reason, self.day(found.next_try_at))
            for model, found in seen.models.items()
        }
        status, error, at = seen.status, seen.last_error, seen.last_error_at
        if checkup is not None and checkup.message:
            if self.clock - checkup.at < CHECKUP_COUNTS:
                status = max(status, checkup.status, key=_SEVERITY.__getitem__)
            if at is None or checkup.at >= at:
                error, at = checkup.message, checkup.at
        checked_at = self.day(checkup.at if checkup else None)
        return ProviderHealth(status, models, error, self.day(at), self.day(seen.next_try_at), checked_at)
