"""What a registry tells of its usage, whatever its ledger lies in."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.errors import ConfigError
from tests.accounting.conftest import KEY, used, user_of

GPT, MINI = "openai#gpt-4o", "openai#gpt-4o-mini"
A_CALL = Decimal("0.0035")
"""A thousand tokens in and a hundred out, at the packaged price of gpt-4o."""


@pytest.fixture
def filled(registry: LLMRegistry) -> LLMRegistry:
    """Two calls of ada's and one of ben's."""
    for user, model, seconds in (("ada", GPT, 2.0), ("ada", MINI, 0.5), ("ben", GPT, 4.0)):
        registry.record_usage(model, used(), user=user, seconds=seconds, first_token=0.25)
    return registry


class TestGrouping:
    def test_rows_are_told_apart_as_asked_and_come_dearest_first(self, filled: LLMRegistry) -> None:
        rows = filled.usage(by=("user", "model"))
        assert {(row.user, row.model) for row in rows} == {("ada", GPT), ("ada", MINI), ("ben", GPT)}
        assert [row.cost for row in rows] == sorted((row.cost for row in rows), reverse=True)
        assert rows[0].cost == A_CALL

    def test_one_name_needs_no_list(self, filled: LLMRegistry) -> None:
        (row,) = filled.usage(by="provider")
        assert (row.provider, row.requests, row.input_tokens, row.output_tokens) == ("openai", 3, 3_000, 300)

    def test_without_a_name_it_is_one_sum(self, filled: LLMRegistry) -> None:
        (row,) = filled.usage(by=())
        assert row.to_dict()["requests"] == 3

    def test_records_are_chosen_by_value_and_by_time(self, filled: LLMRegistry) -> None:
        (row,) = filled.usage(by="user", where={"model": GPT, "user": "ben"}, since=dt.timedelta(hours=1))
        assert (row.user, row.requests) == ("ben", 1)
        assert filled.usage(until=dt.timedelta(hours=1)) == ()
        assert (
            len(filled.usage(by="user", since=dt.date(2000, 1, 1), until=dt.datetime(2200, 1, 1, tzinfo=dt.UTC))) == 2
        )

    def test_records_are_chosen_by_a_tag_that_they_carry(self, registry: LLMRegistry) -> None:
        lists: tuple[list[str], ...] = (["a"], ["a", "b"], ["b", "a", "c"], ["ab"], [","], ['x,"a",y'], [], ["\\", "A"])
        for tags in lists:
            registry.record_usage(GPT, used(), tags=tags)
        for tag in ("a", "b", "c", "ab", ",", 'x,"a",y', "\\", "A", "", '"'):
            wanted = sum(tag in tags for tags in lists)
            assert sum(row.requests for row in registry.usage(by=(), where={"tag": tag})) == wanted

    def test_what_there_is_not_is_named_with_the_nearest(self, registry: LLMRegistry) -> None:
        with pytest.raises(ConfigError, match=r"'modle'.*model"):
            registry.usage(by="modle")
        with pytest.raises(ConfigError, match=r"'sinc'.*Nearest: since"):
            registry.usage(sinc=None)  # type: ignore[call-arg]

    async def test_tasks_are_told_the_same(self, filled: LLMRegistry) -> None:
        """Three questions at once, while the loop goes on."""
        usage, metrics, ranking = await asyncio.gather(filled.ausage(), filled.ametrics(), filled.arank_models())
        assert (usage, metrics, ranking) == (filled.usage(), filled.metrics(), filled.rank_models())


class TestMetrics:
    def test_speed_and_cost_are_of_what_answered(self, filled: LLMRegistry) -> None:
        filled.record_usage(GPT, None, user="ada", outcome="failed", error="provider_down", cost=0, seconds=60)
        row = next(row for row in filled.metrics() if row.usage.model == GPT)
        assert (row.latency.p50, row.latency.p99, row.first_token.p50) == (2.0, 4.0, 0.25)
        assert row.usage.success_rate == pytest.approx(2 / 3)
        assert row.usage.cost_per_answer == A_CALL
        assert row.tokens_per_second.p99 == pytest.approx(100 / 1.75, rel=0.01)

    @pytest.mark.parametrize(
        ("figure", "best"),
        [("cost_per_answer", MINI), ("latency", MINI), ("tokens_per_second", MINI), ("requests", GPT), ("cost", MINI)],
    )
    def test_models_are_ranked_by_any_figure(self, filled: LLMRegistry, figure: str, best: str) -> None:
        assert filled.rank_models(by=figure)[0].usage.model == best  # type: ignore[arg-type]

    def test_a_figure_that_there_is_not_is_named_with_the_nearest(self, registry: LLMRegistry) -> None:
        with pytest.raises(ConfigError, match=r"'latancy'.*Nearest: latency"):
            registry.rank_models(by="latancy")  # type: ignore[arg-type]

    def test_rows_are_plain_values_for_a_data_frame(self, filled: LLMRegistry) -> None:
        (row,) = filled.metrics(by=(), where={"model": MINI}).to_dicts()
        assert row["latency_p50"] == 0.5
        assert row["cost"] == row["cost_per_answer"]


class TestBookedElsewhere:
    def test_the_catalog_says_what_it_cost_where_nobody_else_does(self, registry: LLMRegistry) -> None:
        registry.record_usage(GPT, used(), user="ada")
        registry.record_usage(GPT, used(), user="ben", cost="0.5")
        assert {row.user: row.cost for row in registry.usage(by="user")} == {"ada": A_CALL, "ben": Decimal("0.5")}
        assert {row.group["basis"] for row in registry.usage(by="basis")} == {"catalog", "provider"}

    def test_an_unknown_price_is_counted_apart_and_is_never_zero(self, registry: LLMRegistry) -> None:
        registry.record_usage("mybox#house-model", used(), user="ada")
        (row,) = registry.usage(by="user")
        assert (row.unpriced, row.input_tokens) == (1, 1_000)

    def test_the_same_attempt_counts_once(self, registry: LLMRegistry) -> None:
        states = [registry.record_usage(GPT, used(), attempt_id="job-7").state for _ in range(2)]
        assert states == ["recorded", "repeated"]
        assert registry.usage(by=())[0].cost == A_CALL

    def test_figures_that_cannot_be_true_are_doubted(self, registry: LLMRegistry) -> None:
        registry.record_usage(GPT, {"input_tokens": -5, "output_tokens": 10**12}, user="ada")
        (row,) = registry.usage(by="user")
        assert (row.input_tokens, row.output_tokens, row.unpriced) == (0, 0, 1)

    @pytest.mark.parametrize(
        ("facts", "says"),
        [
            ({"usr": "ada"}, "no fact 'usr'.*Nearest: user"),
            ({"cost": "much"}, "dollars"),
            ({"cost": -1}, "dollars"),
            ({"cost": "nan"}, "dollars"),
            ({"outcome": "fine"}, "answered"),
        ],
    )
    def test_what_cannot_be_is_refused_by_name(
        self, registry: LLMRegistry, facts: dict[str, object], says: str
    ) -> None:
        with pytest.raises(ConfigError, match=says):
            registry.record_usage(GPT, used(), **facts)  # type: ignore[arg-type]
        assert registry.usage() == ()

    async def test_tasks_book_alike_and_a_user_books_for_nobody_else(self, registry: LLMRegistry) -> None:
        ada = user_of(registry)
        await ada.arecord_usage(GPT, used(), user="ben")
        await registry.arecord_usage(GPT, used(), user="ben", tags=["batch"], experiment="night")
        assert [row.requests for row in await ada.ausage()] == [1]
        assert {row.user for row in registry.usage(by="user")} == {"ada", "ben"}
        assert [row.experiment for row in registry.usage(by="experiment", where={"user": "ben"})] == ["night"]


class TestCorrected:
    """Case 63: what was estimated is corrected by an entry with the difference, once the provider has been asked."""

    def test_the_entry_that_stands_stays_and_another_holds_the_difference(
        self, registry: LLMRegistry, tmp_path: Path
    ) -> None:
        registry.record_usage(GPT, used(), user="ada", attempt_id="a", seconds=2.0, request_id="gen-7", tags=["x"])
        states = [registry.correct_usage("a", used(1_000, 50), cost="0.003").state for _ in range(2)]
        assert states == ["corrected", "repeated"]
        (row,) = registry.usage(by=("user", "basis"), where={"basis": "provider"})
        assert (row.requests, row.cost, row.output_tokens) == (0, Decimal("-0.0005"), -50)
        (whole,) = registry.usage(by="user")
        assert (whole.requests, whole.cost, whole.output_tokens) == (1, Decimal("0.003"), 50)
        assert {row.value: row.spent for row in registry.budgets()} == {"ada": Decimal("0.003")}
        first, second = map(json.loads, registry.export(tmp_path / "all.jsonl").read_text().splitlines())
        assert (first["cost"], second["cost"], second["kind"]) == ("0.0035", "-0.0005", "correction")
        assert (second["request_id"], second["tags"]) == ("gen-7", ["x"])
        assert registry._house.accounts.ledger.audit() == []

    async def test_the_prices_of_its_day_say_what_it_cost_where_nobody_else_does(self, registry: LLMRegistry) -> None:
        await registry.arecord_usage(GPT, None, user="ada", attempt_id="a", cost=1)
        assert (await registry.acorrect_usage("a", used())).state == "corrected"
        (row,) = registry.usage(by="user")
        assert (row.cost, row.input_tokens, row.output_tokens) == (A_CALL, 1_000, 100)

    def test_what_nobody_knew_the_price_of_gets_one(self, registry: LLMRegistry) -> None:
        registry.record_usage("mybox#house-model", used(), attempt_id="a")
        registry.correct_usage("a", cost="0.25")
        (row,) = registry.usage(by=())
        assert (row.unpriced, row.cost, row.input_tokens) == (0, Decimal("0.25"), 1_000)

    def test_time_is_counted_once(self, registry: LLMRegistry) -> None:
        registry.record_usage(GPT, used(), attempt_id="a", seconds=2.0)
        registry.record_usage(GPT, used(), attempt_id="b", seconds=4.0)
        for cost in ("0.1", "0.2", "0.3"):
            registry.correct_usage("b", cost=cost)
        assert registry.metrics()[0].latency.p50 == 2.0

    def test_what_cannot_be_corrected_is_said(self, registry: LLMRegistry) -> None:
        registry.record_usage(GPT, used(), attempt_id="a")
        with pytest.raises(ConfigError, match="no attempt 'b'; it was never recorded"):
            registry.correct_usage("b", cost=1)
        with pytest.raises(ConfigError, match="Give usage, cost, or both"):
            registry.correct_usage("a")
        with pytest.raises(ConfigError, match="dollars"):
            registry.correct_usage("a", cost=-1)


class TestUpkeep:
    def test_a_reset_begins_anew_and_loses_nothing(self, filled: LLMRegistry) -> None:
        filled.reset("user", "ada", reason="a new contract")
        assert {row.user for row in filled.usage(by="user")} == {"ben"}
        assert {row.user: row.requests for row in filled.usage(by="user", whole=True)} == {"ada": 2, "ben": 1}

    async def test_everything_can_be_reset_in_a_task(self, filled: LLMRegistry) -> None:
        await filled.areset(reason="a new year")
        assert filled.usage() == ()

    async def test_condensing_keeps_every_sum(self, filled: LLMRegistry) -> None:
        before = filled.usage(by=("user", "model", "day"))
        assert filled.condense(dt.timedelta(days=1)) == 0
        assert await filled.acondense(dt.timedelta(days=-1)) == 3
        assert filled.usage(by=("user", "model", "day")) == before
        assert filled.metrics()[0].latency.p50 is None

    def test_an_export_holds_every_entry_in_either_form(self, filled: LLMRegistry, tmp_path: Path) -> None:
        table = list(csv.DictReader(io.StringIO(filled.export(tmp_path / "usage.csv").read_text())))
        lines = [json.loads(line) for line in filled.export(tmp_path / "usage.log", "jsonl").read_text().splitlines()]
        assert [row["user_id"] for row in table] == [row["user_id"] for row in lines] == ["ada", "ada", "ben"]
        assert sum(Decimal(row["cost"]) for row in lines) == sum(row.cost for row in filled.usage())
        assert sorted(path.name for path in tmp_path.glob("*usage*")) == ["usage.csv", "usage.log"]

    def test_an_export_that_fails_leaves_the_last_one(self, filled: LLMRegistry, tmp_path: Path) -> None:
        asyncio.run(filled.aexport(tmp_path / "usage.csv"))
        with pytest.raises(ConfigError, match="csv or jsonl, not 'xlsx'"):
            filled.export(tmp_path / "usage.xlsx")
        (tmp_path / "folder.csv").mkdir()
        with pytest.raises(OSError, match=r"folder\.csv"):
            filled.export(tmp_path / "folder.csv")
        assert sorted(path.name for path in tmp_path.glob("*.csv*")) == ["folder.csv", "usage.csv"]


def test_a_user_sees_nobody_else(filled: LLMRegistry) -> None:
    ben = user_of(filled, "ben")
    assert [(row.model, row.requests) for row in ben.usage()] == [(GPT, 1)]
    assert [row.user for row in ben.usage(by="user", where={"user": "ada"})] == ["ben"]


def test_no_key_is_anywhere_in_the_accounts(filled: LLMRegistry, tmp_path: Path) -> None:
    user = user_of(filled)
    shown = [
        *(repr(rows) + rows._repr_html_() for rows in (filled.usage(by="key"), user.usage(), user.budget())),
        filled.metrics()._repr_html_(),
        filled.export(tmp_path / "all.jsonl").read_text(),
        str(user.estimate_cost("Hello", model=GPT)),
        str(user.explain(GPT)),
        repr(user.check_limit(GPT)),
    ]
    assert KEY not in "".join(shown)
