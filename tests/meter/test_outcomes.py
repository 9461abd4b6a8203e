"""Every attempt of every handle is settled once, with a record that says what came of it, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal

import pytest

from langchain_lucky_models import errors
from tests import homes
from tests.loopback import Answer, Provider, Usage
from tests.loopback.behaviours import once_asked
from tests.meter.conftest import Ask, Opening, held_by, leave_early, rows_of, spent_by, wait_until_asked

ROOM = [{"scope": "user", "limit": "100"}]
COUNTED = Answer(usage=Usage(input=100, output=20, cached=40, reasoning=5))
PRICE = Decimal("0.00040")  # of gpt-4o: 60 at 2.50, 40 at 1.25, 20 at 10 dollars a million


class TestAnAnswer:
    async def test_is_recorded_with_all_that_is_known(
        self, place: str | None, either: Ask, opened: Opening, provider: Provider
    ) -> None:
        """Whose money, what for, what was used, what it cost and who says so: in memory, a file and PostgreSQL."""
        provider.reply(COUNTED)
        registry = opened(ledger=place, budgets=ROOM)
        await either(homes.user_of(registry).model(homes.OPENAI, tags=["night"]), "hi")
        (row,) = rows_of(registry)
        told = {name: row[name] for name in ("user_id", "provider", "asked", "model", "served", "key_owner", "tags")}
        assert told == {
            "user_id": "ada",
            "provider": "openai",
            "asked": homes.OPENAI,
            "model": homes.OPENAI,
            "served": "gpt-4o",
            "key_owner": "house",
            "tags": ["night"],
        }
        used = {name: row[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")}
        assert list(used.values()) == [100, 20, 40, 5]
        assert (Decimal(row["cost"]), row["basis"], row["estimated"]) == (PRICE, "catalog", 0)
        assert (row["outcome"], row["error"], row["strategy"]) == ("answered", None, "first")
        assert row["latency"] > 0
        assert row["request_id"]
        assert held_by(registry) == 0
        assert spent_by(registry) == PRICE * 10**12

    async def test_without_a_report_of_usage_is_estimated_and_says_so(
        self, ask: Ask, opened: Opening, provider: Provider
    ) -> None:
        """Case 63: a provider that reports no usage leaves an estimate from the text, flagged."""
        provider.script("usage_texts")
        registry = opened()
        await ask(homes.user_of(registry).model(homes.OPENAI), "hi")
        (row,) = rows_of(registry)
        assert (row["outcome"], row["estimated"], row["basis"]) == ("answered", 1, "estimated")
        assert row["output_tokens"] >= 5
        assert Decimal(row["cost"]) > 0

    @pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
    async def test_carries_the_words_of_handle_and_call(self, opened: Opening, *, streams: bool) -> None:
        """Those that frameworks put on runs are left out."""
        registry = opened()
        model = homes.user_of(registry).model(homes.OPENAI, tags=["night"])
        asked = model.with_config(tags=["report", "seq:step:1"])
        if streams:
            assert [chunk async for chunk in asked.astream("hi")]
        else:
            await asked.ainvoke("hi")
        (row,) = rows_of(registry)
        assert set(row["tags"]) == {"night", "report"}

    async def test_costs_what_the_provider_itself_says(self, ask: Ask, opened: Opening, provider: Provider) -> None:
        """A router's own figure goes before the catalog's."""
        provider.reply(Answer(cost=0.25))
        registry = opened()
        await ask(homes.user_of(registry).model(homes.OPENROUTER), "hi")
        (row,) = rows_of(registry)
        assert (Decimal(row["cost"]), row["basis"]) == (Decimal("0.25"), "provider")


class TestAFailure:
    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            ("status_400", "invalid_request"),
            ("status_401", "auth_failed"),
            ("retry_after_hour", "rate_limited"),
            ("status_503", "provider_down"),
        ],
    )
    async def test_that_the_provider_speaks_out_costs_nothing(
        self, ask: Ask, opened: Opening, provider: Provider, fault: str, code: str
    ) -> None:
        """A refused request is billed by nobody; its record says why it failed, and nothing stays held."""
        provider.script(fault)
        registry = opened(budgets=ROOM)
        with pytest.raises(errors.CallError):
            await ask(homes.user_of(registry).model(homes.OPENAI, max_retries=0), "hi")
        (row,) = rows_of(registry)
        assert (row["outcome"], row["error"], row["input_tokens"]) == ("failed", code, 0)
        assert Decimal(row["cost"]) == 0
        assert (held_by(registry), spent_by(registry)) == (0, 0)

    async def test_of_unknown_outcome_is_charged_by_estimate(
        self, ask: Ask, opened: Opening, provider: Provider
    ) -> None:
        """Case 11: a reset after the question was sent may have been billed: records = provider count, estimated."""
        provider.script("reset_after_headers")
        registry = opened(budgets=ROOM)
        with pytest.raises(errors.CallError):
            await ask(homes.user_of(registry).model(homes.OPENAI, max_retries=1), "hi")
        rows = rows_of(registry)
        assert len(rows) == len(provider.requests)
        assert all(row["estimated"] and row["input_tokens"] > 0 for row in rows)
        assert held_by(registry) == 0
        assert spent_by(registry) > 0

    async def test_by_our_own_timer_is_charged_all_that_was_held(self, opened: Opening, provider: Provider) -> None:
        """What a provider that we stopped waiting for has made, it may bill: the bound stands until corrected."""
        provider.script("hang_before_headers")
        registry = opened(budgets=ROOM)
        with pytest.raises(errors.CallError):
            await homes.user_of(registry).model(homes.OPENAI, max_tokens=1000, timeout=0.3, max_retries=0).ainvoke("hi")
        (row,) = rows_of(registry)
        assert (row["outcome"], row["basis"], row["output_tokens"]) == ("failed", "estimated", 1000)
        assert Decimal(row["cost"]) >= Decimal("0.01")
        assert spent_by(registry) == Decimal(row["cost"]) * 10**12

    async def test_before_anything_was_sent_leaves_nothing_charged(self, ask: Ask, opened: Opening) -> None:
        """Nobody listens there: the record tells of it, at no cost."""
        registry = opened(providers={"openai": {"base_url": "http://127.0.0.1:9/v1"}}, budgets=ROOM)
        with pytest.raises(errors.CallError):
            await ask(homes.user_of(registry).model(homes.OPENAI, max_retries=0), "hi")
        (row,) = rows_of(registry)
        assert (row["outcome"], row["input_tokens"]) == ("failed", 0)
        assert Decimal(row["cost"]) == 0
        assert (held_by(registry), spent_by(registry)) == (0, 0)

    async def test_of_a_stream_is_charged_by_what_was_shown(self, opened: Opening, provider: Provider) -> None:
        """Case 63: a cut stream is charged its question and the text that came."""
        provider.script("cut_after_tokens")
        registry = opened(budgets=ROOM)
        with pytest.raises(errors.StreamInterruptedError):
            async for _ in homes.user_of(registry).model(homes.OPENAI, max_retries=0).astream("hi"):
                pass
        (row,) = rows_of(registry)
        assert (row["outcome"], row["error"], row["estimated"]) == ("failed", "stream_interrupted", 1)
        assert row["output_tokens"] > 0
        assert row["first_token"] is not None

    @pytest.mark.parametrize("fault", ["hang_before_headers", "cut_after_tokens", "usage_texts"])
    async def test_is_estimated_alike_with_and_without_a_budget(
        self, opened: Opening, provider: Provider, fault: str
    ) -> None:
        """Case 63: where nothing was held, the question is measured afterwards: it is never free."""
        provider.script(fault)
        found = []
        for budgets in (ROOM, []):
            registry = opened(budgets=budgets)
            model = homes.user_of(registry).model(homes.OPENAI, max_tokens=50, timeout=1, max_retries=0)
            with contextlib.suppress(errors.CallError):
                assert [chunk async for chunk in model.astream("word " * 100)]
            (row,) = rows_of(registry)
            assert row["estimated"]
            assert row["input_tokens"] >= 100
            assert Decimal(row["cost"]) > 0
            found.append((row["input_tokens"], row["output_tokens"]))
        assert found[0] == found[1]


class TestLeaving:
    @pytest.mark.parametrize("sync", [True, False], ids=["stream", "astream"])
    async def test_a_stream_early_is_charged_by_what_was_shown(
        self, opened: Opening, provider: Provider, *, sync: bool
    ) -> None:
        """Case 62: who reads the first word and goes leaves a record, settled once, and nothing held."""
        provider.reply(Answer(text="one two three four five six seven", pace=0.05))
        registry = opened(budgets=ROOM)
        await leave_early(homes.user_of(registry).model(homes.OPENAI), sync=sync)
        (row,) = rows_of(registry)
        assert (row["outcome"], row["estimated"]) == ("abandoned", 1)
        assert 0 < row["output_tokens"] < 7
        assert held_by(registry) == 0

    async def test_a_call_is_charged_all_that_it_may_have_cost(self, opened: Opening, provider: Provider) -> None:
        """Case 62: a cancelled call leaves a record, and its hold becomes what was spent."""
        provider.script("hang_before_headers")
        registry = opened(budgets=ROOM)
        call = asyncio.ensure_future(homes.user_of(registry).model(homes.OPENAI, max_tokens=100).ainvoke("hi"))
        await asyncio.to_thread(wait_until_asked, provider)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        (row,) = rows_of(registry)
        assert (row["outcome"], row["output_tokens"], row["estimated"]) == ("cancelled", 100, 1)
        assert held_by(registry) == 0
        assert spent_by(registry) > 0


class TestSeveral:
    async def test_retries_are_records_of_one_call(self, ask: Ask, opened: Opening, provider: Provider) -> None:
        """Case 62: each retry is an attempt of its own; one call_id holds them together."""
        provider.script("status_503", times=1)
        registry = opened(budgets=ROOM)
        await ask(homes.user_of(registry).model(homes.OPENAI), "hi")
        rows = rows_of(registry)
        assert [row["outcome"] for row in rows] == ["failed", "answered"]
        assert len({row["call_id"] for row in rows}) == 1
        assert len({row["attempt_id"] for row in rows}) == 2

    async def test_a_fallback_records_both(self, ask: Ask, opened: Opening, provider: Provider) -> None:
        """The failed member and the one that answered, each under its own model."""
        provider.script("status_503", path="/v1/chat/completions")
        registry = opened()
        await ask(homes.user_of(registry).models(homes.OPENAI, homes.GROQ), "hi")
        assert [(row["model"], row["outcome"], row["strategy"]) for row in rows_of(registry)] == [
            (homes.OPENAI, "failed", "fallback"),
            (homes.GROQ, "answered", "fallback"),
        ]

    async def test_the_losers_of_a_race_are_charged_too(self, ask: Ask, opened: Opening, provider: Provider) -> None:
        """Case 62: records = provider count; the loser is abandoned, and what it cost is estimated."""
        provider.script("hang_before_headers", path=homes.PATHS[homes.OPENAI])
        provider.script(once_asked(provider.requests, 2), path=homes.PATHS[homes.GROQ])
        registry = opened(budgets=ROOM)
        model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race", max_tokens=50)
        await ask(model, "hi")
        rows = {row["model"]: row for row in rows_of(registry)}
        assert len(rows) == len(provider.requests) == 2
        loser = rows[homes.OPENAI]
        assert (loser["outcome"], loser["estimated"], rows[homes.GROQ]["outcome"]) == ("abandoned", 1, "answered")
        assert Decimal(loser["cost"]) > 0
        assert held_by(registry) == 0

    async def test_whoever_a_consensus_no_longer_needs_is_charged_too(
        self, either: Ask, opened: Opening, provider: Provider
    ) -> None:
        """Case 35: two of three agree, the third is called off: every member is in the ledger, 0 unsettled."""
        provider.script(once_asked(provider.requests, 3))
        provider.script("hang_before_headers", path=homes.PATHS[homes.OPENAI])
        registry = opened(budgets=ROOM)
        model = homes.user_of(registry).models(
            homes.OPENAI, homes.GROQ, homes.OPENROUTER, strategy="consensus", max_tokens=50
        )
        await either(model, "hi")
        rows = {row["model"]: row for row in rows_of(registry)}
        assert len(rows) == len(provider.requests) == 3
        assert [rows[ref]["outcome"] for ref in (homes.OPENAI, homes.GROQ, homes.OPENROUTER)] == [
            "abandoned",
            "answered",
            "answered",
        ]
        assert len({row["call_id"] for row in rows.values()}) == 1
        assert held_by(registry) == 0

    async def test_a_consensus_goes_on_with_a_cheaper_member(self, either: Ask, opened: Opening) -> None:
        """Who was asked in the place of somebody dear agrees like everybody else."""
        registry = opened(budgets=[{"scope": "model", "model": homes.OPENAI, "limit": 0, "on_exceed": "step_down"}])
        model = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="consensus", max_tokens=50)
        await either(model, "hi")
        rows = rows_of(registry)
        assert len(rows) == 2
        assert homes.OPENAI not in {row["model"] for row in rows}

    async def test_the_whole_cost_stands_on_the_answer(self, opened: Opening, provider: Provider) -> None:
        """`lucky.cost` is the sum over members and judge, and says it for each attempt."""
        provider.reply(COUNTED)
        registry = opened()
        answer = await homes.user_of(registry).models(homes.OPENAI, homes.MINI, strategy="consensus").ainvoke("hi")
        lucky = answer.response_metadata["lucky"]
        each = [attempt["cost"] for attempt in lucky["attempts"]]
        assert len(each) == 2
        assert all(each)
        assert lucky["cost"] == pytest.approx(sum(each))
        assert sum(Decimal(row["cost"]) for row in rows_of(registry)) == pytest.approx(Decimal(str(lucky["cost"])))

    async def test_a_judge_is_charged(self, opened: Opening, provider: Provider) -> None:
        """Two members who disagree, and the judge: three records of one call."""
        provider.reply(Answer(text="one"), model="gpt-4o")
        provider.reply(Answer(text="two"), model="gpt-4o-mini")
        provider.reply(Answer(text="1"), model="gpt-4.1")
        registry = opened()
        handle = homes.user_of(registry).models(homes.OPENAI, homes.MINI, strategy="consensus", judge="openai#gpt-4.1")
        assert (await handle.ainvoke("hi")).text == "one"
        rows = rows_of(registry)
        assert {row["model"] for row in rows} == {homes.OPENAI, homes.MINI, "openai#gpt-4.1"}
        assert len({row["call_id"] for row in rows}) == 1


async def test_no_record_holds_a_key(opened: Opening, provider: Provider) -> None:
    """A key is told by its fingerprint, also where the provider repeats it in an error."""
    provider.script("status_401_echo", times=1)
    registry = opened()
    model = homes.user_of(registry).model(homes.OPENAI, max_retries=0)
    with pytest.raises(errors.AuthFailedError):
        await model.ainvoke("hi")
    text = "".join(registry._house.accounts.ledger.export())
    assert homes.KEYS["openai"] not in text
    (row,) = rows_of(registry)
    assert len(row["key_id"]) == 32
