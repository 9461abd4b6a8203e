"""`lucky-models show`: one model, whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from langchain_lucky_models.catalog import Catalog, ModelEntry
from langchain_lucky_models.cli.printing import print_json, print_table
from langchain_lucky_models.cli.root import COMMANDS
from langchain_lucky_models.errors import UnknownModelError
from langchain_lucky_models.refs import SEPARATOR


@click.command(help=COMMANDS["show"])
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with the table of sources.")
def command(ref: str, *, as_json: bool) -> None:
    """Show REF, such as openai#gpt-4o."""
    catalog = Catalog.packaged()
    entry = named_entry(catalog, ref)
    facts = entry.model_dump(mode="json", exclude_defaults=True)
    if as_json:
        print_json(facts)
        return
    provenance = facts.pop("prov", {})
    print_table(("what", "is"), list(flat(facts)))
    used = {number for marks in provenance.values() for number in marks if isinstance(number, int)}
    sources = catalog.state.sources
    click.echo("\nSources: " + "; ".join(f"{sources[n].name}, {sources[n].date}" for n in sorted(used)))


def named_entry(catalog: Catalog, name: str) -> ModelEntry:
    """The model of a ref, or of a bare name where only one provider has it.

    Raises:
        UnknownModelError: There is none, or there are several.
    """
    found = () if SEPARATOR in name else catalog.find(name)
    if len(found) > 1:
        refs = [str(entry.ref) for entry in found]
        raise UnknownModelError(f"{name} is at several providers: {', '.join(refs)}.", asked=name, nearest=refs)
    return found[0] if found else catalog.get(name)


def flat(facts: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as dotted names with one line of text each.

    Example:
        >>> list(flat({"id": "tiny", "limits": {"context": 8192}, "tags": ["small", "open"]}))
        [('id', 'tiny'), ('limits.context', '8192'), ('tags', 'small, open')]
    """
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, part in enumerate(value, start=1):
                yield from flat(part, f"{prefix}{name}.{number}.")
        else:
            yield prefix + name, _line(value)


def _line(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(" ".join(map(str, part)) if isinstance(part, list) else str(part) for part in value)
