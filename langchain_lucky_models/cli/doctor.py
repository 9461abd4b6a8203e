"""`lucky-models doctor`: what is here and what is missing, without showing a single key."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterator, Mapping

import click
from packaging.requirements import Requirement

from langchain_lucky_models import embedded
from langchain_lucky_models.catalog import Catalog
from langchain_lucky_models.cli.printing import print_json, print_table
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.extras import DISTRIBUTION
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@click.command(help=COMMANDS["doctor"])
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(*, as_json: bool) -> None:
    """Tell what is here."""
    findings = {
        "versions": versions(),
        "extras": dict(extras()),
        "keys": keys(os.environ),
        "catalog": catalog_facts(Catalog.packaged()),
        "local models": local_models(),
    }
    if as_json:
        print_json(findings)
        return
    for title, facts in findings.items():
        print_table((title.upper(), ""), list(facts.items()))
        click.echo()


def versions() -> dict[str, str]:
    """Of this package, of Python, and of LangChain."""
    return {
        DISTRIBUTION: importlib.metadata.version(DISTRIBUTION),
        "python": platform.python_version(),
        "langchain-core": importlib.metadata.version("langchain-core"),
    }


def extras() -> Iterator[tuple[str, str]]:
    """Each extra with the versions that are installed for it, or the command that installs it."""
    needed: dict[str, list[str]] = {}
    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        if extra := _EXTRA.search(line):
            needed.setdefault(extra[1], []).append(Requirement(line).name)
    for extra_name, packages in sorted(needed.items()):
        found = {package: _installed(package) for package in packages}
        if all(found.values()):
            yield extra_name, ", ".join(f"{package} {version}" for package, version in found.items())
        else:
            yield extra_name, f"missing: pip install '{DISTRIBUTION}[{extra_name}]'"


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Each provider with where its key comes from; never the key."""
    told = {}
    for name, provider in DEFAULT_PROVIDERS.items():
        if provider.key_env is None:
            told[name] = "needs none"
        else:
            there = "set in" if environment.get(provider.key_env) else "not set:"
            told[name] = f"{there} {provider.key_env}"
    return told


def catalog_facts(catalog: Catalog) -> dict[str, str]:
    """How much the catalog knows, and as of when."""
    return {"as of": catalog.state.as_of, "models": f"{len(catalog):,}"}


def local_models() -> dict[str, str]:
    """Each model that can be fetched, with its file or the command that fetches it."""
    return {
        f"local#{name}": str(embedded.path_of(name) or f"not fetched: lucky-models local pull {name}")
        for name in embedded.MODELS
    }
