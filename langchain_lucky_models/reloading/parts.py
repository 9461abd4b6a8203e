"""What can be read anew: the registry's file, a folder of users, a catalog overlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from langchain_lucky_models.catalog.layers import Overlay
from langchain_lucky_models.errors.base import ConfigError, LuckyError
from langchain_lucky_models.reloading.files import Reading, Text, read_file, read_folder
from langchain_lucky_models.reloading.status import PartName
from langchain_lucky_models.settings import Blueprint, RegistryConfig, Source, UserConfig
from langchain_lucky_models.settings.overlay import OverlayConfig
from langchain_lucky_models.settings.reading import read_operators
from langchain_lucky_models.users.house import House

RESTART = ("shared_state", "ledger", "unknown_price", "track")
"""Settings that hold from the making of a registry to its end."""
_BY_NAME = ("providers", "tiers", "rollout")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reading.

    Attributes:
        changed: What holds now and did not before.
        restart: What has changed, but counts only for a registry that is made anew.
        rejected: The files that cannot be used, each with the reason.
    """

    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    rejected: Mapping[Path, str] = field(default_factory=dict)

    @property
    def news(self) -> bool:
        """Whether anything was said that was not said before."""
        return bool(self.changed or self.restart)


class Part(Protocol):
    """Something that is read from a file or a folder."""

    @property
    def name(self) -> PartName:
        """What it configures."""

    @property
    def path(self) -> Path:
        """The file or the folder."""

    def read(self) -> Reading:
        """What stands there now."""

    def load(self, reading: Reading) -> Outcome:
        """Let it hold from now on; what cannot be used leaves everything as it was.

        Raises:
            LuckyError: The whole cannot be used.
        """


class RegistryPart:
    """The registry's own file.

    Args:
        house: Whose.
        blueprint: The file, and what was given beside it.
    """

    name: PartName = "registry"

    def __init__(self, house: House, blueprint: Blueprint) -> None:
        self._house = house
        self._blueprint = blueprint
        self.path = (blueprint.file or Path()).absolute()  # wherever the process works later

    def read(self) -> Reading:
        """See `Part`."""
        return read_file(self.path, read_operators)

    def load(self, reading: Reading) -> Outcome:
        """See `Part`."""
        before = self._house.setup.config
        source, config = self._blueprint.read(_whole(reading.texts[self.path]))
        with source.explained():
            self._house.refurnish(config)
        changed = tuple(_changes(before, config))
        restart = tuple(name for name in changed if name in RESTART)
        return Outcome(tuple(name for name in changed if name not in RESTART), restart)


class UsersPart:
    """A folder with a file of experiments for each user.

    Args:
        house: Whose.
        path: The folder.
    """

    name: PartName = "users"

    def __init__(self, house: House, path: Path) -> None:
        self._house = house
        self.path = path
        self._known: dict[str, Text] = {}

    def read(self) -> Reading:
        """See `Part`."""
        return read_folder(self.path)

    def load(self, reading: Reading) -> Outcome:
        """See `Part`. One user's bad file is no matter to the others."""
        if isinstance(away := reading.texts.get(self.path), ConfigError):
            raise away
        texts = {path.stem: (path, text) for path, text in reading.texts.items()}
        configs: dict[str, UserConfig | None] = {name: None for name in self._known if name not in texts}
        rejected: dict[Path, str] = {}
        for name, (path, text) in texts.items():
            try:
                if not isinstance(text, str) or text != self._known.get(name):
                    configs[name] = Source.of_user(path, text=_whole(text)).settings(UserConfig)
            except LuckyError as error:
                rejected[path] = str(error)
        self._house.configure_users(configs, watched=True)
        kept = {name: self._known[name] for name in texts if name in self._known}
        self._known = {**kept, **{name: texts[name][1] for name, config in configs.items() if config is not None}}
        return Outcome(tuple(sorted(configs)), rejected=rejected)


class CatalogPart:
    """A file that says something of models, over whatever the catalog says.

    Args:
        house: Whose.
        path: The file.
    """

    name: PartName = "catalog"

    def __init__(self, house: House, path: Path) -> None:
        self._house = house
        self.path = path

    def read(self) -> Reading:
        """See `Part`."""
        return read_file(self.path, read_operators)

    def load(self, reading: Reading) -> Outcome:
        """See `Part`."""
        source = Source.of_operator(self.path, names=(), text=_whole(reading.texts[self.path]))
        said = source.settings(OverlayConfig)
        overlay = Overlay(said.add, said.update, said.remove)
        return Outcome(self._house.catalog.lay(str(self.path), overlay))


def _whole(text: Text) -> str:
    if isinstance(text, ConfigError):
        raise text
    return text


def _changes(before: RegistryConfig, after: RegistryConfig) -> Iterator[str]:
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if name in _BY_NAME:
            yield from (f"{name}.{key}" for key in {**old, **new} if old.get(key) != new.get(key))
        elif old != new:
            yield name
