"""From a name to the models it means for one user, in order, with the reason for each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from langchain_lucky_models.asking.manners import Choice
from langchain_lucky_models.catalog import tiers
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import (
    EmptyTierError,
    RetiredModelError,
    UnknownExperimentError,
    UnknownModelError,
    UnknownTierError,
    did_you_mean,
    nearest_names,
)
from langchain_lucky_models.refs import ExperimentName, ModelRef, TierName, parse_name
from langchain_lucky_models.settings import ExperimentConfig, TierConfig, UserConfig
from langchain_lucky_models.users.access import View
from langchain_lucky_models.users.allowlists import Allowlist

REASONS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a name is looked up with.

    Attributes:
        user_id: Who asks.
        tiers: The operator's own tiers.
        known: What is known of a model, be it ever so little.
        require: Capabilities that a tier's models must have.
        min_context: Tokens that must fit them.
        config: The user's own experiments.
        subject: Who gets a variant of an A/B experiment, where it is not the user.
        stand_in: What is asked for in the place of a model that is gone for good, if the operator says so.
    """

    user_id: str
    tiers: Mapping[str, TierConfig]
    known: Callable[[ModelRef], ModelEntry]
    require: frozenset[str] = frozenset()
    min_context: int = 0
    config: UserConfig = field(default_factory=UserConfig)
    subject: str | None = None
    stand_in: str | None = None


def choose(text: str, view: View, wish: Wish) -> Choice:
    """Who is meant by a name.

    Raises:
        SelectionError: Nobody whom this user may ask now.
    """
    name = parse_name(text)
    if isinstance(name, TierName):
        return _own_tier(name.tier, view, wish) if name.tier in wish.tiers else _ranked_tier(name.tier, view, wish)
    if isinstance(name, ExperimentName):
        return _experiment(name, view, wish)
    try:
        ref, entry = view.find(name)
    except (RetiredModelError, UnknownModelError) as gone:
        if wish.stand_in is None or not (isinstance(gone, RetiredModelError) or view.has_lost(name)):
            raise
        return _stand_in(wish.stand_in, gone, view, wish)
    return Choice(((ref, entry, "asked for by name"),))


def _stand_in(name: str, gone: RetiredModelError | UnknownModelError, view: View, wish: Wish) -> Choice:
    """Those who take the place of a model that is gone for good: of the user's own list, like everybody."""
    choice = choose(name, view, replace(wish, stand_in=None))
    why = "retired" if isinstance(gone, RetiredModelError) else "vanished"
    asked = gone.asked or name
    view.led(asked, str(choice.refs[0][0]), why)
    return replace(
        choice, refs=tuple((ref, entry, f"in the place of {asked}, which {why}") for ref, entry, _ in choice.refs)
    )


def _experiment(name: ExperimentName, view: View, wish: Wish) -> Choice:
    """The experiment's own strategy and parameters, on whom its names mean for the user."""
    experiment = _own_experiment(name, wish)
    variant = _variant(name, experiment, wish)
    if variant is not None:
        experiment = experiment.as_variant(variant)
    choice = joined([choose(line, view, wish) for line in experiment.models])
    return replace(
        choice,
        strategy=experiment.strategy or choice.strategy or "fallback",
        params={**choice.params, **experiment.params},
        experiment=name.whole,
        variant=variant,
        tags=experiment.tags,
    )


def _own_experiment(name: ExperimentName, wish: Wish) -> ExperimentConfig:
    # Of another user's experiments nothing is told, not even whether they exist.
    own = name.user_id == wish.user_id
    experiment = wish.config.experiment(name.experiment) if own else None
    if experiment is None:
        known = list(wish.config.experiments) if own else []
        raise _unknown(f"experiment {str(name)!r} for the user {wish.user_id!r}", name, name.experiment, known)
    return experiment


