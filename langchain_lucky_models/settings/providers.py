"""How providers are reached, and where the house's keys come from."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from langchain_lucky_models import errors
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.keys import MASK, KeySource, Secret
from langchain_lucky_models.providers.table import family_of
from langchain_lucky_models.settings.base import Settings
from langchain_lucky_models.settings.reading import warn_of_stranger

LARGEST_KEY = 16_384
"""Bytes of a file that holds a key."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _sealed_key(value: object) -> object:
    return value if value is None or isinstance(value, Secret) else Secret(value, field="api_key")  # type: ignore[arg-type]


def _sealed_headers(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    for name in value:
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ConfigError(f"headers: {name!r} is no name of a header.", field="headers")
    return {name: one if isinstance(one, Secret) else _sealed_header(name, one) for name, one in value.items()}


def _sealed_header(name: str, value: KeySource) -> Secret:
    return Secret(value, field=f"headers.{name}", words=True)


_KEY_FORM = WithJsonSchema({"type": "string"})


class ProviderSettings(Settings):
    """How the registry reaches one provider.

    Attributes:
        kind: The family it belongs to; by default its own name.
        base_url: Where it answers; by default the official address.
        api_key: The house's key: a string, a `SecretStr` or a function.
        api_key_env: The environment variable that holds it instead.
        api_key_file: The file that holds it instead, as container platforms mount secrets.
        enabled: Whether anybody may use it.
        timeout: Seconds a call may take, where the caller says nothing.
        max_concurrency: Calls at once.
        headers: Further headers, secret like the key; texts or functions.
        allow_private: Whether a *user's* own address for this provider or kind may be a private one.
    """

    kind: str | None = None
    base_url: str | None = None
    api_key: Annotated[KeySource | Secret | None, BeforeValidator(_sealed_key), _KEY_FORM] = Field(
        default=None, repr=False, exclude=True
    )
    api_key_env: str | None = None
    api_key_file: str | None = None
    enabled: bool = True
    timeout: float | None = Field(default=None, gt=0)
    max_concurrency: int | None = Field(default=None, ge=1)
    headers: Annotated[
        dict[str, Annotated[KeySource | Secret, _KEY_FORM]],
        BeforeValidator(_sealed_headers),
        PlainSerializer(lambda headers: dict.fromkeys(headers, MASK)),
    ] = Field(default_factory=dict)
    allow_private: bool = False

    def secret_headers(self, provider: str) -> Mapping[str, Secret]:
        """The further headers, each called by its place in messages."""
        sealed = cast("Mapping[str, Secret]", self.headers)
        return {name: value.named(f"providers.{provider}.headers.{name}") for name, value in sealed.items()}

    def house_secret(self, provider: str) -> Secret | None:
        """The house's key as set here, if it is."""
        if isinstance(self.api_key, Secret):
            return self.api_key.named(f"providers.{provider}.api_key")
        if self.api_key_env is not None:
            return environment_secret(self.api_key_env)
        if self.api_key_file is not None:
            return file_secret(self.api_key_file)
        return None

    def model_post_init(self, _context: object, /) -> None:
        """A key comes from one place, and a kind is one that is known."""
        if self.kind is not None:
            try:
                family_of(self.kind)
            except ConfigError as error:
                raise ConfigError(f"kind: {error}", field="kind") from None
        given = [name for name in ("api_key", "api_key_env", "api_key_file") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{given[1]}: there is {given[0]} too; a key comes from one place.", field=given[1])


def environment_secret(name: str) -> Secret:
    """A key that is read from the environment at each call, so that rotation shows at once."""
    return Secret(
        lambda: os.environ.get(name, ""),
        field=f"the environment variable {name}",
        there=lambda: bool(os.environ.get(name)),
    )


def file_secret(path: str) -> Secret:
    """A key that is read from a file at each call, so that rotation shows at once."""
    return Secret(lambda: _key_in(path), field=f"the key file {path}", there=lambda: os.path.isfile(path))  # noqa: PTH113 - as os.open below


def _key_in(path: str) -> str:
    try:
        # Not stopped by a pipe without a writer; links are followed, for platforms mount secrets as links.
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise errors.KeyMissingError(f"the key file {path} cannot be read: {error.strerror}.") from None
    try:
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_KEY:
            raise errors.KeyMissingError(f"the key file {path} is no file of at most {LARGEST_KEY} bytes.")
        if facts.st_mode & stat.S_IWOTH:
            raise errors.KeyMissingError(f"the key file {path} may be written by anybody; run chmod o-w on it.")
        warn_of_stranger(facts, f"the key file {path}")
        return os.read(opened, LARGEST_KEY).decode("ascii", "replace").strip()
    finally:
        os.close(opened)
