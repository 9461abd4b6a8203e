"""What all settings have in common: frozen, strict, and plain about what cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from langchain_lucky_models.errors.base import ConfigError, InvalidRefError, did_you_mean, nearest_names
from langchain_lucky_models.providers.keywords import refuse_connection
from langchain_lucky_models.strategies import strategy_named

S = TypeVar("S", bound="Settings")

LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PLAIN = {
    "Input should be": "expected",
    "a valid tuple": "a list",
    "a valid dictionary": "a mapping",
    "a valid string": "a text",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "expected greater": "expected a number greater",
    "expected less": "expected a number less",
}
_KINDS = {"NoneType": "null", "list": "a list", "str": "a text", "bool": "a switch"}


class Settings(BaseModel):
    """Frozen settings; an unknown key is an error that offers the nearest known one."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,  # most applications use few of them
    )

    @classmethod
    def read(cls, value: object, *, where: str = "") -> Self:
        """Check a mapping, or take settings as they are.

        Args:
            value: What the operator gave.
            where: The dotted place it stands at, for the message; empty for the whole.

        Raises:
            ConfigError: Something in it cannot be used.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            kind = _KINDS.get(type(value).__name__, type(value).__name__)
            raise ConfigError(f"{where or 'the configuration'} must be a mapping, not {kind}.", field=where)
        if odd := next((key for key in value if not isinstance(key, str)), None):
            raise ConfigError(f"{where or 'the configuration'} has the key {odd!r}, which is no text.", field=where)
        try:
            return cls(**value)
        except ValidationError as error:
            raise _explained(error, cls, where) from None
        except ConfigError as error:
            if error.field is None or not where:
                raise
            raise type(error)(f"{where}.{error}", field=f"{where}.{error.field}") from None


def _explained(error: ValidationError, kind: type[BaseModel], where: str) -> ConfigError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # A name with a typing error is often why another is missing.
    first = min(found, key=lambda one: one["type"] != "extra_forbidden")
    field = ".".join([*filter(None, [where]), *(str(part) for part in first["loc"])])
    if first["type"] == "extra_forbidden":
        near = did_you_mean(nearest_names(str(first["loc"][-1]), kind.model_fields))
        known = ", ".join(sorted(kind.model_fields))
        return ConfigError(f"{field} is not a setting.{near} There are: {known}.", field=field)
    if first["type"] == "missing":
        return ConfigError(f"{field} is missing.", field=field)
    expected = first["msg"]
    for theirs, ours in _PLAIN.items():
        expected = expected.replace(theirs, ours)
    return ConfigError(f"{field}: {expected}.", field=field)


def listed(value: object) -> object:
    """A list as the tuple that it is kept as; anything else as it is."""
    return tuple(value) if isinstance(value, list) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(listed)]
"""A list of texts, kept as a tuple."""


def rows_of(kind: type[S], field: str) -> BeforeValidator:
    """Reads every row of a mapping by name, so that an error says at which one it stands."""

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: kind.read(row, where=f"{field}.{name}") for name, row in value.items()}

    return BeforeValidator(read)


def row_of(kind: type[S], field: str) -> BeforeValidator:
    """Reads one mapping by name, as `rows_of` reads many."""
    return BeforeValidator(lambda value: kind.read(value, where=field))


def check_lines(lines: tuple[str, ...], parse: Callable[[str], object]) -> None:
    """Refuse malformed names at once, each at its place in `models`.

    Raises:
        InvalidRefError: A line is none.
    """
    if not lines:
        raise ConfigError("models is empty; name at least one.", field="models")
    for place, line in enumerate(lines):
        try:
            parse(line)
        except InvalidRefError as error:
            raise InvalidRefError(f"models.{place}: {error}", field=f"models.{place}") from None


def check_manner(strategy: str | None, params: Mapping[str, Any]) -> None:
    """Refuse a strategy that nobody knows, and parameters that say where to connect.

    Raises:
        ConfigError: One of them cannot be used.
    """
    try:
        strategy_named(strategy or "first")
    except ConfigError as error:
        raise ConfigError(f"strategy: {error}", field="strategy") from None
    try:
        refuse_connection(params)
    except ConfigError as error:
        raise type(error)(f"params.{error.field}: {error}", field=f"params.{error.field}") from None


def check_name(name: str, field: str) -> None:
    """Refuse a name that could not be typed after `tier:` or `user:ada:`.

    Raises:
        ConfigError: It holds something else than letters, digits, '_', '.' and '-'.
    """
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        shown = name[:LONGEST_NAME]
        raise ConfigError(
            f"{field}.{shown}: a name holds letters, digits, '_', '.' and '-' only, {LONGEST_NAME} at most;"
            " blanks and colons separate names.",
            field=f"{field}.{shown}",
        )
