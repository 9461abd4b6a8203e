"""What a registry keeps of what it was told while it ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.events import Subscription
from langchain_lucky_models.managing import Autosave, RegistryState, SwitchState, read_state, state_file, write_state
from langchain_lucky_models.managing.autosave import KINDS
from langchain_lucky_models.rollout import Rollouts
from langchain_lucky_models.settings import UserConfig
from langchain_lucky_models.users.house import House
from langchain_lucky_models.whole_files import write_whole

_KEPT_SETTINGS = ("tiers", "default_tier", "when_vanished", "budgets", "limits", "rollout")
"""What of a configuration goes into a state: nothing that holds a key, or an address that may hold one."""


class Managing:
    """The part of a registry that keeps its state: models, users' experiments, what was switched by hand."""

    _house: House
    _rollouts: Rollouts
    _autosave: tuple[Autosave, Subscription] | None = None

    def export_state(self, *, settings: bool = True) -> bytes:
        """Everything this registry was told, as JSON. It holds no key, no address and no record.

        Args:
            settings: Take in tiers, budgets, limits and rollouts of the configuration as well.

        Raises:
            ConfigError: A tier's strategy is a function, which no file can hold.
        """
        return write_state(self._state(settings=settings))

    def import_state(self, state: bytes) -> None:
        """Put what `export_state` gave in the place of what this registry was told: all of it, or nothing.

        Raises:
            ConfigError: It is no state, or something in it cannot be used here.
            CatalogError: A model in it is refused.
        """
        self._take(read_state(state))

    def save_state(self, path: str | Path) -> None:
        """Write `export_state()` into a file, whole or not at all.

        Raises:
            ConfigError: The file cannot be written; what was there stays.
        """
        try:
            write_whole(Path(path), self.export_state())
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None

    def load_state(self, path: str | Path) -> None:
        """Import what `save_state` or `autosave` wrote.

        Raises:
            ConfigError: There is no such file, it is not ours, or it holds nothing that can be used.
        """
        found = state_file(Path(path))
        if found is None:
            raise ConfigError(f"there is no file {path}.")
        self._take(found)

    def autosave(self, path: str | Path) -> None:
        """Keep this file up to date from now on: models, users' experiments, what was switched by hand.

        What the file holds already is imported first, so that a process that starts again goes on where the last one
        was. The configuration is not kept: it has a file of its own.

        Args:
            path: The file, which need not be there yet.

        Raises:
            ConfigError: It holds nothing that can be used, or another file is kept already.
        """
        if self._autosave is not None:
            raise ConfigError(f"this registry keeps {self._autosave[0].path} already.")
        found = state_file(Path(path))
        if found is not None:
            self._take(found)
        keeper = Autosave(Path(path), self._what_is_kept, lambda: self.export_state(settings=False))
        self._autosave = keeper, self._house.events.subscribe(keeper.hear, kinds=KINDS)

    def _keep(self) -> None:
        """Write what is new, if a file is kept; for changes that no event tells of."""
        if self._autosave is not None:
            self._autosave[0].hear()

    def _stop_keeping(self) -> None:
        if self._autosave is not None:
            self._autosave[1].close()
            self._keep()

    def _what_is_kept(self) -> object:
        switched = {name: self._rollouts.named(name).by_hand for name in self._rollouts.names()}
        return self._house.catalog.state, self._house.setup.told, switched

    def _state(self, *, settings: bool) -> RegistryState:
        users = self._house.setup.told
        switched = {name: self._rollouts.named(name).by_hand for name in self._rollouts.names()}
        return RegistryState(
            catalog=self._house.catalog.changes(),
            users={name: config.model_dump(mode="json", exclude_defaults=True) for name, config in users.items()},
            rollouts={name: SwitchState(off=one.off, percentage=one.percentage) for name, one in switched.items()},
            settings=self._settings() if settings else None,
        )

    def _settings(self) -> dict[str, Any]:
        config = self._house.setup.config
        functions = [name for name, tier in config.tiers.items() if not isinstance(tier.strategy, str)]
        if functions:
            raise ConfigError(
                f"tiers.{functions[0]}: its strategy is a function, which no file holds; settings=False leaves it out."
            )
        return config.model_dump(mode="json", exclude_defaults=True, include=set(_KEPT_SETTINGS))

    def _take(self, state: RegistryState) -> None:
        # Everything that may be refused is made first, and only then anything changed.
        users = {name: UserConfig.read(config, where=f"users.{name}") for name, config in state.users.items()}
        config = self._house.setup.config
        if state.settings is not None:
            config = config.but(**state.settings)
        before = self._house.catalog.state
        self._house.catalog.apply(state.catalog)
        try:
            if state.settings is not None:
                self._house.refurnish(config)
        except Exception:
            self._house.catalog.swap(before)
            raise
        gone = dict.fromkeys(set(self._house.setup.told) - set(users))
        self._house.configure_users({**gone, **users})
        for name in self._rollouts.names():
            self._switch(name, state.rollouts.get(name, SwitchState()))

    def _switch(self, name: str, said: SwitchState) -> None:
        rollout = self._rollouts.named(name)
        rollout.reset()
        if said.percentage is not None:
            rollout.set_percentage(said.percentage)
        if said.off:
            rollout.switch_off()
