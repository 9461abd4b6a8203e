"""Files of a registry that may change while it runs."""

from __future__ import annotations

from pathlib import Path

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.reloading import CatalogPart, ConfigStatus, RegistryPart, Reloader, UsersPart, reading_of
from langchain_lucky_models.settings import Blueprint
from langchain_lucky_models.users.house import House


class Reloading:
    """The part of a registry that reads its files anew.

    What changes is exchanged whole: a call takes everything as it finds it, and keeps that to its end. A file that
    cannot be used changes nothing; `health().config` and an event say so.
    """

    _house: House
    _reloader: Reloader

    def watch(
        self, *, users: str | Path | None = None, catalog: str | Path | None = None, polling: bool = True
    ) -> tuple[ConfigStatus, ...]:
        """Look after the registry's own file, and after what is named here, from now on.

        Args:
            users: A folder with a file of experiments for each user, named by the user's id.
            catalog: A file that says something of models: what to `add`, `update` and `remove`.
            polling: Whether changes are noticed by looking every second; otherwise `reload` has to be called.

        Returns:
            How each file did.

        Raises:
            ConfigError: There is nothing to look after, or a file that is named here cannot be used.
            CatalogError: The catalog file says something that cannot be.
        """
        if users is not None:
            self._reloader.add(UsersPart(self._house, Path(users).absolute()))
        if catalog is not None:
            self._reloader.add(CatalogPart(self._house, Path(catalog).absolute()))
        if not self.config_status():
            raise ConfigError("there is nothing to watch: this registry was not made from a file.", field="watch")
        if polling:
            self._reloader.watch()
        return self.config_status()

    def reload(self) -> tuple[ConfigStatus, ...]:
        """Read the registry's own file, and what `watch` named, now; how each file did.

        What is read is believed at once, so call it when the files are written. One that cannot be used is no error
        here: what it said before still holds.
        """
        return self._reloader.reload()

    def config_status(self) -> tuple[ConfigStatus, ...]:
        """How each file did when it was last read."""
        return self._reloader.statuses()


def reloader_of(house: House, blueprint: Blueprint, text: str | None) -> Reloader:
    """A reloader that knows the registry's own file, where there is one.

    Args:
        house: Whose.
        blueprint: Where its settings came from.
        text: What the file said when they were read.
    """
    reloader = Reloader(house.events)
    if blueprint.file is not None and text is not None:
        part = RegistryPart(house, blueprint)
        reloader.keep(part, reading_of(part.path, text))
    return reloader
