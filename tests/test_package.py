"""The wheel holds the package and nothing else, and importing it loads, reads and asks nothing that was not named."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import warnings
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import langchain_lucky_models as package

ROOT = Path(package.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

QUIET = """
import sys
events = []
sys.addaudithook(lambda event, args: events.append((event, args)) if event.startswith("socket.") else None)
{statements}
heads = {{name.partition(".")[0] for name in sys.modules}}
assert not heads.intersection({forbidden}), sorted(heads)
assert not events, events
"""
PARTNERS = {
    "langchain",
    "langchain_anthropic",
    "langchain_core",
    "langchain_groq",
    "langchain_ollama",
    "langchain_openai",
    "langgraph",
    "langsmith",
    *("openai", "groq", "anthropic", "ollama", "xllamacpp"),
    *("httpx", "httpx2", "sqlalchemy", "redis", "psycopg", "rich", "starlette"),
}


def run_quietly(statements: str, forbidden: set[str], **environment: str) -> None:
    """Run statements in a new process, where warnings are errors, no socket is touched, and nothing forbidden loads."""
    script = QUIET.format(statements=statements, forbidden=sorted(forbidden))
    subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", script], check=True, timeout=60, env=os.environ | environment
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    """Every file of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel's files alone, in a folder of their own."""
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_the_package_and_its_description_alone(wheel: Path, names: list[str]) -> None:
    """Case 106: no tests, no builder of the catalog, nothing that Python would run at its start."""
    assert wheel.name == f"langchain_lucky_models-{PROJECT['version']}-py3-none-any.whl"
    description = f"langchain_lucky_models-{PROJECT['version']}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"langchain_lucky_models", description}
    assert [name for name in names if not name.endswith((".py", "/py.typed", ".gz", ".json", ".toml"))] == [
        name for name in names if name.startswith(description)
    ]
    assert [name for name in names if name.endswith((".pth", ".so", ".pyc"))] == []


def test_the_wheel_holds_every_module_and_all_that_they_read(names: list[str]) -> None:
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "langchain_lucky_models").rglob("*.py")}
    data = {"catalog/data/catalog.json.gz", "catalog/data/catalog.schema.json", "py.typed"}
    assert sources | {f"langchain_lucky_models/{name}" for name in data} <= set(names)


def test_the_wheels_record_is_true(wheel: Path) -> None:
    """Case 106: every file stands in RECORD with its digest and size, and nothing else does."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith("/RECORD"))
        listed = {name: (digest, size) for name, digest, size in csv.reader(archive.read(record).decode().splitlines())}
        held = {name: archive.read(name) for name in archive.namelist()}
    assert listed.pop(record) == ("", "")
    del held[record]
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(content).digest()) for name, content in held.items()}
    assert listed == {
        name: (f"sha256={digest.decode().rstrip('=')}", str(len(held[name]))) for name, digest in digests.items()
    }


def test_the_wheel_says_what_the_project_says(wheel: Path) -> None:
    """One version everywhere, the licences inside, every extra on offer."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        said = HeaderParser().parsestr(archive.read(metadata).decode())
    assert (said["Name"], said["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    assert sorted(said.get_all("License-File", [])) == ["LICENSE", "NOTICE"]
    assert sorted(said.get_all("Provides-Extra", [])) == sorted(PROJECT["optional-dependencies"])


def test_the_newest_release_of_the_changelog_is_the_projects_version() -> None:
    """Above it there may stand what is not released yet."""
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings
    assert headings[0] in {"Unreleased", PROJECT["version"]}
    assert [heading for heading in headings if heading != "Unreleased"][:1] in ([], [PROJECT["version"]])


def test_the_wheel_works_without_its_checkout(installed: Path) -> None:
    """Case 106: the catalog is found inside of it."""
    statements = f"""
import langchain_lucky_models
assert langchain_lucky_models.__file__.startswith({str(installed)!r})
from langchain_lucky_models.catalog import Catalog
assert Catalog.packaged().get("openai#gpt-4o").pricing
"""
    run_quietly(statements, PARTNERS, PYTHONPATH=str(installed))


@pytest.mark.parametrize(
    ("statements", "forbidden"),
    [
        ("import langchain_lucky_models", PARTNERS | {"pydantic", "orjson"}),
        ("import langchain_lucky_models.catalog", PARTNERS | {"pydantic", "orjson"}),
        ("from langchain_lucky_models.catalog import Catalog, Query, cost, rank", PARTNERS),
        ("from langchain_lucky_models import Catalog, ModelRef, LuckyError", PARTNERS),
        ("import langchain_lucky_models.refs, langchain_lucky_models.extras", PARTNERS | {"pydantic"}),
        ("import langchain_lucky_models.strategies", PARTNERS),
    ],
    ids=lambda value: value.partition(";")[0] if isinstance(value, str) else "",
)
def test_an_import_is_quiet(statements: str, forbidden: set[str]) -> None:
    """Case 101: no socket, no warning, no package that the name does not need."""
    run_quietly(statements, forbidden)


def test_every_public_name_resolves_without_a_socket_or_a_partner() -> None:
    """LangChain's core is all that the chat model needs."""
    statements = """
import langchain_core.language_models
events.clear()  # below LangChain somebody tries out whether this machine speaks IPv6
import langchain_lucky_models as package
assert sorted(package.__all__) == dir(package)
assert all(getattr(package, name) is getattr(package, name) for name in package.__all__)
"""
    partners = {"langchain_anthropic", "langchain_groq", "langchain_ollama", "langchain_openai"}
    run_quietly(statements, partners | {"openai", "groq", "anthropic", "ollama", "sqlalchemy", "redis"})


def test_a_name_that_is_not_public_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'LuckyChatModell'"):
        _ = package.LuckyChatModell


def test_a_warning_fails_a_test() -> None:
    """So that none is overlooked."""
    with pytest.raises(UserWarning, match="overlooked"):
        warnings.warn("overlooked", stacklevel=1)


def test_the_pinned_versions_name_no_host_and_prove_every_file() -> None:
    """A clone installs what was tested, from whichever index it is told to."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.split(r"\n(?=\S)", text.strip())
    assert [entry.splitlines()[0] for entry in pinned if "==" in entry and "--hash=sha256:" not in entry] == []
    assert len(pinned) > 50
