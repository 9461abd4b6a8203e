"""Optional parts: imported where they are used, with the exact command where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from langchain_lucky_models.errors.base import MissingExtraError

DISTRIBUTION = "langchain-lucky-models"


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module, or say how to install it.

    Args:
        module: The module to import, such as `langchain_groq`.
        extra: The extra of this package that brings it.

    Returns:
        The module.

    Raises:
        MissingExtraError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Missing is the module or what it lies in; one that is there, but fails to find its own parts, is broken.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtraError(
            f"{module} is not installed. Please install it with: pip install '{DISTRIBUTION}[{extra}]'",
            name=module,
        ) from None


class Later:
    """A module that few need and that imports slowly: it is imported at the first look into it.

    Args:
        module: Its name.

    Example:
        >>> Later("textwrap").dedent("  a")
        'a'
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._found: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._found is None:  # asked of the import system but once: it takes longer than most of what is looked up
            self._found = importlib.import_module(self._module)
        return getattr(self._found, name)
