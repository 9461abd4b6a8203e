"""What did not get into the artefact, and who disagreed: for maintainers, beside the build."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from catalog_build.build import Built
from catalog_build.claims import Claim, Fact
from catalog_build.draft import Draft

UNREPORTED = frozenset({"name", "release_date"})
"""Fields in which sources differ in wording or by days, to nobody's harm."""


def report_bytes(built: Built) -> bytes:
    """The report as it is written: one line a row, so that changes are readable."""
    parts = {
        "as_of": json.dumps(built.artefact.as_of),
        "counts": json.dumps(_counts(built), sort_keys=True),
        "quarantined": _lines({"ref": one.ref, "source": one.source, "reason": one.reason} for one in built.refused),
        "prices": _lines(row for draft in built.drafts.values() for row in _price_rows(draft)),
        "conflicts": _lines(row for draft in built.drafts.values() for row in _conflict_rows(draft)),
    }
    body = ",\n".join(f"{json.dumps(name)}: {text}" for name, text in parts.items())
    return f"{{\n{body}\n}}\n".encode()


def _lines(rows: Iterator[Mapping[str, object]]) -> str:
    body = ",\n".join(f"  {line}" for line in sorted(json.dumps(row) for row in rows))
    return f"[\n{body}\n]"


def _counts(built: Built) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for entry in built.artefact.models:
        counts.setdefault(entry.provider, Counter()).update(("models", entry.price_state, entry.status.state))
    return {provider: dict(sorted(counter.items())) for provider, counter in counts.items()}


def _conflict_rows(draft: Draft) -> Iterator[dict[str, object]]:
    for field, choice in draft.choices.items():
        if choice.disputed and field not in UNREPORTED:
            others = {word.source: _plain(word.value) for word in choice.disputed}
            yield {
                "ref": draft.ref,
                "field": field,
                "chosen": {choice.won.source: _plain(choice.won.value)},
                "others": others,
            }


def _price_rows(draft: Draft) -> Iterator[dict[str, object]]:
    if draft.price.disputed and draft.price.claim is not None:
        said = {claim.source: price_words(claim) for claim in draft.claims if claim.price}
        others = {source: said[source] for source in draft.price.disputed if source in said}
        winner = draft.price.sources[0]
        yield {"ref": draft.ref, "chosen": {winner: said.get(winner, "")}, "others": others}


def price_words(claim: Claim) -> str:
    """The newest input and output price of a claim, in words."""
    price = claim.price
    if price is None or not price.periods:
        return price.state if price else "says nothing"
    newest = price.periods[-1]
    words = "/".join("?" if figure is None else format(figure, "f") for figure in (newest.input, newest.output))
    return words if len(price.periods) == 1 else f"{words} since {newest.start}"


def _plain(value: Fact) -> object:
    return list(value) if isinstance(value, tuple) else value
