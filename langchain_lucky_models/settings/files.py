"""Files to settings, with file, line and column in every error."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self, TypeVar

from langchain_lucky_models.errors.base import ConfigError, did_you_mean, nearest_names
from langchain_lucky_models.settings.base import Settings
from langchain_lucky_models.settings.house import RegistryConfig
from langchain_lucky_models.settings.reading import Member, read_member, read_operators, read_text
from langchain_lucky_models.settings.trees import MOST_ALIASES, Node, Tree

S = TypeVar("S", bound=Settings)

_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$\{)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<broken>\{))")


@dataclass(frozen=True, slots=True)
class Source:
    """What settings are read from, and where each of them stands.

    Attributes:
        value: The settings as plain values, or ready-made.
        file: The file, where they come from one.
        root: Their places in it.
    """

    value: object
    file: str | None = None
    root: Node | None = None

    @classmethod
    def of_operator(
        cls,
        given: object,
        environment: Mapping[str, str] | None = None,
        *,
        names: Collection[str] | None = None,
        text: str | None = None,
    ) -> Self:
        """The operator's settings: a path, a mapping or settings. In a file `${NAME}` is read from the environment.

        Args:
            given: The settings, or the path; it may be a link, as platforms mount configurations.
            environment: Instead of the process's.
            names: The variables that may be named, `*` for any letters; by default every one.
            text: What was read from the file, where that has been done.

        Raises:
            ConfigError: The file cannot be read.
        """
        if not isinstance(given, str | os.PathLike):
            return cls({} if given is None else given)
        path = Path(given)
        expand = _Environment(os.environ if environment is None else environment, names)
        tree = Tree(str(path), expand=expand, aliases=MOST_ALIASES)
        return cls._read(tree, path, read_operators(path) if text is None else text)

    @classmethod
    def of_user(cls, given: object, user_id: str | None = None, *, text: str | None = None) -> Self:
        """A user's settings: the path of a file, of a folder in which the user's id names one, or a mapping.

        Args:
            given: The settings, or the path.
            user_id: The file's name in a folder.
            text: What was read from the file, where that has been done.

        Raises:
            ConfigError: The file cannot be read.
        """
        if not isinstance(given, str | os.PathLike):
            return cls(given)
        path = Path(given)
        if text is None:
            path, text = read_member(path, user_id) if user_id and path.is_dir() else (path, read_text(path))
        return cls._read(Tree(str(path)), path, text)

    @classmethod
    def of_member(cls, member: Member) -> Self:
        """The settings of a user that were found in a folder.

        Raises:
            ConfigError: The file could not be read.
        """
        if isinstance(member, ConfigError):
            raise member
        return cls.of_user(member[0], text=member[1])

    @classmethod
    def _read(cls, tree: Tree, path: Path, text: str) -> Self:
        root = tree.read(text)
        return cls(root.value, str(path), root)

    def settings(self, kind: type[S]) -> S:
        """The settings, checked.

        Raises:
            ConfigError: Something in them cannot be used; the message says where it stands.
        """
        with self.explained():
            return kind.read(self.value)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors inside that name a field of this file say where it stands.

        Raises:
            ConfigError: As raised inside, with its place.
        """
        try:
            yield
        except ConfigError as error:
            if self.root is None or error.field is None or error.file is not None:
                raise
            node = self.root.at(error.field)
            place = {"file": self.file, "line": node.line, "column": node.column}
            raise type(error)(str(error), field=error.field, **place) from None  # type: ignore[arg-type]

    def warn_of_keys(self) -> None:
        """Warn of keys that stand in the file itself, where backups and version control find them."""
        providers = self.root.at("providers").parts if self.root is not None else {}
        for name, row in providers.items():
            key = row.parts.get("api_key")
            if key is not None and not key.expanded and isinstance(key.value, str):
                warnings.warn(
                    f"{self.file}:{key.line}: providers.{name}.api_key stands in the file; name the environment"
                    " variable in api_key_env, or a file in api_key_file.",
                    UserWarning,
                    stacklevel=4,  # whoever makes the registry
                )


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Where a registry's settings come from, so that they can be read anew.

    Attributes:
        config: The path of a file, or what could stand in one.
        over: What was given beside it, by name, which wins; `None` where nothing was.
        names: The environment variables that the file may name, `*` for any letters; nothing where it may every one.
    """

    config: object = None
    over: Mapping[str, Any] = field(default_factory=dict)
    names: Collection[str] | None = None

    @property
    def file(self) -> Path | None:
        """The file, where there is one."""
        return Path(self.config) if isinstance(self.config, str | os.PathLike) else None

    def text(self) -> str | None:
        """What the file says now, where there is one.

        Raises:
            ConfigError: It cannot be read.
        """
        return None if self.file is None else read_operators(self.file)

    def read(self, text: str | None = None) -> tuple[Source, RegistryConfig]:
        """The settings as they are now, and where each of them stands.

        Args:
            text: What was read from the file, where that has been done.

        Raises:
            ConfigError: Something in them cannot be used.
        """
        source = Source.of_operator(self.config, names=self.names, text=text)
        config = source.settings(RegistryConfig)
        if self.names is not None and source.file is not None:
            with source.explained():
                _check_key_names(config, self.names)
        return source, config.but(**self.over)


def _check_key_names(config: RegistryConfig, names: Collection[str]) -> None:
    """A variable that may not be put in is not sent as a key either."""
    for provider, settings in config.providers.items():
        if settings.api_key_env is not None and not _may_name(settings.api_key_env, names):
            field_name = f"providers.{provider}.api_key_env"
            raise ConfigError(f"{field_name}: {_refused_name(settings.api_key_env)}", field=field_name)


def _may_name(name: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in names)


def _refused_name(name: str) -> str:
    return f"the environment variable {name} is not one that this file may name; see environment= where it is read."


class _Environment:
    """Writes out `${NAME}`; `$${` is a `${` that stays."""

    def __init__(self, variables: Mapping[str, str], names: Collection[str] | None) -> None:
        self._variables = variables
        self._names = names

    def __call__(self, text: str) -> str:
        return _REFERENCE.sub(self._written_out, text)

    def _written_out(self, found: re.Match[str]) -> str:
        if found["escaped"]:
            return "${"
        if found["broken"]:
            raise ConfigError("${ begins no ${NAME}; write $${ where it is meant as it stands.")
        name = found["name"]
        if self._names is not None and not _may_name(name, self._names):
            raise ConfigError(_refused_name(name))
        if name not in self._variables:
            near = did_you_mean(nearest_names(name, self._variables))
            raise ConfigError(f"the environment variable {name} of ${{{name}}} is not set.{near}")
        return self._variables[name]
