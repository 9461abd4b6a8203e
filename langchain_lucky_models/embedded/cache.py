"""Where model files lie, and how a name becomes a path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_lucky_models.embedded.disk import CACHE_VARIABLE, disk_failures, make_private, megabytes
from langchain_lucky_models.embedded.table import MODELS
from langchain_lucky_models.errors import (
    InvalidRefError,
    LocalModelError,
    UnknownModelError,
    did_you_mean,
    nearest_names,
)
from langchain_lucky_models.extras import Later

if TYPE_CHECKING:
    import platformdirs
else:
    platformdirs = Later("platformdirs")  # most processes have no model of their own

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SUFFIX = ".gguf"


def cache_directory() -> Path:
    """The directory of the model files: `LUCKY_CACHE_DIR`, else the user's cache. It need not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return (
        Path(chosen).absolute() if chosen else platformdirs.user_cache_path("langchain-lucky-models", appauthor=False)
    )


def path_of(model: str) -> Path | None:
    """The model's file, or `None` where it is not on this machine.

    Any `<name>.gguf` in the cache directory is a model called `<name>`.

    Args:
        model: The name, as behind the `#` of `local#smollm2-135m`.
    """
    path = _place(model)
    known = MODELS.get(model)
    try:
        size = path.stat().st_size
    except OSError:
        return None
    return path if known is None or size == known.file_bytes else None


def require_path(model: str) -> Path:
    """The model's file, or an error that says how to get it.

    Raises:
        LocalModelError: The model is known, but its file was not fetched.
        UnknownModelError: There is no such model.
    """
    path = path_of(model)
    if path is not None:
        return path
    if known := MODELS.get(model):
        size = megabytes(known.file_bytes)
        raise LocalModelError(
            f"local#{model} is not on this machine. Fetch its file ({size}) with: lucky-models local pull"
        )
    raise unknown_model(model)


def unknown_model(model: str) -> UnknownModelError:
    """The error for a name that is neither in the table nor in the cache directory."""
    here = {path.stem for path in cache_directory().glob(f"*{_SUFFIX}")}
    names = sorted({*MODELS, *here})
    nearest = nearest_names(model, names)
    return UnknownModelError(
        f"local#{model} is no model of this machine; there is {', '.join(names)}.{did_you_mean(nearest)} "
        "A GGUF file of your own becomes one by langchain_lucky_models.embedded.register_model(name, path).",
        asked=f"local#{model}",
        nearest=[f"local#{name}" for name in nearest],
    )


def register_model(name: str, path: Path | str) -> Path:
    """Give a GGUF file of your own a name; from then on it is `local#<name>`, in every process.

    The file stays where it is; the cache directory gets a link to it. Registering a name again moves the link.

    Args:
        name: Letters, digits, `.`, `_` and `-`.
        path: The file.

    Returns:
        The link.

    Raises:
        LocalModelError: The file is no GGUF file, or the name belongs to a model that can be fetched.
    """
    if name in MODELS:
        raise LocalModelError(f"{name!r} is the name of a model that can be fetched; choose another.")
    link, target = _place(name), Path(path).absolute()
    _check_gguf(target)
    with disk_failures(link.parent):
        make_private(link.parent)
    if link.exists() and not link.is_symlink():
        raise LocalModelError(
            f"{name!r} already names a file in the cache directory; remove it or choose another name."
        )
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        fresh.symlink_to(target)
        fresh.replace(link)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise LocalModelError(
            f"no link to the file could be made ({error.strerror}); put a copy into {link.parent} as {link.name}."
        ) from error
    return link


def _place(model: str) -> Path:
    # A name is a file name, never a path: nothing outside the cache directory can be reached by it.
    if not _NAME.fullmatch(model):
        raise InvalidRefError(f"local#{model}: a local model's name holds letters, digits, '.', '_' and '-' only.")
    return cache_directory() / f"{model}{_SUFFIX}"


def _check_gguf(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise LocalModelError(f"{path} cannot be read: {error.strerror}.") from error
    if start != b"GGUF":
        raise LocalModelError(f"{path} is no GGUF file.")
