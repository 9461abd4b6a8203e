"""The examples in the builder's docstrings say what happens."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import catalog_build

MODULES = sorted(module.name for module in pkgutil.walk_packages(catalog_build.__path__, "catalog_build."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