def _variant(name: ExperimentName, experiment: ExperimentConfig, wish: Wish) -> str | None:
    """The variant that is named, else the one that the subject gets."""
    if name.variant is None:
        return experiment.variant_of(wish.user_id if wish.subject is None else wish.subject, name.experiment)
    if name.variant not in experiment.variants:
        raise _unknown(f"variant {name.variant!r} of {name.whole}", name, name.variant, list(experiment.variants))
    return name.variant


def _unknown(what: str, name: ExperimentName, asked: str, known: Sequence[str]) -> UnknownExperimentError:
    near = nearest_names(asked, known)
    there = f" There are: {', '.join(known)}." if known else ""
    return UnknownExperimentError(f"there is no {what}.{did_you_mean(near)}{there}", asked=str(name), nearest=near)


def joined(choices: Sequence[Choice]) -> Choice:
    """Several choices as one; of a model that is named twice the first place counts."""
    if len(choices) == 1:
        return choices[0]
    places = {place[0]: place for choice in reversed(choices) for place in reversed(choice.refs)}
    order = dict.fromkeys(place[0] for choice in choices for place in choice.refs)
    left_out = {ref: why for choice in choices for ref, why in choice.left_out.items()}
    return Choice(tuple(places[ref] for ref in order), left_out)


def _ranked_tier(name: str, view: View, wish: Wish) -> Choice:
    if name not in tiers.TIERS:
        known = [*wish.tiers, *(tier for tier in tiers.TIERS if tier not in wish.tiers)]
        near = nearest_names(name, known)
        raise UnknownTierError(
            f"there is no tier {name!r}.{did_you_mean(near)} There are: {', '.join(known)}.", asked=name, nearest=near
        )
    entries, left_out = _sifted(view.allowed.refs(view.catalog), view, wish)
    ranking = tiers.rank(name, entries, on=view.today, require=wish.require, min_context=wish.min_context)
    places = tuple((place.entry.ref, place.entry, place.reason) for place in ranking.places)
    return Choice(_somebody(name, places, {**left_out, **ranking.left_out}), {**left_out, **ranking.left_out})


def _own_tier(name: str, view: View, wish: Wish) -> Choice:
    """The operator's order is kept."""
    tier = wish.tiers[name]
    entries, left_out = _sifted(Allowlist(tier.models).refs(view.catalog), view, wish)
    places = []
    for entry in entries:
        unfit = tiers.usable(entry, require=wish.require, min_context=wish.min_context, on=view.today)
        if unfit is None:
            places.append((entry.ref, entry, "named by the tier"))
        else:
            left_out[str(entry.ref)] = unfit
    return Choice(_somebody(name, tuple(places), left_out), left_out, tier.strategy, tier.params)


def _sifted(refs: Sequence[ModelRef], view: View, wish: Wish) -> tuple[list[ModelEntry], dict[str, str]]:
    """Those of the user's list that can be used now, and why the others cannot."""
    entries: list[ModelEntry] = []
    left_out: dict[str, str] = {}
    for ref in refs:
        entry = wish.known(ref)
        reason = view.refusal(ref, entry) if view.allowed.allows(ref) else "not in the user's list"
        if reason:
            left_out[str(ref)] = reason
        else:
            entries.append(entry)
    return entries, left_out


Places = tuple[tuple[ModelRef, ModelEntry | None, str], ...]


def _somebody(tier: str, places: Places, left_out: Mapping[str, str]) -> Places:
    if places:
        return places
    shown = "; ".join(f"{ref}: {why}" for ref, why in list(left_out.items())[:REASONS_SHOWN])
    more = f" (and {len(left_out) - REASONS_SHOWN} more)" if len(left_out) > REASONS_SHOWN else ""
    reasons = f" {shown}{more}" if left_out else " The user's list is empty."
    raise EmptyTierError(
        f"no model of the user's list can serve the tier {tier!r}.{reasons}", asked=tier, reasons=left_out
    )
