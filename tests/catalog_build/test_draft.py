"""Dated ids and aliases: what is folded into its base, and what keeps an entry of its own."""

from __future__ import annotations

import datetime as dt

from catalog_build.claims import Claim, Fact, PriceClaim
from catalog_build.draft import Draft, drafts_of, group, sound
from langchain_lucky_models.catalog.entry import PricePeriod

TODAY = dt.date(2026, 11, 12)


def said(source: str, model: str, price: str | None = None, **facts: Fact) -> Claim:
    """A claim about an OpenAI model; underscores in the names of facts stand for dots."""
    period = PricePeriod.model_validate({"input": price, "output": "100"})
    named = {name.replace("__", "."): value for name, value in facts.items()}
    return Claim(source, "openai", model, named, PriceClaim("priced", (period,)) if price else None)


def drafts(*claims: Claim, aliases: dict[str, str] | None = None) -> dict[str, Draft]:
    """Drafts by model id."""
    found = drafts_of(claims, aliases or {}, {}, TODAY)
    return {draft.id: draft for draft in found.values()}


BASE = [said("litellm", "gpt-4o", "2.5"), said("genai-prices", "gpt-4o", "2.5")]


def test_a_dated_id_at_the_same_price_is_a_snapshot_of_its_base() -> None:
    found = drafts(*BASE, said("litellm", "gpt-4o-2024-08-06", "2.5"))
    assert list(found) == ["gpt-4o"]
    assert found["gpt-4o"].snapshots == ("gpt-4o-2024-08-06",)


def test_a_dated_id_at_another_price_keeps_its_own_entry() -> None:
    found = drafts(*BASE, said("litellm", "gpt-4o-2024-05-13", "5"), said("genai-prices", "gpt-4o-2024-05-13", "5"))
    assert found["gpt-4o-2024-05-13"].base == "gpt-4o"
    price = found["gpt-4o-2024-05-13"].price.claim
    assert price is not None
    assert price.periods[0].input == 5


def test_a_dated_id_with_another_fate_or_other_limits_keeps_its_own_entry() -> None:
    gone = said("litellm", "gpt-4o-2024-08-06", "2.5", status__shutdown_on="2027-01-14")
    small = said("litellm", "gpt-4o-2024-11-20", "2.5", limits__output=4096)
    assert set(drafts(*BASE, gone, small)) == {"gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"}


def test_a_dated_id_with_its_own_entry_takes_the_base_for_a_second_voice() -> None:
    """Only litellm knows it; genai-prices prices the family the same."""
    gone = said("litellm", "gpt-4o-2024-08-06", "2.5", status__shutdown_on="2027-01-14")
    assert drafts(*BASE, gone)["gpt-4o-2024-08-06"].price.sources == ("genai-prices", "litellm")


def test_four_digits_without_a_year_are_no_date() -> None:
    assert set(drafts(*BASE, said("litellm", "gpt-4o-0613", "2.5"))) == {"gpt-4o", "gpt-4o-0613"}


def test_a_dated_id_without_its_base_stands_alone() -> None:
    (draft,) = drafts(said("litellm", "sora-2-2026-01-01")).values()
    assert draft.base is None


def test_an_alias_loses_its_own_entry_and_leads_to_the_model() -> None:
    found = drafts(
        *BASE, said("litellm", "gpt-4", "9"), aliases={"openai#gpt-4": "openai#gpt-4o", "openai#x": "openai#y"}
    )
    assert list(found) == ["gpt-4o"]
    assert found["gpt-4o"].aliases == ("gpt-4",)


def test_a_dated_form_of_an_alias_is_a_snapshot_of_the_model() -> None:
    dated = said("litellm", "gpt-4-2026-01-01", "2.5")
    found = drafts(*BASE, said("litellm", "gpt-4", "2.5"), dated, aliases={"openai#gpt-4": "openai#gpt-4o"})
    assert list(found) == ["gpt-4o"]
    assert (found["gpt-4o"].aliases, found["gpt-4o"].snapshots) == (("gpt-4",), ("gpt-4-2026-01-01",))


def test_a_source_that_only_adds_facts_makes_no_entry() -> None:
    assert group([Claim("genai-prices", "openai", "gpt-4-cluster", adds=False)]) == {}


def test_an_impossible_price_goes_to_the_report_and_its_facts_stay() -> None:
    bad = said("litellm", "m", "0.0000025", limits__output=5)
    (kept,), refused = sound([bad])
    assert kept.price is None
    assert kept.facts == {"limits.output": 5}
    assert "slip of units" in refused[0].reason
