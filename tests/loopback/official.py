"""Every provider's official address, led to one server on this machine, for what cannot be told an address."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from unittest import mock

from langchain_lucky_models.handle import alone
from langchain_lucky_models.providers import table
from tests.loopback.server import Provider

# What each provider's official address ends in.
PATHS = {"anthropic": "", "groq": "", "ollama": "", "openrouter": "/api/v1"}
KEYS = {row.key_env: f"key-of-{name}" for name, row in table.DEFAULT_PROVIDERS.items() if row.key_env}

Rows = Mapping[str, table.ProviderRow]


@contextmanager
def providers_on_loopback() -> Iterator[Provider]:
    """Every provider's default address leads to a server on this machine, and every customary key is set."""
    official = table.DEFAULT_PROVIDERS
    with Provider() as server, mock.patch.dict(os.environ, KEYS):
        rows: Rows = MappingProxyType(
            {
                name: replace(row, base_url=server.url + PATHS.get(name, "/v1")) if row.base_url else row
                for name, row in official.items()
            }
        )
        # A handle without a registry shares one house a process; that of the last server knows another one.
        alone._environment_house.cache_clear()
        _replace(official, rows)
        try:
            yield server
        finally:
            # Modules that were first loaded meanwhile know these rows, too.
            _replace(rows, official)
            alone._environment_house.cache_clear()


def _replace(old: Rows, new: Rows) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("langchain_lucky_models.") and vars(module).get("DEFAULT_PROVIDERS") is old:
            vars(module)["DEFAULT_PROVIDERS"] = new
