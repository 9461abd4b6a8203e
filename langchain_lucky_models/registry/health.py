"""What a registry tells of the health of its providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from langchain_lucky_models.reloading import ConfigStatus, Reloader
from langchain_lucky_models.users.vitals import CHECKUP_SECONDS, ProviderHealth, Vitals


class Health(dict[str, ProviderHealth]):
    """How a registry does: its providers by name, and its files.

    Attributes:
        config: How each file did when it was last read.
    """

    def __init__(self, providers: Mapping[str, ProviderHealth], config: tuple[ConfigStatus, ...] = ()) -> None:
        super().__init__(providers)
        self.config = config


class Checks:
    """The part of a registry that knows how its providers do."""

    _vitals: Vitals
    _reloader: Reloader

    def health(self) -> Health:
        """How every provider does that has a key here, was set up, or was asked lately; nobody is asked for it.

        `health().config` says how the files did that were read, and which of them cannot be used.
        """
        return Health(self._vitals.read(), self._reloader.statuses())

    def check_health(
        self, providers: Iterable[str] | None = None, *, within: float = CHECKUP_SECONDS
    ) -> dict[str, ProviderHealth]:
        """Ask providers for their lists of models, all at once; what they say counts for `health` and for calls.

        A provider that is down makes its row say so, and nothing else.

        Args:
            providers: Whom to ask; by default every provider that has a key here or was set up.
            within: Seconds that each of them has.

        Raises:
            ConfigError: There is no provider of that name.
        """
        return self._vitals.check(providers, within)

    async def acheck_health(
        self, providers: Iterable[str] | None = None, *, within: float = CHECKUP_SECONDS
    ) -> dict[str, ProviderHealth]:
        """Same as `check_health`, without blocking the event loop."""
        return await self._vitals.acheck(providers, within)
