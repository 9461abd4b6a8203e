"""One tree of errors: drawn as it is, LangChain's where LangChain has one, whole after any journey."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langchain_core import exceptions as core
from langchain_core.messages import AIMessage

import langchain_lucky_models
from langchain_lucky_models import errors

PACKAGE = Path(langchain_lucky_models.__file__).parent

KINDS: list[type[errors.LuckyError]] = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, errors.LuckyError)
]

ATTEMPT = errors.AttemptReport(
    ref="groq#openai/gpt-oss-20b",
    outcome="failed",
    seconds=0.25,
    error="rate_limited",
    message="slow down",
    status=429,
    request_id="req_1",
    retry_after=2.5,
    cost=Decimal("0.000001"),
)
FACTS = errors.CallFacts(
    provider="groq",
    model="openai/gpt-oss-20b",
    status=429,
    request_id="req_1",
    retry_after=2.5,
    attempts=(ATTEMPT,),
)
FIELDS: dict[str, Any] = {
    "message": "words",
    "file": "lucky.yaml",
    "line": 7,
    "column": 3,
    "field": "tiers.fast",
    "asked": "openai#gpt-4oo",
    "nearest": ("openai#gpt-4o",),
    "replacement": "openai#gpt-4o",
    "shutdown_on": "2026-08-16",
    "reasons": {"openai#gpt-4o": "no key"},
    "facts": FACTS,
    "partial": AIMessage("half an ans"),
    "causes": (errors.RateLimitedError("slow down", facts=FACTS),),
    "answers": (("openai#gpt-4o", AIMessage("yes")), ("groq#x", AIMessage("no"))),
    "name": "langchain_groq",
    "path": "/elsewhere",
}
"""A value for every argument that any constructor of the tree takes."""


def full(kind: type[errors.LuckyError]) -> errors.LuckyError:
    """An error of that kind with every field set."""
    if issubclass(kind, ImportError):
        return kind(FIELDS["message"], name=FIELDS["name"], path=FIELDS["path"])
    taken = inspect.signature(kind.__init__).parameters
    named = {name: FIELDS[name] for name, one in taken.items() if one.kind is inspect.Parameter.KEYWORD_ONLY}
    return kind(FIELDS["message"], **named)


def told(error: BaseException) -> dict[str, Any]:
    """Everything an error says, in values that can be compared."""
    own = {name: getattr(error, name) for name in ("name", "path", "msg") if isinstance(error, ImportError)}
    state = vars(error) | {"causes": tuple(told(cause) for cause in getattr(error, "causes", ()))}
    return {"kind": type(error), "args": error.args, "words": str(error), **state, **own}


def drawn() -> Iterator[tuple[str, int, str]]:
    """Name, depth and LangChain's column of every line of the drawing."""
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"[│├└─ ]*(?P<name>\w+Error)\b(?P<rest>.*)", line):
            column = re.search(r"  ((?:Model|Context)\w*Error)$", line)
            yield match["name"], match.start("name") // 4, column[1] if column else ""


def parent(kind: type) -> type:
    """Where an error hangs in our tree."""
    return next(base for base in kind.__bases__ if issubclass(base, errors.LuckyError))


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every class stands in the drawing once, below its parent."""
    path: list[str] = []
    parents: dict[str, str] = {}
    for name, depth, _ in drawn():
        path[depth:] = [name]
        assert name not in parents, f"{name} is drawn twice"
        parents[name] = path[depth - 1] if depth else ""
    real = {kind.__name__: parent(kind).__name__ for kind in KINDS if kind is not errors.LuckyError}
    assert parents == {"LuckyError": ""} | real


def test_the_right_column_names_langchains_error() -> None:
    """Where it is empty, the error is LangChain's only through its parent, or not at all."""
    real = {
        kind.__name__: next((base.__name__ for base in kind.__bases__ if base.__module__ == core.__name__), "")
        for kind in KINDS
    }
    assert {name: column for name, _, column in drawn()} == real


def test_no_error_stands_outside_of_the_tree() -> None:
    """One folder holds every class below the root."""
    outside = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        if path.parent != PACKAGE / "errors"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and {base.attr if isinstance(base, ast.Attribute) else ast.unparse(base) for base in node.bases}
        & {kind.__name__ for kind in KINDS}
    ]
    assert outside == []


