"""Entries from drafts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from catalog_build.agreement import CURATED
from catalog_build.claims import Fact, Refused
from catalog_build.derive import base_of, capabilities_of, is_absent, status_of, tags_of, version_of
from catalog_build.draft import Draft
from catalog_build.gates import UNIT
from catalog_build.precedence import LABS
from langchain_lucky_models.catalog.entry import ModelEntry, PriceBasis

PARTS = ("limits", "modalities", "rate_limits")
"""Fields of an entry that are made of leaves."""

PLAIN = ("name", "family", "release_date", "knowledge_cutoff", "open_weights")
"""Fields of an entry that are leaves themselves."""

RULE = "rule"
"""The remark on a field of which a part was not stated by anybody, but follows."""


def entry_of(draft: Draft, places: Mapping[str, int], on: dt.date) -> tuple[ModelEntry, list[Refused]]:
    """The entry, and what was left out of it.

    Args:
        draft: What was decided.
        places: The place of each source in the artefact's table.
        on: The day of the catalog.
    """
    facts = {field: choice.won.value for field, choice in draft.choices.items()}
    refused = [] if _consistent(facts) else [_refused_output(draft, facts)]
    price = draft.price.claim
    absent = is_absent(draft.provider, {claim.source for claim in draft.claims})
    capabilities, ruled = capabilities_of(facts, draft.provider, price)
    if draft.price.fault:
        refused.append(Refused(",".join(draft.price.disputed), draft.ref, draft.price.fault))
    row: dict[str, object] = {
        "provider": draft.provider,
        "id": draft.id,
        **{field: facts.get(field) for field in PLAIN},
        **{part: _leaves(facts, part) for part in PARTS if _leaves(facts, part)},
        "version": version_of(draft.id),
        "base": base_of(facts, draft.provider, draft.id, draft.base),
        "aliases": sorted(draft.aliases),
        "snapshots": sorted({*draft.snapshots, *_texts(facts.get("snapshots"))}),
        "status": status_of(facts, draft.id, absent=absent, on=on),
        "capabilities": capabilities,
        "pricing": price.periods if price else (),
        "price_state": price.state if price else "unknown",
        "price_basis": _basis(draft),
        "tags": tags_of(facts, draft.id, price),
        "prov": _provenance(draft, places, {"capabilities": ruled, "status": absent}),
    }
    return ModelEntry.model_validate(row), refused


def _consistent(facts: dict[str, Fact]) -> bool:
    """Whether output fits into the context; where it does not, the output limit goes."""
    context, output = facts.get("limits.context"), facts.get("limits.output")
    return not (isinstance(context, int) and isinstance(output, int) and output > context)


def _refused_output(draft: Draft, facts: dict[str, Fact]) -> Refused:
    source = draft.choices["limits.output"].won.source
    reason = f"limits.output {facts.pop('limits.output')} is above limits.context {facts['limits.context']}"
    return Refused(source, draft.ref, reason)


def _leaves(facts: Mapping[str, Fact], part: str) -> dict[str, Fact]:
    return {field.partition(".")[2]: value for field, value in facts.items() if field.startswith(f"{part}.")}


def _texts(value: Fact) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _basis(draft: Draft) -> PriceBasis | None:
    price = draft.price.claim
    if price is None or not price.periods:
        return None
    if price.state == "local":
        return "local"
    return "lowest_endpoint" if draft.provider == "openrouter" else "list"


def _provenance(draft: Draft, places: Mapping[str, int], ruled: Mapping[str, bool]) -> dict[str, tuple[int | str, ...]]:
    """Who said it, field by field; remarks follow."""
    said: dict[str, dict[str, None]] = {}
    for field, choice in draft.choices.items():
        said.setdefault(field.partition(".")[0], {})[choice.won.source] = None
    prov: dict[str, tuple[int | str, ...]] = {
        field: tuple(sorted(places[source] for source in sources)) for field, sources in sorted(said.items())
    }
    prov |= {field: (*prov.get(field, ()), RULE) for field, holds in ruled.items() if holds}
    if marks := _price_marks(draft, places):
        prov["pricing"] = marks
    return prov


def _price_marks(draft: Draft, places: Mapping[str, int]) -> tuple[int | str, ...]:
    price = draft.price
    if price.claim is None:
        return ()
    return (*(places[source] for source in price.sources), _trust(draft), *_unit(draft), *price.claim.remarks)


def _trust(draft: Draft) -> str:
    """Why the price is believed, or how far."""
    sources = draft.price.sources
    if len(sources) > 1:
        return f"agree:{len(sources)}"
    if draft.provider in LABS or sources[0] == CURATED:
        return "decided"
    return "own list" if sources[0] == draft.provider else "unverified"


def _unit(draft: Draft) -> tuple[str, ...]:
    """What the output price of an image model is the price of, where its source does not say so itself."""
    outputs = draft.choices.get("modalities.output")
    price = draft.price.claim
    if price is None or price.remarks or outputs is None or "image" not in _texts(outputs.won.value):
        return ()
    only_images = outputs.won.value == ("image",)
    return (f"{UNIT} the output price is that of {'image' if only_images else 'text'} tokens",)
