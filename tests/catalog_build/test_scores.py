"""Intelligence: the published values, the evidence levels, and what never happens."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_build.scores import SOURCES, ScoredModel, intelligence_of
from catalog_build.scores.benchmarks import SNAPSHOTS, Measurements
from catalog_build.scores.intelligence import Judge
from catalog_build.scores.names import Names
from catalog_build.scores.scale import Scale
from langchain_lucky_models.catalog.entry import Intelligence
from langchain_lucky_models.refs import ModelRef

NAMES = Names.read()
MEASUREMENTS = Measurements.read(NAMES)
JUDGE = Judge(NAMES, MEASUREMENTS, Scale.read())


def a_model(ref: str, *, base: str | None = None) -> ScoredModel:
    """A text model of which nothing but its name is known."""
    parsed = ModelRef.parse(ref)
    return ScoredModel(ref, parsed.provider, parsed.model, base, None, None, None, None, is_text=True)


def an_unknown_model(ref: str = "openrouter#nobody/knows-1") -> ScoredModel:
    """A model that no benchmark knows, with all that an estimate needs."""
    return replace(
        a_model(ref),
        release_date=dt.date(2025, 6, 1),
        output_price=Decimal(2),
        reasoning=True,
        open_weights=False,
    )


def judged(ref: str, *, base: str | None = None) -> Intelligence:
    """The intelligence of a model that has one."""
    found = JUDGE.intelligence(a_model(ref, base=base))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ref", "score"),
    [
        ("openai#gpt-4", 5.4),
        ("openai#gpt-3.5-turbo", 4.6),
        ("openai#gpt-4o", 6.1),
        ("openai#gpt-4o-mini", 5.5),
        ("openai#gpt-4.1", 6.7),
        ("openai#gpt-5", 7.8),
        ("openai#gpt-5-mini", 7.4),
        ("openai#gpt-5.4", 8.4),
        ("openai#gpt-5.6-sol", 8.0),
        ("anthropic#claude-opus-5", 8.2),
        ("anthropic#claude-sonnet-4-5", 7.6),
        ("anthropic#claude-haiku-4-5", 7.2),
        ("google#gemini-3.1-pro-preview", 8.5),
        ("groq#openai/gpt-oss-120b", 6.6),
        ("groq#openai/gpt-oss-20b", 5.8),
        ("groq#llama-3.3-70b-versatile", 5.6),
        ("groq#llama-3.1-8b-instant", 4.3),
        ("openrouter#mistralai/mistral-7b-instruct", 3.1),
    ],
)
def test_well_known_models_have_the_scores_of_the_frozen_scale(ref: str, score: float) -> None:
    """To the decimal: the scale is frozen, and so are the snapshots."""
    assert judged(ref).score == score


def test_two_benchmarks_make_a_score_measured_and_name_themselves_with_their_dates() -> None:
    """Each source is a benchmark and the day of its snapshot."""
    found = judged("openai#gpt-4o")
    assert found.evidence == "measured"
    assert found.sources == (("lmarena-text-sc", "2026-08-19"), ("aider-polyglot", "2025-10-03"))
    assert found.scale == "eci-85-170/v1"
    assert (found.base, found.method, found.interval) == (None, None, None)


def test_one_benchmark_alone_makes_a_score_single() -> None:
    """A single benchmark may be wrong about a model; the entry says that there was no second."""
    found = judged("openai#gpt-5.6-sol")
    assert found.evidence == "single"
    assert found.sources == (("lmarena-text-sc", "2026-08-19"),)


@pytest.mark.parametrize(
    ("ref", "base"),
    [
        ("openai#gpt-4o-2024-05-13", "gpt-4o"),
        ("openai#gpt-4-0613", "gpt-4"),
        ("openai#gpt-5.5-pro", "gpt-5.5"),
        ("anthropic#claude-haiku-4-5-20251001", "claude-haiku-4.5"),
        ("openrouter#openai/gpt-5.6-luna-pro:batch", "gpt-5.6-luna"),
        ("openrouter#google/gemma-4-31b-it:free", "gemma-4-31b-it"),
        ("openrouter#openai/gpt-4o", "gpt-4o"),
        ("requesty#claude-sonnet-4-5@eu", "claude-sonnet-4.5"),
        ("groq#llama-3.3-70b-versatile", "llama-3.3-70b-instruct"),
        ("mistral#zai-glm-5-2", "glm-5.2"),
        ("ollama#gpt-oss:20b", "gpt-oss-20b"),
    ],
)
def test_snapshots_variants_and_hosted_copies_inherit_and_name_their_base(ref: str, base: str) -> None:
    """The score is the base's own, and the entry says whose it is."""
    found = judged(ref)
    assert (found.evidence, found.base) == ("inherited", base)
    figures = MEASUREMENTS.figures[base]
    assert found.score == float(JUDGE.scale.score(JUDGE.scale.index(figures)))


def test_a_variant_that_was_measured_itself_keeps_its_own_score() -> None:
    """gpt-5.4-pro stands in an index under its own name, so it does not inherit gpt-5.4's."""
    found = judged("openai#gpt-5.4-pro")
    assert (found.evidence, found.base) == ("single", None)
    assert found.score > judged("openai#gpt-5.4").score


def test_the_base_that_the_catalog_names_is_asked_last() -> None:
    """An alias that no spelling reveals inherits from the base it came with."""
    assert judged("openai#my-alias", base="gpt-5").base == "gpt-5"
    assert judged("openai#gpt-4o", base="gpt-5").evidence == "measured"


