"""From pinned inputs to the artefact and its report: pure, and the same every time."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog_build import scores, snapshots
from catalog_build.claims import Claim, Refused
from catalog_build.draft import Draft, drafts_of, sound
from catalog_build.entries import entry_of
from catalog_build.gates import entry_faults, name_faults, names_of
from catalog_build.sources import SOURCES, curated
from langchain_lucky_models.catalog.artefact import Artefact, Migration
from langchain_lucky_models.catalog.artefact import Source as Credit
from langchain_lucky_models.catalog.entry import Intelligence, ModelEntry, Speed
from langchain_lucky_models.catalog.guards import checked_entry
from langchain_lucky_models.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known before anything is decided.

    Attributes:
        claims: What the sources say, without impossible prices.
        refused: Rows and prices that cannot be.
        credits: Who the sources are.
        aliases: Our decisions about aliases.
        trusted: Our decisions about whose price is right.
        migrations: Our decisions about renamed ids.
    """

    claims: tuple[Claim, ...]
    refused: tuple[Refused, ...]
    credits: tuple[Credit, ...]
    aliases: Mapping[str, str]
    trusted: Mapping[str, str]
    migrations: tuple[Migration, ...]

    @property
    def as_of(self) -> dt.date:
        """The newest date of any recorded source: the day that the catalog speaks about."""
        return max(dt.date.fromisoformat(credit.date) for credit in self.credits if credit.name != curated.NAME)


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gives.

    Attributes:
        artefact: The catalog.
        drafts: What it was decided from, by ref.
        refused: What did not get into it.
    """

    artefact: Artefact
    drafts: Mapping[str, Draft]
    refused: tuple[Refused, ...]


def gather(folder: Path = snapshots.FOLDER) -> Evidence:
    """Read every source."""
    tables = curated.read_curated()
    readings = [reading for source in SOURCES for reading in source.claims(snapshots.read_snapshot(source, folder))]
    claims, impossible = sound(reading for reading in readings if isinstance(reading, Claim))
    unreadable = tuple(reading for reading in readings if isinstance(reading, Refused))
    return Evidence(
        claims=(*claims, *curated.claims(tables)),
        refused=(*unreadable, *impossible),
        credits=(*snapshots.credits_of(folder).values(), curated.credit()),
        aliases=curated.aliases(tables),
        trusted=curated.trusted(tables),
        migrations=curated.migrations(tables),
    )


def build(evidence: Evidence) -> Built:
    """Decide everything.

    Raises:
        CatalogError: The outcome contradicts itself.
    """
    drafts = drafts_of(evidence.claims, evidence.aliases, evidence.trusted, evidence.as_of)
    places = {credit.name: place for place, credit in enumerate(evidence.credits)}
    entries: list[ModelEntry] = []
    refused = list(evidence.refused)
    for ref in sorted(drafts):
        entry, faults = entry_of(drafts[ref], places, evidence.as_of)
        entries.append(entry)
        refused += faults
    artefact = Artefact(
        as_of=evidence.as_of.isoformat(),
        sources=evidence.credits,
        migrations=_migrations(evidence.migrations, entries),
        models=tuple(_scored(_unambiguous(entries, refused), places)),
    )
    _check(artefact)
    return Built(artefact, drafts, tuple(sorted(refused, key=lambda one: (one.ref, one.source, one.reason))))


def _unambiguous(entries: list[ModelEntry], refused: list[Refused]) -> list[ModelEntry]:
    """The entries without snapshots that lead to another one too; those are added to what was refused."""
    leads = Counter(name for entry in entries for name in names_of(entry))
    unique = []
    for entry in entries:
        doubled = [model for model in entry.snapshots if leads[f"{entry.provider}#{model}"] > 1]
        refused += [Refused(entry.provider, str(entry.ref), f"{model} leads elsewhere too") for model in doubled]
        kept = tuple(model for model in entry.snapshots if model not in doubled)
        unique.append(entry.model_copy(update={"snapshots": kept}) if doubled else entry)
    return unique


def _scored(entries: list[ModelEntry], places: Mapping[str, int]) -> list[ModelEntry]:
    """The entries with what was measured of them."""
    asked = [_asked(entry) for entry in entries]
    wits, speeds = scores.intelligence_of(asked), scores.speed_of(asked)
    return [_with_scores(entry, wits.get(str(entry.ref)), speeds.get(str(entry.ref)), places) for entry in entries]


def _with_scores(
    entry: ModelEntry, wit: Intelligence | None, speed: Speed | None, places: Mapping[str, int]
) -> ModelEntry:
    prov = dict(entry.prov)
    if wit is not None:
        prov["intelligence"] = (*(places[name] for name, _ in wit.sources), wit.evidence)
    if speed is not None:
        prov["speed"] = (places[speed.source.partition("/")[0]], speed.evidence)
    return entry.model_copy(update={"intelligence": wit, "speed": speed, "prov": prov})


def _asked(entry: ModelEntry) -> scores.ScoredModel:
    output = entry.pricing[-1].output if entry.pricing else None
    reasoning = entry.capabilities.reasoning
    return scores.ScoredModel(
        ref=str(entry.ref),
        provider=entry.provider,
        model=entry.id,
        base=entry.base,
        release_date=entry.release_date,
        output_price=output if entry.price_state == "priced" else None,
        reasoning=None if reasoning is None else bool(reasoning),
        open_weights=entry.open_weights,
        is_text="text" in entry.modalities.output,
    )


def _migrations(decided: tuple[Migration, ...], entries: list[ModelEntry]) -> tuple[Migration, ...]:
    """Our decisions, and every retired model that has a replacement."""
    named = {migration.old for migration in decided}
    retired = [
        Migration(
            old=str(entry.ref),
            new=entry.status.replacement,
            kind="retired",
            automatic=False,
            on=entry.status.shutdown_on.isoformat() if entry.status.shutdown_on else None,
            reason="the provider has switched it off",
        )
        for entry in entries
        if entry.status.state == "retired" and entry.status.replacement and str(entry.ref) not in named
    ]
    return tuple(sorted((*decided, *retired), key=lambda migration: migration.old))


def _check(artefact: Artefact) -> None:
    """Refuse an artefact in which an entry contradicts itself or is none to its reader, or a name leads to two."""
    for fault in name_faults(artefact.models):
        raise CatalogError(fault)
    for entry in artefact.models:
        checked_entry(entry, "the catalog")
        for fault in entry_faults(entry, len(artefact.sources)):
            raise CatalogError(f"{entry.ref}: {fault}.")
