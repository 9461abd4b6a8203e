"""What may not be written, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from pydantic import ValidationError

from catalog_build.claims import PriceClaim
from catalog_build.gates import change_faults, entry_faults, name_faults, price_faults
from langchain_lucky_models.catalog.artefact import Artefact
from langchain_lucky_models.catalog.entry import ModelEntry, PricePeriod


def priced(**rates: object) -> PriceClaim:
    """A claim of one period."""
    return PriceClaim("priced", (PricePeriod.model_validate(rates),))


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (priced(input="1", output="2", cache_read="1.5"), "cache_read 1.5 is above input 1"),
        (priced(input="1", output="2", cache_read="0"), "cache_read is zero, yet the model is neither free nor local"),
        (priced(input="0", output="0"), "input is zero"),
        (priced(input="2", output="1"), "output 1 is below input 2"),
        (priced(input="0.00000025", output="0.000001"), "looks like a slip of units"),
        (priced(input="250000", output="1000000"), "looks like a slip of units"),
        (
            priced(input="1", output="2", tiers=[{"above": 5, "input": "0.5"}]),
            "the tier above 5 tokens has a lower input",
        ),
        (priced(input="1", output="2", modes={"batch": {"input": "1.5"}}), "batch costs more input than standard"),
        (priced(input="1", output="2", modes={"flex": {"input": "1", "output": "3"}}), "flex costs more output"),
    ],
)
def test_a_price_that_cannot_be_is_named(claim: PriceClaim, reason: str) -> None:
    assert any(reason in fault for fault in price_faults(claim))


def test_a_plausible_price_passes() -> None:
    claim = priced(
        input="4",
        output="20",
        cache_read="0.4",
        cache_write="5",
        tiers=[{"above": 272_000, "input": "8", "output": "30"}],
        modes={"batch": {"input": "2", "output": "10"}, "priority": {"input": "8", "output": "40"}},
    )
    assert list(price_faults(claim)) == []


def test_free_and_local_may_be_zero() -> None:
    period = PricePeriod(input=Decimal(0), output=Decimal(0))
    assert [fault for state in ("free", "local") for fault in price_faults(PriceClaim(state, (period,)))] == []


@pytest.mark.parametrize("rate", ["-1", "NaN", "Infinity", "cheap", "1e9"])
def test_the_form_itself_refuses_what_is_no_price(rate: str) -> None:
    """Case 67: neither negative, nor without number, nor without end."""
    with pytest.raises(ValidationError, match="input"):
        PricePeriod.model_validate({"input": rate})


def an_entry(model: str = "m", price: str = "1", **more: object) -> ModelEntry:
    """A sound entry."""
    row = {
        "provider": "openai",
        "id": model,
        "price_state": "priced",
        "pricing": [{"input": price, "output": "100"}],
        "prov": {"pricing": [0]},
    }
    return ModelEntry.model_validate({**row, **more})


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (an_entry(limits={"context": 10, "output": 20}), "limits.output 20 is above limits.context 10"),
        (an_entry(prov={}), "no source is named"),
        (an_entry(prov={"pricing": [7]}), "points outside of the table of sources"),
        (an_entry(pricing=[]), "yet there is no price"),
        (an_entry(price_state="unknown"), "yet there is a price"),
        (an_entry(pricing=[{"input": "1", "cache_read": "2"}]), "cache_read 2 is above input 1"),
    ],
)
def test_an_entry_that_contradicts_itself_is_named(entry: ModelEntry, reason: str) -> None:
    assert any(reason in fault for fault in entry_faults(entry, 1))


def test_a_sound_entry_passes() -> None:
    assert list(entry_faults(an_entry(), 1)) == []


def test_a_name_that_leads_to_two_models_is_named() -> None:
    entries = [an_entry("a", aliases=["c"]), an_entry("b", snapshots=["c"]), an_entry("a")]
    assert set(name_faults(entries)) == {
        "openai#c leads to openai#a and to openai#b.",
        "openai#a leads to openai#a and to openai#a.",
    }


def test_the_same_id_at_two_providers_is_two_names() -> None:
    assert list(name_faults([an_entry("a"), an_entry("a", provider="groq")])) == []


def an_artefact(entry: Callable[[int], ModelEntry], models: int = 20) -> Artefact:
    """An artefact of so many models."""
    return Artefact(as_of="2026-11-12", sources=(), models=tuple(entry(number) for number in range(models)))


BEFORE = an_artefact(lambda number: an_entry(f"m{number}"))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (
            an_artefact(lambda number: an_entry(f"m{number}"), 17),
            "openai: 3 of 20 models are gone, m17, m18, m19 among them",
        ),
        (an_artefact(lambda number: an_entry(f"m{number}"), 31), "openai: 31 models where there were 20"),
        (
            an_artefact(lambda number: an_entry(f"m{number}", "2" if number < 7 else "1")),
            "openai: 7 of 20 prices changed",
        ),
        (
            an_artefact(lambda number: an_entry(f"m{number}", "11" if number < 1 else "1")),
            "openai#m0: the price changed more",
        ),
        (Artefact(as_of="2026-11-12", sources=(), models=()), "openai: 20 of 20 models are gone"),
    ],
)
def test_an_upheaval_is_named(after: Artefact, reason: str) -> None:
    assert any(reason in fault for fault in change_faults(after, BEFORE))


def test_a_quiet_change_passes() -> None:
    after = an_artefact(lambda number: an_entry(f"m{number}", "2" if number < 3 else "1"), 21)
    assert list(change_faults(after, BEFORE)) == []
