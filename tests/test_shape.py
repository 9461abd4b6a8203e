"""The architecture, held: imports run downwards, modules and functions stay small, `__all__` tells the truth."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import langchain_lucky_models as package

ROOT = Path(package.__file__).parent
BUILDER = ROOT.parent / "catalog_build"

RANKS = {
    "errors": 0,
    "extras": 1,
    "refs": 1,
    "whole_files": 1,
    "tables": 1,
    "shares": 1,
    "events": 1,
    "catalog": 2,
    "keys": 2,
    "strategies": 2,
    "health": 2,
    "wire": 3,
    "failures": 3,
    "limits": 3,
    "ledger": 3,
    "embedded": 3,
    "drive": 4,
    "providers": 4,
    "budgets": 4,
    "settings": 5,
    "binding": 5,
    "meter": 5,
    "asking": 6,
    "users": 7,
    "handle": 8,
    "chat_model": 9,
    "registry": 11,
    "rollout": 10,
    "managing": 10,
    "comparison": 10,
    "reloading": 10,
    "live": 12,
    "testing": 12,
    "cli": 13,
    "telemetry": 13,
    "web": 13,
    "widget": 13,
}
"""A module imports from lower ranks, and from its own folder, only. Change it together with the code, deliberately."""

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 40
MOST_CLASS_LINES = 160

MODULES = sorted([*ROOT.rglob("*.py"), *BUILDER.rglob("*.py")])


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT.parent))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _part(module: str) -> str | None:
    """The first name below the package: `catalog` of `langchain_lucky_models.catalog.entry`."""
    head, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if head == package.__name__ else None


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, code: set[int]) -> int:
    first = node.body[0]
    docstring = range(0)
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        docstring = range(first.lineno, (first.end_lineno or first.lineno) + 1)
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return sum(1 for line in lines if line in code and line not in docstring)


def _lines_with_code(path: Path) -> set[int]:
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as file:
        return {
            line
            for token in tokenize.tokenize(file.readline)
            if token.type not in empty and token.type != tokenize.ENCODING
            for line in range(token.start[0], token.end[0] + 1)
        }


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(ROOT)], ids=_name)
def test_imports_run_downwards(path: Path) -> None:
    """A module imports only what ranks below it, or stands in its own folder."""
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "__init__":
        return  # the package root only resolves names, lazily
    assert own in RANKS, f"{own} has no rank: place it in RANKS"
    imported = {part for module in _imports(ast.parse(path.read_text())) if (part := _part(module))}
    upward = {part for part in imported if part != own and RANKS[part] >= RANKS[own]}
    assert not upward, f"{own} (rank {RANKS[own]}) imports {sorted(upward)}"


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(BUILDER)], ids=_name)
def test_the_builder_knows_only_the_catalog(path: Path) -> None:
    """catalog_build imports the catalog's form, refs and errors of the package, nothing else of it."""
    imported = {part for module in _imports(ast.parse(path.read_text())) if (part := _part(module))}
    assert imported <= {"catalog", "errors", "refs"}


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(ROOT)], ids=_name)
def test_the_package_knows_neither_builder_nor_tests(path: Path) -> None:
    """The wheel holds the package alone, so the package may not need its neighbours."""
    heads = {module.partition(".")[0] for module in _imports(ast.parse(path.read_text()))}
    assert not heads & {"catalog_build", "tests", "docs"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_functions_and_classes_stay_small(path: Path) -> None:
    """Nothing outgrows one reading."""
    text = path.read_text()
    code = _lines_with_code(path)
    too_long = [f"module: {len(text.splitlines())} lines"] if len(text.splitlines()) > MOST_MODULE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            most = MOST_CLASS_LINES if isinstance(node, ast.ClassDef) else MOST_FUNCTION_LINES
            if (lines := _code_lines(node, code)) > most:
                too_long.append(f"{node.name}: {lines} lines of code")
    assert not too_long


def _packages() -> list[str]:
    found = [package.__name__]
    found += [module.name for module in pkgutil.walk_packages([str(ROOT)], package.__name__ + ".") if module.ispkg]
    return found


@pytest.mark.parametrize("name", _packages())
def test_all_resolves(name: str) -> None:
    """`__all__` of every package names what is public, once, and each name is there; ruff holds its order."""
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert len(exported) == len(set(exported))
    assert [missing for missing in exported if not hasattr(module, missing)] == []


@pytest.mark.parametrize("name", _packages())
def test_all_names_everything_public(name: str) -> None:
    """What a package's namespace shows without an underscore, and is no module, stands in `__all__`."""
    module = importlib.import_module(name)
    shown = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and not isinstance(value, type(ast))
        and (getattr(value, "__module__", None) or "").startswith(package.__name__)
    }
    assert shown <= set(getattr(module, "__all__", []))
