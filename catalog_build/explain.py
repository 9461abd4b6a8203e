"""Why an entry says what it says: which source won each field, and who disagreed."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_build.build import Built
from catalog_build.claims import Claim
from catalog_build.draft import Draft
from catalog_build.gates import names_of
from catalog_build.report import price_words
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors import UnknownModelError, did_you_mean, nearest_names


def explain_lines(built: Built, ref: str) -> Iterator[str]:
    """The explanation of one entry, line by line.

    Raises:
        UnknownModelError: The catalog has no such ref.
    """
    named = {name: entry for entry in built.artefact.models for name in names_of(entry)}
    entry = named.get(ref)
    if entry is None:
        nearest = nearest_names(ref, named)
        raise UnknownModelError(f"The catalog has no {ref}.{did_you_mean(nearest)}", asked=ref, nearest=nearest)
    draft = built.drafts[str(entry.ref)]
    yield f"{entry.ref}  {entry.status.state}, {entry.price_state}"
    yield from _field_lines(draft)
    yield from _price_lines(draft)
    yield from _score_lines(entry)
    yield from (f"left out  {one.reason} ({one.source})" for one in built.refused if one.ref == draft.ref)


def _field_lines(draft: Draft) -> Iterator[str]:
    for field, choice in draft.choices.items():
        agreed = [word.source for word in choice.others if word.value == choice.won.value]
        yield f"{field} = {_words(choice.won.value)}  {', '.join((choice.won.source, *agreed))}"
        for word in choice.disputed:
            yield f"    {word.source} says {_words(word.value)}"


def _price_lines(draft: Draft) -> Iterator[str]:
    price = draft.price
    yield f"pricing  {', '.join(price.sources) or price.fault or 'nobody names a price'}"
    for claim in draft.claims:
        if claim.price is not None:
            verb = "says" if claim.source in price.sources else "disagrees:"
            yield f"    {claim.source} {verb} {price_words(claim)}{_cache_words(claim)}"


def _cache_words(claim: Claim) -> str:
    """The newest price of reading from a cache, where the claim names one."""
    newest = claim.price.periods[-1:] if claim.price else ()
    return "".join(f", {period.cache_read:f} from a cache" for period in newest if period.cache_read is not None)


def _score_lines(entry: ModelEntry) -> Iterator[str]:
    if wit := entry.intelligence:
        measured = ", ".join(f"{name} of {date}" for name, date in wit.sources)
        origin = measured or wit.method or "nothing else"
        yield f"intelligence = {wit.score}  {wit.evidence}, from {origin}{f', as {wit.base}' if wit.base else ''}"
    if speed := entry.speed:
        yield f"speed = {speed.rating}  {speed.evidence}, {speed.p50_tps} tokens/s, from {speed.source}"


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