def test_every_code_is_a_stable_word_of_its_own() -> None:
    """Dashboards count by it: it is the name of the class, in small letters."""
    names = {kind: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() for kind in KINDS}
    expected = {
        kind: name if kind is errors.LuckyError else name.removesuffix("_error") for kind, name in names.items()
    }
    assert {kind: kind.code for kind in KINDS} == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])  # noqa: S301
def test_an_error_arrives_with_every_field(kind: type[errors.LuckyError], travel: Any) -> None:
    """Another process, or a copy, knows as much of it."""
    error = full(kind)
    error.add_note("seen on the way")
    assert told(travel(error)) == told(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_says_its_message(kind: type[errors.LuckyError]) -> None:
    assert str(full(kind)).endswith("words")


def test_a_setting_is_named_with_its_place() -> None:
    assert str(errors.ConfigError("no such tier", file="lucky.yaml", line=7)) == "lucky.yaml:7: no such tier"
    assert str(errors.ConfigError("no such tier", file="lucky.yaml", line=7, column=3)).startswith("lucky.yaml:7:3: ")
    assert str(errors.ConfigError("no such tier", field="tiers")) == "no such tier"


def test_a_replacement_is_the_nearest_name() -> None:
    assert errors.RetiredModelError("gone", replacement="groq#new").nearest == ("groq#new",)
    assert errors.RetiredModelError("gone").nearest == ()


def test_what_is_known_of_a_call_is_read_off_its_error() -> None:
    error = errors.RateLimitedError("slow down", facts=FACTS)
    assert (error.provider, error.model, error.status) == ("groq", "openai/gpt-oss-20b", 429)
    assert (error.request_id, error.retry_after, error.attempts) == ("req_1", 2.5, (ATTEMPT,))
    assert len(errors.CallError("x" * 1000).safe_message) == 300


@pytest.mark.parametrize(
    ("kind", "langchains"),
    [
        (errors.RateLimitedError, core.ModelRateLimitError),
        (errors.AuthFailedError, core.ModelAuthenticationError),
        (errors.ContextTooLongError, core.ContextOverflowError),
        (errors.ModelGoneError, core.ModelNotFoundError),
        (errors.StallTimeoutError, core.ModelTimeoutError),
        (errors.ConnectionFailedError, core.ModelConnectionError),
        (errors.BudgetExceededError, core.ModelError),
        (errors.MissingExtraError, ImportError),
    ],
    ids=lambda kind: kind.__name__,
)
def test_code_that_catches_langchains_error_catches_ours(
    kind: type[errors.LuckyError], langchains: type[Exception]
) -> None:
    with pytest.raises(langchains):
        raise full(kind)


def test_every_failed_call_is_a_model_error_of_langchain() -> None:
    calls = [kind for kind in KINDS if issubclass(kind, errors.CallError) and kind is not errors.CallError]
    assert [kind.__name__ for kind in calls if not issubclass(kind, core.ModelError)] == []


def test_what_another_try_may_mend_says_so() -> None:
    """LangChain's own retries ask for `is_retryable`; our refusals never pass for a stumble."""
    retryable = {kind for kind in KINDS if getattr(kind, "is_retryable", False)}
    assert {errors.RateLimitedError, errors.ProviderDownError, errors.ProviderTimeoutError} <= retryable
    refusals = (errors.LocalRefusalError, errors.TransportRefusedError, errors.InvalidRequestError)
    assert [kind.__name__ for kind in retryable if issubclass(kind, refusals)] == []
    failed = errors.AllAttemptsFailedError
    assert failed("x", causes=[errors.AuthFailedError("a"), errors.RateLimitedError("b")]).is_retryable
    assert not failed("x", causes=[errors.AuthFailedError("a")]).is_retryable


def test_near_names_come_nearest_first_and_few() -> None:
    known = [f"openai#gpt-4o-{letter}" for letter in "abcdefgh"]
    assert errors.nearest_names("openai#gpt-4o", [*known, "openai#gpt-4"])[0] == "openai#gpt-4"
    assert len(errors.nearest_names("openai#gpt-4o", known)) == 3
    assert errors.did_you_mean(errors.nearest_names("zzz", known)) == ""


def test_langchain_is_loaded_by_the_first_error_of_a_call_and_not_before() -> None:
    script = """
import sys
from langchain_lucky_models import errors
errors.CatalogError, errors.UnknownModelError, errors.MissingExtraError
assert not {name.partition(".")[0] for name in sys.modules} & {"langchain_core", "langchain", "pydantic"}
errors.RateLimitedError
assert "langchain_core" in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)


def test_a_name_that_is_no_error_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'NobodysError'"):
        _ = errors.NobodysError
