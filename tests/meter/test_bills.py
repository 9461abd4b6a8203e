"""What an attempt is charged: what the provider reports, else an estimate, else all that was held; never too little."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_lucky_models import errors
from langchain_lucky_models.budgets import Balance, Budget, CallSize, Refusal
from langchain_lucky_models.catalog import ModelEntry
from langchain_lucky_models.keys import Credential
from langchain_lucky_models.ledger import Record
from langchain_lucky_models.meter import Bill, Evidence, Size, Tokens, answers_wanted, bound_on_output, tokens_in
from langchain_lucky_models.meter.bills import NOTHING, Expected, bill_of
from langchain_lucky_models.meter.bounds import UNBOUNDED, call_size, estimate_of, shortened
from langchain_lucky_models.meter.numbers import Numbers
from langchain_lucky_models.providers.family import Family
from langchain_lucky_models.providers.table import family_of
from langchain_lucky_models.refs import ModelRef

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DOLLAR = Decimal(1)


@dataclass(frozen=True)
class Asked:
    """A model at a dollar a million tokens of input, and ten of output."""

    entry: ModelEntry | None
    family: Family = family_of("openai")  # noqa: RUF009 - as below
    ref: ModelRef = ModelRef.parse("mybox#m")  # noqa: RUF009 - it is frozen
    credential: Credential = Credential(provider="mybox", owner="house")  # noqa: RUF009 - as above


def entry(**facts: Any) -> ModelEntry:
    """The entry of such a model."""
    usual = {
        "provider": "mybox",
        "id": "m",
        "price_state": "priced",
        "pricing": [{"input": "1", "output": "10"}],
    }
    return ModelEntry.model_validate(usual | facts)


PRICED = Asked(entry())
REPORT: Any = {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100}
EXPECTED = Expected(input=900, output=500, held=Decimal("0.01"))
WHOLE = Evidence("answered", complete=True, usage=REPORT)


def bill(ended: Evidence, asked: Asked = PRICED) -> Bill:
    """What it is charged."""
    return bill_of(asked, ended, EXPECTED, NOW)


class TestBills:
    def test_what_the_provider_reports_is_what_it_costs(self) -> None:
        found = bill(WHOLE)
        assert (found.usage.input, found.usage.output) == (1_000, 100)
        assert (found.cost, found.basis, found.estimated) == (Decimal("0.002"), "catalog", False)
        assert found.tokens == 1_100

    def test_its_own_figure_in_money_goes_first(self) -> None:
        found = bill(WHOLE._replace(reported=Decimal("0.5")))
        assert (found.cost, found.basis, found.uncertain) == (Decimal("0.5"), "provider", False)

    @pytest.mark.parametrize(
        "ended",
        [
            Evidence("failed", sent=False, error=errors.ProviderDownError("no connection")),
            Evidence("cancelled", sent=False),
            Evidence("failed", status=400, error=errors.InvalidRequestError("no")),
            Evidence("failed", status=429, error=errors.RateLimitedError("later")),
            Evidence("failed", status=503, error=errors.ProviderDownError("down")),
        ],
    )
    def test_what_was_never_sent_or_was_refused_costs_nothing(self, ended: Evidence) -> None:
        assert bill(ended) == NOTHING

    @pytest.mark.parametrize("status", [408, 499, 502, 504])
    def test_whoever_gave_up_waiting_for_the_model_may_have_been_billed(self, status: int) -> None:
        found = bill(Evidence("failed", status=status, error=errors.ProviderDownError("gateway")))
        assert found.estimated
        assert found.cost is not None
        assert found.cost > 0

    def test_a_whole_answer_that_we_left_may_have_been_made_to_its_end(self) -> None:
        found = bill(Evidence("cancelled"))
        assert (found.usage.input, found.usage.output) == (900, 500)
        assert (found.cost, found.basis) == (EXPECTED.held, "estimated")

    def test_a_stream_that_we_left_ends_with_us(self) -> None:
        found = bill(Evidence("abandoned", streamed=True, shown=7))
        assert (found.usage.input, found.usage.output, found.estimated) == (900, 7, True)
        assert found.cost == Decimal(900 + 70) / 1_000_000

    def test_what_a_broken_stream_has_said_counts(self) -> None:
        found = bill(Evidence("failed", streamed=True, shown=3, usage=REPORT, error=errors.StreamTruncatedError("cut")))
        assert (found.usage.input, found.usage.output, found.estimated) == (1_000, 100, True)

    @pytest.mark.parametrize(
        ("asked", "cost"),
        [
            (Asked(None), None),
            (Asked(entry(price_state="unknown", pricing=[])), None),
            (Asked(None, family_of("local")), Decimal(0)),
        ],
        ids=["not in the catalog", "without a price", "our own machine"],
    )
    def test_a_price_that_nobody_knows_is_never_zero(self, asked: Asked, cost: Decimal | None) -> None:
        found = bill(WHOLE, asked)
        assert found.cost == cost
        assert (found.basis == "unknown") == (cost is None)

    def test_a_report_that_cannot_be_true_is_doubted(self) -> None:
        odd: Any = {"input_tokens": -5, "output_tokens": -7, "total_tokens": -12}
        assert bill(WHOLE._replace(usage=odd)).suspect

    @given(shown=st.integers(0, 10**6), streamed=st.booleans(), outcome=st.sampled_from(["cancelled", "abandoned"]))
    def test_what_was_sent_is_never_charged_less_than_its_question(
        self, shown: int, outcome: Any, *, streamed: bool
    ) -> None:
        found = bill(Evidence(outcome, streamed=streamed, shown=shown))
        assert found.cost is not None
        assert found.cost >= Decimal(900) / 1_000_000
        assert found.usage.output is not None
        assert found.usage.output >= shown


class TestSizes:
    @given(st.text(max_size=300))
    def test_a_question_is_never_held_for_fewer_tokens_than_its_bytes(self, text: str) -> None:
        found = tokens_in([HumanMessage(text)], {})
        assert found.most >= len(text.encode("utf-8", "surrogatepass"))
        assert found.likely <= found.most

    def test_everything_that_goes_with_it_counts(self) -> None:
        bare = tokens_in([HumanMessage("hi")], {})
        tools = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]
        call = AIMessage("", tool_calls=[{"name": "search", "args": {"q": "x" * 100}, "id": "1"}])
        picture = HumanMessage([{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}])
        assert tokens_in([HumanMessage("hi")], {"tools": tools}).most > bare.most
        assert tokens_in([SystemMessage("Be brief."), HumanMessage("hi")], {}).most > bare.most
        assert tokens_in([call], {}).most > 100
        assert tokens_in([picture], {}).most >= 3_000

    def test_the_smallest_bound_holds_wherever_it_is_said(self) -> None:
        assert bound_on_output({"max_tokens": 100}, {"model_kwargs": {"max_completion_tokens": 7}}) == 7
        assert bound_on_output({"max_tokens": True, "num_predict": -1}) is None
        assert answers_wanted({"n": 3}) == 3
        assert answers_wanted({"n": "many"}) == 1


class TestBounds:
    def test_a_strict_budget_bounds_what_nothing_else_does(self) -> None:
        free = Size(Tokens(100, 30))
        assert call_size(PRICED, free, None, strict=True).max_output_tokens == UNBOUNDED
        assert call_size(PRICED, free, 9_000, strict=True).max_output_tokens == 9_000
        assert call_size(PRICED, free, None, strict=False).max_output_tokens is None
        assert call_size(PRICED, replace(free, bound=50), None, strict=True).max_output_tokens == 50
        assert call_size(Asked(entry(limits={"output": 800})), free, None, strict=True).max_output_tokens is None

    def test_several_answers_cost_several_times_the_bound(self) -> None:
        call = CallSize(0, 100, counted=True)
        one, three = (estimate_of(PRICED, call, answers, NOW).most for answers in (1, 3))
        assert (one, three) == (Decimal("0.001"), Decimal("0.003"))
        assert estimate_of(Asked(None), call, 1, NOW).most is None
        assert estimate_of(Asked(None, family_of("local")), call, 1, NOW).most == 0

    @pytest.mark.parametrize(
        ("left", "size", "fits"),
        [
            ("0.002", Size(), 200),
            ("0.002", Size(answers=4), 50),
            ("0.0001", Size(), None),
            ("0.002", Size(bound=400), None),
        ],
        ids=["what is left", "shared by answers", "too little to say anything", "the caller's own bound"],
    )
    def test_an_answer_is_shortened_to_what_is_left(self, left: str, size: Size, fits: int | None) -> None:
        call = CallSize(0, 4_000, counted=True)
        found = shortened(PRICED, call, size, refused(left), NOW)
        assert (found.max_output_tokens if found else None) == fits


def refused(left: str) -> Refusal:
    """A strict budget of a dollar that has so much left."""
    room = Decimal(left)
    balance = Balance(Budget(scope="user", limit=1), "ada", DOLLAR - room, Decimal(0), room, None)
    record = Record(attempt_id="1", user="ada", provider="mybox", model="mybox#m", outcome="failed")
    return Refusal(balance, DOLLAR, None, record)


def test_ids_are_unlike_each_other_and_in_order() -> None:
    numbers, others = Numbers(), Numbers()
    mine = [numbers.next() for _ in range(1_000)]
    assert mine == sorted(set(mine))
    assert not set(mine) & {others.next() for _ in range(1_000)}
