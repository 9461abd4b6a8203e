"""Drafts of entries: the claims about one model, chosen between field by field, and dated ids folded into theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog_build.agreement import PriceChoice, choose_price, same_price
from catalog_build.claims import Claim, Refused
from catalog_build.gates import price_faults
from catalog_build.identity import without_date
from catalog_build.precedence import Choice, choose

NEVER_FOLDED = ("limits.context", "limits.input", "limits.output", "status.shutdown_on", "status.state")
"""Fields in which a dated id may not differ from the undated one and still be folded into it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One model, before it becomes an entry.

    Attributes:
        ref: Its ref.
        claims: Everything that is said about it.
        choices: What counts, field by field.
        price: Which price counts.
        base: The id it is a dated form of, where it keeps an entry of its own.
        aliases: Ids that mean it.
        snapshots: Dated ids that mean it at this price.
    """

    ref: str
    claims: tuple[Claim, ...]
    choices: Mapping[str, Choice]
    price: PriceChoice
    base: str | None = None
    aliases: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self.ref.partition("#")[0]

    @property
    def id(self) -> str:
        """The provider's own id."""
        return self.ref.partition("#")[2]


def group(claims: Iterable[Claim]) -> dict[str, tuple[Claim, ...]]:
    """The claims about each model that has one which is enough for an entry."""
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.ref, []).append(claim)
    return {ref: tuple(said) for ref, said in sorted(found.items()) if any(claim.adds for claim in said)}


def sound(claims: Iterable[Claim]) -> tuple[tuple[Claim, ...], tuple[Refused, ...]]:
    """The claims without prices that cannot be, and those prices with the reason."""
    kept, refused = [], []
    for claim in claims:
        faults = list(price_faults(claim.price)) if claim.price else []
        refused += [Refused(claim.source, claim.ref, fault) for fault in faults]
        kept.append(replace(claim, price=None) if faults else claim)
    return tuple(kept), tuple(refused)


def drafts_of(
    claims: Iterable[Claim], aliases: Mapping[str, str], trusted: Mapping[str, str], on: dt.date
) -> dict[str, Draft]:
    """A draft of every model."""
    grouped = group(claims)
    drafts: dict[str, Draft] = {}
    # A dated id is longer than the undated one, so its base is always drafted before it.
    for ref in sorted(grouped, key=len):
        provider, _, model = ref.partition("#")
        stem = without_date(model)
        base = drafts.get(f"{provider}#{stem}") if stem else None
        voices = (*grouped[ref], *_voices_of(base, grouped[ref]))
        price = choose_price(provider, voices, on, trusted.get(ref))
        drafts[ref] = Draft(ref, grouped[ref], choose(grouped[ref]), price, base.id if base else None)
    return _folded(drafts, aliases, on)


def _voices_of(base: Draft | None, own: Sequence[Claim]) -> list[Claim]:
    """What is said of the undated id by those who are silent about the dated one."""
    speakers = {claim.source for claim in own if claim.price}
    return [claim for claim in base.claims if claim.price and claim.source not in speakers] if base else []


def _folded(drafts: dict[str, Draft], aliases: Mapping[str, str], on: dt.date) -> dict[str, Draft]:
    """The drafts that keep an entry of their own, with the ids that now lead to them."""
    kept = {ref: draft for ref, draft in drafts.items() if aliases.get(ref) not in drafts}
    for alias, ref in sorted(aliases.items()):
        if ref in kept:
            kept[ref] = replace(kept[ref], aliases=(*kept[ref].aliases, alias.partition("#")[2]))
    for draft in list(kept.values()):
        stem = f"{draft.provider}#{draft.base}"
        base = kept.get(aliases.get(stem, stem))
        if base and _is_snapshot(draft, base, on):
            del kept[draft.ref]
            kept[base.ref] = replace(base, snapshots=(*base.snapshots, draft.id))
    return kept


def _is_snapshot(draft: Draft, base: Draft, on: dt.date) -> bool:
    """Whether a dated id is its undated one in all that matters: same limits, same fate, same price."""
    for field in NEVER_FOLDED:
        own, theirs = draft.choices.get(field), base.choices.get(field)
        said = {word.value for word in (theirs.won, *theirs.others)} if theirs else {None}
        if own and own.won.value not in said:
            return False
    prices = [claim.price for claim in draft.claims if claim.price]
    return not prices or (base.price.claim is not None and all(same_price(one, base.price.claim, on) for one in prices))
