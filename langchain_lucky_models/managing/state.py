"""What a registry was told while it ran, as one value, and as one JSON file with a checksum. Never a key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, ValidationError

from langchain_lucky_models.catalog.changes import CatalogChanges
from langchain_lucky_models.catalog.entry import Part
from langchain_lucky_models.catalog.guards import first_fault
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.whole_files import read_own

KIND = "lucky-models state"
VERSION = 1
MOST_BYTES = 64 * 2**20


class SwitchState(Part):
    """What was switched by hand for one feature."""

    off: bool = False
    percentage: float | None = None


class RegistryState(Part):
    """Everything a registry was told while it ran; what its configuration says is not part of it, unless asked for.

    Attributes:
        catalog: What was made of the catalog, apart from the catalog.
        users: The experiments of users, by their ids.
        rollouts: What was switched by hand, by feature.
        settings: Of the configuration what holds no key and no address: tiers, budgets, limits, rollouts.
    """

    catalog: CatalogChanges = CatalogChanges()
    users: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    rollouts: Mapping[str, SwitchState] = Field(default_factory=dict)
    settings: Mapping[str, Any] | None = None


def write_state(state: RegistryState) -> bytes:
    """The state as JSON; `read_state` reads it.

    Example:
        >>> state = RegistryState(rollouts={"new-chat": SwitchState(off=True)})
        >>> read_state(write_state(state)) == state
        True
    """
    body = orjson.dumps(state.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS)
    head = {"kind": KIND, "schema_version": VERSION, "sha256": hashlib.sha256(body).hexdigest()}
    return orjson.dumps({**head, "state": orjson.Fragment(body)}) + b"\n"


def read_state(blob: bytes) -> RegistryState:
    """The state that `write_state` wrote.

    Raises:
        ConfigError: It is cut short, was changed by hand, is of a later release, or is something else.
    """
    if len(blob) > MOST_BYTES:
        raise ConfigError(f"the state is larger than {MOST_BYTES} bytes.")
    try:
        document = orjson.loads(blob)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"the state is no JSON, or is cut short: {error}.") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ConfigError("this is no state of a registry; registry.export_state() writes one.")
    if document.get("schema_version") != VERSION:
        raise ConfigError(f"the state's schema_version is {document.get('schema_version')!r:.40}, not {VERSION}.")
    body = document.get("state")
    if hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest() != document.get("sha256"):
        raise ConfigError("the state's checksum is wrong: it was damaged, or changed by hand.")
    try:
        return RegistryState.model_validate(body)
    except ValidationError as error:
        raise ConfigError(f"the state's {first_fault(error)}") from None


def state_file(path: Path) -> RegistryState | None:
    """The state in a file that is ours; nothing where there is no file yet.

    Raises:
        ConfigError: It cannot be read, is somebody else's, or holds no state.
    """
    try:
        return read_state(read_own(path, MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"the state {path} is not read: {error.strerror}.") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
