"""Looking for a canary: in a text under any encoding, and in whatever can be reached from an object."""

from __future__ import annotations

import base64
import inspect
import logging
import pickle
import traceback
import types
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from numbers import Number
from urllib.parse import quote

from pydantic.fields import FieldInfo

from langchain_lucky_models.catalog import Catalog
from langchain_lucky_models.catalog.state import CatalogState

CANARY = "sk-canary+7Qv3nKx9/ZtW5"
"""A key that URL and base64 encodings would both change."""

MOST_OBJECTS = 20_000
_CLOSED = (
    types.ModuleType,
    types.CodeType,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    Number,
    Catalog,
    CatalogState,
    FieldInfo,
)
"""Not looked into: a function that answers with a key must hold it somewhere, so its closure is no place to look."""

_OF_CLASSES = frozenset({"InputType", "OutputType", "input_schema", "output_schema", "config_specs"})
"""Properties that describe a class, at great length."""


def shapes_of(canary: str = CANARY) -> frozenset[str]:
    """The canary as it may stand in a text."""
    inner = base64.b64encode(b"xx" + canary.encode() + b"x").decode()[4:-4]
    return frozenset(
        {canary, quote(canary, safe=""), base64.b64encode(canary.encode()).decode().rstrip("="), inner, canary[3:15]}
    )


def shows(found: object, canary: str = CANARY) -> bool:
    """Whether a text, bytes or an object's parts hold the canary."""
    texts = [found] if isinstance(found, str | bytes) else reachable_texts(found)
    shapes = shapes_of(canary)
    return any(shape in text for text in map(_text, texts) for shape in shapes)


def _text(found: str | bytes) -> str:
    return found.decode("latin-1") if isinstance(found, bytes) else found


def reachable_texts(*roots: object) -> Iterator[str | bytes]:
    """Every text that `vars`, slots, properties, containers and the owners of methods lead to."""
    seen: dict[int, object] = {}
    ahead = list(roots)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while ahead:
            one = ahead.pop()
            if isinstance(one, str | bytes):
                yield one
            elif id(one) not in seen and not isinstance(one, _CLOSED):
                seen[id(one)] = one
                ahead.extend(_parts(one))
                assert len(seen) < MOST_OBJECTS, "the search came nowhere to an end"


def _parts(one: object) -> Iterable[object]:
    if isinstance(one, types.MethodType):
        return [one.__self__]
    if isinstance(one, Mapping):
        return [*one.keys(), *one.values()]
    if isinstance(one, list | tuple | set | frozenset | deque):
        return list(one)
    return [*getattr(one, "__dict__", {}).values(), *_computed(one)]


def _computed(one: object) -> Iterator[object]:
    """What slots and properties give."""
    for name in _computed_names(type(one)):  # type: ignore[arg-type]
        try:
            found = getattr(one, name)
        except Exception:  # noqa: BLE001, S112 - a property that raises shows nothing
            continue
        if not isinstance(found, types.MethodType) or found.__self__ is not one:
            yield found


@cache
def _computed_names(kind: type) -> tuple[str, ...]:
    plain = (types.FunctionType, classmethod, staticmethod, types.WrapperDescriptorType, types.MethodDescriptorType)
    found = {name: part for base in reversed(kind.__mro__) for name, part in vars(base).items()}
    return tuple(
        name
        for name, part in found.items()
        if not name.startswith("__")
        and name not in _OF_CLASSES
        and hasattr(type(part), "__get__")
        and not isinstance(part, plain)
    )


def chain_of(error: BaseException) -> list[BaseException]:
    """An exception with everything it was raised from or during, and what it carries."""
    chain = [error]
    for one in chain:
        near = (one.__cause__, one.__context__, *getattr(one, "causes", ()), *getattr(one, "exceptions", ()))
        chain += [other for other in near if other is not None and other not in chain]
    return chain


def error_channels(error: BaseException) -> Iterator[tuple[str, object]]:
    """What may be made of an exception: shown, printed with every local variable, pickled."""
    for one in chain_of(error):
        name = type(one).__name__
        yield f"{name}: str", str(one)
        yield f"{name}: repr", f"{one!r} {one.args!r} {one.__dict__!r}"
        yield f"{name}: parts", {key: value for key, value in inspect.getmembers_static(one) if key[:2] != "__"}
        yield f"{name}: vars", vars(one)
        yield f"{name}: traceback", "".join(traceback.format_exception(one))
        yield f"{name}: locals", "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())
        yield f"{name}: pickle", pickled(one)


def pickled(one: object) -> bytes:
    """The pickle; nothing where there is none to be had."""
    try:
        return pickle.dumps(one)
    except Exception as error:  # noqa: BLE001 - what refuses to be pickled shows what it says instead
        return f"{error!r}".encode()


@contextmanager
def every_log() -> Iterator[list[str]]:
    """Every record of every logger at DEBUG, as it would be printed, arguments and tracebacks included."""
    lines: list[str] = []
    form = logging.Formatter("%(name)s %(message)s")

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{form.format(record)} {record.args!r}")

    listener, root = Listener(), logging.getLogger()
    loud = [root, *(logging.getLogger(name) for name in LOGGERS)]
    before = [logger.level for logger in loud]
    root.addHandler(listener)
    for logger in loud:
        logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(listener)
        for logger, level in zip(loud, before, strict=True):
            logger.setLevel(level)


LOGGERS = (
    *("langchain_lucky_models", "httpx", "httpx2", "httpcore", "httpcore2", "openai", "anthropic", "groq", "asyncio"),
    *("langchain", "langchain_core", "langsmith", "urllib3"),
)