def test_a_tag_names_another_size_not_a_variant() -> None:
    """The small distillates that share a name with deepseek-r1 are not it, though the catalog calls it their base."""
    assert JUDGE.intelligence(a_model("ollama#deepseek-r1:1.5b", base="deepseek-r1")) is None
    assert judged("ollama#deepseek-r1:671b", base="deepseek-r1").base == "deepseek-r1"
    assert judged("openrouter#deepseek/deepseek-r1:free", base="deepseek/deepseek-r1").base == "deepseek-r1"


@pytest.mark.parametrize(
    "ref",
    [
        "openai#gpt-4o-mini-search-preview",
        "openai#gpt-5.6-cyber",
        "openai#gpt-5.55",
        "openai#gpt",
        "openrouter#openai/gpt-oss-safeguard-20b",
        "ollama#deepseek-r1:7b",
        "openrouter#deepseek/deepseek-r1-distill-llama-70b",
        "deepseek#deepseek-chat",
        "mistral#mistral-large-2500",
        "anthropic#claude-haiku-4-5-20251399",
    ],
)
def test_a_name_that_only_resembles_another_gets_nothing_of_it(ref: str) -> None:
    """No prefix, no substring, no date that no calendar has."""
    assert JUDGE.intelligence(a_model(ref)) is None


def test_a_model_that_nobody_measured_is_estimated_with_its_method_and_interval() -> None:
    """115.654 + 4.979·log10(2) + .829·22.467 months + 4.187 make an index of 139.965, which is a 6.8."""
    found = JUDGE.intelligence(an_unknown_model())
    assert found == Intelligence(
        score=6.8, evidence="estimated", scale="eci-85-170/v1", method="regression/v1", interval=1.2
    )


@given(
    price=st.decimals("0.0001", "100000", places=4),
    released=st.dates(dt.date(2019, 1, 1), dt.date(2040, 1, 1)),
    reasoning=st.booleans(),
    open_weights=st.booleans(),
)
def test_an_estimate_stays_between_one_and_eight(
    price: Decimal, released: dt.date, *, reasoning: bool, open_weights: bool
) -> None:
    """However new and dear a model is, only a measurement takes it to the top of the scale."""
    model = replace(
        an_unknown_model(),
        output_price=price,
        release_date=released,
        reasoning=reasoning,
        open_weights=open_weights,
    )
    found = JUDGE.intelligence(model)
    assert found is not None
    assert 1 <= found.score <= 8
    assert round(found.score, 1) == found.score


@pytest.mark.parametrize(
    "lacking",
    [
        {"output_price": None},
        {"output_price": Decimal(0)},
        {"output_price": Decimal(-1)},
        {"release_date": None},
        {"reasoning": None},
        {"open_weights": None},
        {"is_text": False},
        {"model": "nobody/knows-guard-1"},
    ],
    ids=str,
)
def test_nothing_is_estimated_from_what_is_not_known(lacking: dict[str, object]) -> None:
    """Free, unpriced, undated, wordless models and classifiers have no intelligence here."""
    assert JUDGE.intelligence(replace(an_unknown_model(), **lacking)) is None  # type: ignore[arg-type]


def test_an_estimated_model_is_nobodys_base() -> None:
    """What names an unmeasured model as its base is estimated itself, or has nothing."""
    base = an_unknown_model("openai#knows-1")
    variant = replace(a_model("openai#knows-1-2025-06-01", base=base.model))
    found = intelligence_of([base, variant])
    assert found["openai#knows-1"].evidence == "estimated"
    assert variant.ref not in found


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
def test_every_measured_key_scores_within_the_scale(provider: str) -> None:
    """Every row of every snapshot, however weak or strong the model."""
    models = [a_model(f"{provider}#{key}") for key in MEASUREMENTS.figures if "," not in key]
    found = intelligence_of(models)
    assert len(found) == len(models)
    assert all(1 <= intelligence.score <= 10 for intelligence in found.values())
    assert all(intelligence.evidence != "estimated" for intelligence in found.values())


POOL = [
    *(a_model(f"openai#{key}") for key in ("gpt-5", "gpt-5-mini", "gpt-5-2025-08-07", "gpt-5-pro", "o3-pro")),
    a_model("openrouter#openai/gpt-5:batch"),
    a_model("openai#gpt-5-latest", base="gpt-5"),
    an_unknown_model(),
    an_unknown_model("openai#gpt-5-next"),
]
ALONE = {model.ref: JUDGE.intelligence(model) for model in POOL}


@settings(max_examples=25)
@given(st.lists(st.sampled_from(POOL), unique=True))
def test_adding_a_model_never_moves_another(models: list[ScoredModel]) -> None:
    """In whatever company and order, a model's score is the one it has alone."""
    assert intelligence_of(models) == {model.ref: ALONE[model.ref] for model in models if ALONE[model.ref]}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_credited_with_date_and_licence(name: str) -> None:
    """What the scores name as a source stands in the table of snapshots under that very name."""
    table = tomllib.loads((SNAPSHOTS / "sources.toml").read_text(encoding="utf-8"))
    [row] = [row for row in table.values() if row["name"] == name]
    assert dt.date.fromisoformat(row["date"]) <= dt.date(2026, 11, 21)
    assert row["licence"]
    assert row["origin"]
