"""The root of the error tree, and every error that is raised before a model is called.

Nothing here imports LangChain, so that the catalog can be read without it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

NEAREST_SHOWN = 3
"""How many near names a message offers."""


class LuckyError(Exception):
    """Everything this package raises on purpose.

    Attributes:
        code: A stable word for the kind of failure, for logs and dashboards.
    """

    code = "lucky_error"

    def __reduce__(self) -> tuple[Callable[..., LuckyError], tuple[Any, ...]]:
        """Survive pickling, whatever keywords the constructor asks for."""
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[LuckyError], args: tuple[Any, ...], state: Mapping[str, Any]) -> LuckyError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(LuckyError):
    """A setting cannot be used: which one, where it stands, what was expected.

    Attributes:
        file: The file it stands in, where it came from one.
        line: The line in that file, counted from 1.
        column: The column in that line, counted from 1.
        field: The dotted name of the setting.
    """

    code = "config"

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{place}: {message}" if place else message)
        self.file = file
        self.line = line
        self.column = column
        self.field = field


class InvalidRefError(ConfigError):
    """A text that should name a model does not have the form of a name."""

    code = "invalid_ref"


class ForbiddenParameterError(ConfigError):
    """A keyword says where or as whom to connect; that is the registry's to decide."""

    code = "forbidden_parameter"


class MissingKeysError(ConfigError):
    """A byok user came without API keys."""

    code = "missing_keys"


class MissingExtraError(ImportError, LuckyError):  # ImportError first: it alone pickles the module's name
    """An optional part is not installed; the message holds the exact command."""

    code = "missing_extra"


class LocalModelError(LuckyError):
    """The embedded model is not to be had: not fetched, no room for it, damaged, or it would not start."""

    code = "local_model"


class CatalogError(LuckyError):
    """A catalog, or a row of one, was refused; the previous one stays in force."""

    code = "catalog"


class UnboundHandleError(LuckyError):
    """A handle that was unpickled belongs to no registry yet; `registry.rebind(handle)` gives it one."""

    code = "unbound_handle"


class ShadowCapError(LuckyError):
    """A shadow does not ask a model, because its day's money would not pay for it, or nobody knows the price."""

    code = "shadow_cap"


class SelectionError(LuckyError):
    """A name does not lead to a model this user may use.

    Attributes:
        asked: The text as it was typed.
        nearest: Names that exist and look like it, nearest first.
    """

    code = "selection"

    def __init__(self, message: str, *, asked: str = "", nearest: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.asked = asked
        self.nearest = tuple(nearest)


class UnknownModelError(SelectionError):
    """The catalog has no such model."""

    code = "unknown_model"


class ModelNotAllowedError(SelectionError):
    """The model exists, but not in this user's list."""

    code = "model_not_allowed"


class ProviderNotConfiguredError(SelectionError):
    """The provider has no key, is disabled, or is not known to the registry."""

    code = "provider_not_configured"


class RetiredModelError(SelectionError):
    """The provider has switched the model off.

    Attributes:
        replacement: The ref the provider recommends instead, where it names one.
        shutdown_on: The day it went away, as an ISO date, where known.
    """

    code = "retired_model"

    def __init__(
        self,
        message: str,
        *,
        asked: str = "",
        replacement: str | None = None,
        shutdown_on: str | None = None,
    ) -> None:
        super().__init__(message, asked=asked, nearest=(replacement,) if replacement else ())
        self.replacement = replacement
        self.shutdown_on = shutdown_on


class UnknownTierError(SelectionError):
    """Neither the configuration nor the package knows a tier of that name."""

    code = "unknown_tier"


class UnknownExperimentError(SelectionError):
    """The user has no experiment of that name, or it is somebody else's."""

    code = "unknown_experiment"


class EmptyTierError(SelectionError):
    """No model of the user's list can serve the tier.

    Attributes:
        reasons: Why each model was left out, by ref.
    """

    code = "empty_tier"

    def __init__(self, message: str, *, asked: str = "", reasons: Mapping[str, str] | None = None) -> None:
        super().__init__(message, asked=asked)
        self.reasons = dict(reasons or {})


def nearest_names(asked: str, known: Iterable[str], most: int = NEAREST_SHOWN) -> list[str]:
    """The known names that look most like the one asked for, nearest first.

    Example:
        >>> nearest_names("openai#gpt-4", ["groq#llama", "openai#gpt-4o"])
        ['openai#gpt-4o']
    """
    return difflib.get_close_matches(asked, list(known), n=most, cutoff=0.5)


def did_you_mean(nearest: Iterable[str]) -> str:
    """The half-sentence that offers near names, empty where there are none.

    Example:
        >>> did_you_mean(["openai#gpt-4o"])
        ' Nearest: openai#gpt-4o.'
    """
    names = ", ".join(nearest)
    return f" Nearest: {names}." if names else ""
