"""The catalog itself: what is known to be true of it, whatever the sources say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from catalog_build.build import Built, Evidence, build, gather
from catalog_build.claims import Claim, PriceClaim
from catalog_build.gates import entry_faults
from catalog_build.precedence import LABS
from catalog_build.rates import LEAVES
from langchain_lucky_models.catalog import Catalog, prices
from langchain_lucky_models.catalog.entry import ModelEntry, PricePeriod
from langchain_lucky_models.errors import CatalogError

D = Decimal
CUT = dt.date(2026, 8, 21)


@pytest.fixture(scope="module")
def catalog(built: Built) -> Catalog:
    """The entries of the build, to be looked up."""
    return Catalog(built.artefact.models)


def price(entry: ModelEntry, day: dt.date, leaf: str = "input") -> Decimal | None:
    """One rate on a day."""
    found = prices.price_at(entry, day)
    return getattr(found, leaf) if found else None


def test_every_provider_is_there_with_its_models(built: Built) -> None:
    counts = Counter(entry.provider for entry in built.artefact.models)
    least = {
        "openai": 120,
        "groq": 30,
        "openrouter": 450,
        "anthropic": 15,
        "google": 60,
        "mistral": 70,
        "deepseek": 8,
        "xai": 40,
        "requesty": 160,
        "local": 1,
        "ollama": 20,
        "vllm": 15,
    }
    assert set(counts) == set(least)
    assert not [provider for provider, models in least.items() if counts[provider] < models]


def test_gpt_5_6_sol_costs_5_and_30_until_its_cut_and_4_and_20_from_then_on(catalog: Catalog) -> None:
    entry = catalog.get("openai#gpt-5.6-sol")
    assert (price(entry, CUT - dt.timedelta(1)), price(entry, CUT - dt.timedelta(1), "output")) == (D(5), D(30))
    assert (price(entry, CUT), price(entry, CUT, "output")) == (D(4), D(20))


def test_a_long_prompt_to_gpt_5_6_sol_begins_behind_272_000_tokens(catalog: Catalog) -> None:
    """Another field of the source calls the same prices "over 200k"."""
    assert {tier.above for period in catalog.get("openai#gpt-5.6-sol").pricing for tier in period.tiers} == {272_000}


def test_an_alias_and_its_model_are_one_entry(catalog: Catalog) -> None:
    assert catalog.get("openai#gpt-5.6") == catalog.get("openai#gpt-5.6-sol")


def test_gpt_4o_of_may_2024_keeps_its_own_price(catalog: Catalog) -> None:
    entry = catalog.get("openai#gpt-4o-2024-05-13")
    assert entry.id == "gpt-4o-2024-05-13"
    assert (entry.pricing[-1].input, entry.pricing[-1].output) == (D(5), D(15))
    assert (catalog.get("openai#gpt-4o").pricing[-1].input, entry.base) == (D("2.5"), "gpt-4o")


def test_an_anthropic_snapshot_leads_to_its_family(catalog: Catalog) -> None:
    assert catalog.get("anthropic#claude-haiku-4-5-20251001").id == "claude-haiku-4-5"


def test_prices_below_nothing_mean_that_the_router_decides(catalog: Catalog) -> None:
    entry = catalog.get("openrouter#openrouter/auto")
    assert (entry.price_state, entry.pricing) == ("dynamic", ())


def test_free_variants_are_free_and_their_bases_are_not(built: Built, catalog: Catalog) -> None:
    variants = [entry for entry in built.artefact.models if entry.id.endswith(":free")]
    assert {entry.price_state for entry in variants} == {"free"}
    based = [catalog.get(f"openrouter#{entry.base}", None) for entry in variants]
    assert {base.price_state for base in based if base} == {"priced"}


def test_a_price_of_zero_is_only_where_the_model_is_free_or_local(built: Built) -> None:
    for entry in built.artefact.models:
        zeros = [leaf for period in entry.pricing for leaf in LEAVES if getattr(period, leaf) == 0]
        assert not zeros or entry.price_state in {"free", "local"}, str(entry.ref)


def test_groqs_own_list_prices_its_cache(catalog: Catalog) -> None:
    entry = catalog.get("groq#qwen/qwen3.8-27b")
    assert (entry.pricing[-1].input, entry.pricing[-1].cache_read) == (D("0.8"), D("0.4"))
    assert entry.capabilities.json_schema is False


def test_groqs_list_decides_who_is_alive(built: Built) -> None:
    living = {
        entry.id for entry in built.artefact.models if entry.provider == "groq" and entry.status.state != "retired"
    }
    assert len(living) == 11
    assert {"openai/gpt-oss-120b", "qwen/qwen3.8-27b"} <= living


@pytest.mark.parametrize(
    ("gone", "instead"),
    [("llama-3.3-70b-versatile", "openai/gpt-oss-120b"), ("llama-3.1-8b-instant", "openai/gpt-oss-20b")],
)
def test_what_groq_shut_off_names_its_day_and_its_replacement(catalog: Catalog, gone: str, instead: str) -> None:
    status = catalog.get(f"groq#{gone}").status
    assert (status.state, status.shutdown_on, status.replacement) == (
        "retired",
        dt.date(2026, 8, 16),
        f"groq#{instead}",
    )


def test_what_was_retired_with_a_replacement_can_be_followed_but_not_by_itself(built: Built) -> None:
    (found,) = [one for one in built.artefact.migrations if one.old == "groq#llama-3.3-70b-versatile"]
    assert (found.new, found.automatic, found.kind) == ("groq#openai/gpt-oss-120b", False, "retired")


def test_every_migration_leads_to_a_model_at_the_same_price_where_it_is_automatic(
    built: Built, catalog: Catalog
) -> None:
    for migration in built.artefact.migrations:
        if migration.new is not None:
            new = catalog.get(migration.new)
            assert not migration.automatic or catalog.get(migration.old).pricing[-1].input == new.pricing[-1].input


def test_cache_reads_and_writes_are_kept_apart(catalog: Catalog) -> None:
    period = catalog.get("anthropic#claude-sonnet-4-5").pricing[-1]
    assert (period.cache_read, period.cache_write, period.cache_write_1h) == (D("0.3"), D("3.75"), D(6))


def test_the_newer_cache_price_of_claude_sonnet_5_5_wins_over_the_older_table(catalog: Catalog) -> None:
    assert catalog.get("anthropic#claude-sonnet-5-5").pricing[-1].cache_read == D("0.1")


def test_batch_prices_stand_only_where_a_source_lists_them(built: Built) -> None:
    batched = {
        entry.id
        for entry in built.artefact.models
        if entry.provider == "groq" and entry.pricing[-1:] and entry.pricing[-1].modes.batch
    }
    assert batched == {"openai/gpt-oss-120b", "openai/gpt-oss-20b", "openai/gpt-oss-safeguard-20b"} & batched
    assert batched
    for entry in built.artefact.models:
        assert entry.provider not in {"openrouter", "requesty"} or not any(one.modes.batch for one in entry.pricing)


def test_rows_of_requestys_own_list_are_there(catalog: Catalog) -> None:
    free = catalog.get("requesty#google/gemma-4-31b-it")
    assert (free.price_state, free.limits.context, free.capabilities.json_schema) == ("free", 262_144, False)
    paid = catalog.get("requesty#anthropic/claude-3-5-sonnet-20240620").pricing[-1]
    assert (paid.input, paid.output, paid.cache_read, paid.cache_write) == (D("2.8"), D(15), D("0.3"), D("3.75"))


def test_json_mode_and_json_schema_are_two_things(catalog: Catalog) -> None:
    capabilities = catalog.get("groq#qwen/qwen3.8-27b").capabilities
    assert (capabilities.json_mode, capabilities.json_schema) == (True, False)


def test_support_at_some_endpoints_only_is_said(built: Built) -> None:
    values = Counter(
        entry.capabilities.json_schema for entry in built.artefact.models if entry.provider == "openrouter"
    )
    assert values["some_endpoints"] > 20


def test_input_limits_are_not_taken_for_contexts(catalog: Catalog) -> None:
    limits = catalog.get("openai#gpt-5-mini").limits
    assert (limits.context, limits.input, limits.output) == (400_000, 272_000, 128_000)


def test_deepseek_charges_more_at_certain_hours(catalog: Catalog) -> None:
    entry = catalog.get("deepseek#deepseek-flash")
    night, day = (dt.datetime(2026, 11, 11, hour, tzinfo=dt.UTC) for hour in (0, 7))
    rates = [prices.price_at(entry, moment) for moment in (night, day)]
    assert [rate.output for rate in rates if rate] == [D("0.6"), D("1.2")]


def test_image_models_say_what_their_output_price_is_for(built: Built) -> None:
    for entry in built.artefact.models:
        if "image" in entry.modalities.output and entry.pricing:
            assert any(str(mark).startswith("unit:") for mark in entry.prov["pricing"]), str(entry.ref)


def test_every_entry_passes_every_gate(built: Built) -> None:
    faults = [fault for entry in built.artefact.models for fault in entry_faults(entry, len(built.artefact.sources))]
    assert faults == []


def test_every_price_says_who_stands_for_it(built: Built) -> None:
    for entry in built.artefact.models:
        assert bool(entry.pricing) <= ("pricing" in entry.prov), str(entry.ref)


def test_a_labs_price_is_agreed_upon_or_decided(built: Built) -> None:
    for entry in built.artefact.models:
        if entry.provider in {"openai", "anthropic", "google", "mistral", "deepseek", "xai"} and entry.pricing:
            assert {"agree:2", "agree:3", "decided"} & set(entry.prov["pricing"]), str(entry.ref)


def test_a_price_is_the_one_that_its_winner_names(built: Built) -> None:
    """Field by field, from the input to the artefact: nothing on the way has moved a figure."""
    compared = 0
    for entry in built.artefact.models:
        draft = built.drafts[str(entry.ref)]
        for claim in draft.claims:
            if claim.price and claim.source in draft.price.sources[:1]:
                for said, written in zip(claim.price.periods[-1:], entry.pricing[-1:], strict=True):
                    named = {leaf: rate for leaf in LEAVES if (rate := getattr(said, leaf)) is not None}
                    assert {leaf: getattr(written, leaf) for leaf in named} == named, str(entry.ref)
                    compared += 1
    assert compared > 800


def test_a_labs_cache_price_is_a_typical_part_of_its_input(built: Built) -> None:
    """A slip by ten is seen before it ships; the one exception is a price that two sources confirm."""
    parts = [
        (str(entry.ref), period.cache_read / period.input)
        for entry in built.artefact.models
        for period in entry.pricing
        if entry.provider in LABS and period.input and period.cache_read is not None
    ]
    assert len(parts) > 100
    assert {ref for ref, part in parts if not D("0.02") <= part <= D("0.5")} == {"deepseek#deepseek-v4-pro"}


def test_no_figure_comes_from_another_host(built: Built, catalog: Catalog) -> None:
    """What one provider says of a model is no evidence about the same model elsewhere."""
    foreign = [(ref, claim.ref) for ref, draft in built.drafts.items() for claim in draft.claims if claim.ref != ref]
    assert foreign == []
    outputs = [catalog.get(f"{host}#openai/gpt-oss-120b").limits.output for host in ("groq", "openrouter")]
    assert outputs == [65_536, 117_964]


def test_a_retirement_names_our_decision_and_the_rule(built: Built, catalog: Catalog) -> None:
    *places, remark = catalog.get("groq#llama-3.3-70b-versatile").prov["status"]
    assert "curated" in {built.artefact.sources[int(place)].name for place in places}
    assert remark == "rule"


def test_the_catalog_speaks_about_the_newest_day_of_its_sources(built: Built) -> None:
    recorded = [source.date for source in built.artefact.sources if source.name != "curated"]
    assert built.artefact.as_of == max(recorded)


def test_a_snapshot_that_is_another_models_id_is_left_out_and_reported() -> None:
    made = build(_with(gather(), Claim("curated", "local", "odd", {"snapshots": ("smollm2-135m", "odd-1")})))
    (odd,) = [entry for entry in made.artefact.models if str(entry.ref) == "local#odd"]
    assert odd.snapshots == ("odd-1",)
    assert ("local#odd", "smollm2-135m leads elsewhere too") in {(one.ref, one.reason) for one in made.refused}


def test_an_entry_that_its_reader_would_refuse_stops_the_build() -> None:
    with pytest.raises(CatalogError, match=r"the catalog \('local#odd'\): name: holds"):
        build(_with(gather(), Claim("curated", "local", "odd", {"name": "<b>Odd</b>"})))


def test_an_impossible_decision_stops_the_build() -> None:
    wrong = PriceClaim("priced", (PricePeriod(input=D(1), output=D(2), cache_read=D(3)),))
    with pytest.raises(CatalogError, match="local#odd: cache_read 3 is above input 1"):
        build(_with(gather(), Claim("curated", "local", "odd", {"name": "Odd"}, wrong)))


def _with(evidence: Evidence, claim: Claim) -> Evidence:
    return Evidence(
        (*evidence.claims, claim),
        evidence.refused,
        evidence.credits,
        evidence.aliases,
        evidence.trusted,
        evidence.migrations,
    )
