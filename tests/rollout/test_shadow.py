"""The new path beside the old one: the user's answer is untouched, whatever the new path does."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.runnables.config import ensure_config
from langchain_core.tracers.context import collect_runs

from langchain_lucky_models import LLMRegistry
from langchain_lucky_models.rollout import Compared, Rollout
from tests.homes import MINI, OPENAI, user_of
from tests.loopback import Provider
from tests.rollout.homes import NAME, rolling, shadowed

TENANT = contextvars.ContextVar("tenant", default="nobody")


def old(question: str) -> str:
    return f"It is {question}."


def compared(rollout: Rollout) -> tuple[Compared, ...]:
    assert rollout.wait(30)
    return rollout.report().rows


def shadow_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("lucky-shadow")]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging paths wait for; opened at the end, so that no thread outlives its test."""
    opened = threading.Event()
    yield opened
    opened.set()
    for thread in shadow_threads():
        thread.join(10)


# --- what is recorded


def test_both_paths_are_compared(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call("ada", old, lambda question: f"it is  {question}", "Bonn") == "It is Bonn."
        assert rollout.call("bob", old, lambda _: "It is Berlin.", "Bonn") == "It is Bonn."
        same, different = compared(rollout)
    assert (same.user_id, same.verdict, same.similarity) == ("ada", "same", 1.0)
    assert (different.user_id, different.verdict, different.similarity) == ("bob", "different", 0.667)
    assert (different.old_text, different.new_text) == ("It is Bonn.", "It is Berlin.")
    assert rollout.report().counts == {"old": 2, "shadowed": 2}


async def test_every_way_to_call_is_compared(provider: Provider) -> None:
    async def aold(question: str) -> str:
        return old(question)

    async def anew(question: str) -> str:
        return await asyncio.sleep(0, old(question))

    with shadowed(provider, max_concurrent=20) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        await rollout.acall("ada", aold, anew, "Bonn")
        await rollout.acall("ada", aold, old, "Bonn")
        await rollout.acall("ada", aold, RunnableLambda(anew), "Bonn")
        chain = rollout.runnable(old=ada.model(OPENAI), new=ada.model(MINI))
        chain.invoke("hi")
        list(chain.stream("hi"))
        await chain.ainvoke("hi")
        assert [chunk async for chunk in chain.astream("hi")]
        chain.batch(["hi"])
        assert await rollout.await_shadows(30)
        rows = rollout.report().rows
    assert [row.verdict for row in rows] == ["same"] * 8
    priced = [row for row in rows if row.old_cost]
    assert len(priced) == 5
    assert all(row.new_cost is not None and row.old_cost is not None and row.new_cost < row.old_cost for row in priced)


def test_failures_of_either_path_are_rows(provider: Provider) -> None:
    def broken(question: str) -> str:
        raise ValueError(f"sk-secret-key-0123456789abcdef {question}")

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call("ada", old, broken, "Bonn") == "It is Bonn."
        for path in (old, broken):
            with pytest.raises(ValueError, match="Bonn"):
                rollout.call("ada", broken, path, "Bonn")
        rows = sorted(compared(rollout), key=lambda row: row.verdict)
    assert [(row.verdict, row.old_error, row.new_error) for row in rows] == [
        ("both failed", "ValueError", "ValueError"),
        ("new failed", None, "ValueError"),
        ("old failed", "ValueError", None),
    ]


def test_a_feature_that_is_off_casts_no_shadow(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        rollout.switch_off()
        rollout.call("ada", old, old, "Bonn")
        rollout.switch_on()
        rollout.call("ada", old, old, "Bonn")
        assert len(compared(rollout)) == 1


def test_a_share_of_the_calls_is_tried(provider: Provider) -> None:
    with shadowed(provider, share=25, max_concurrent=1000) as registry:
        rollout = registry.rollout(NAME)
        for _ in range(400):
            rollout.call("ada", old, old, "Bonn")
        tried = len(compared(rollout))
    assert 40 < tried < 160  # a hundred, within seven standard deviations


def test_texts_are_kept_only_where_they_may_be_and_the_latest_rows_only(provider: Provider) -> None:
    with shadowed(provider, keep=2, keep_texts=False) as registry:
        rollout = registry.rollout(NAME)
        for _ in range(5):
            rollout.call("ada", old, old, "Bonn")
            assert rollout.wait(30)
        rows = compared(rollout)
    assert len(rows) == 2
    assert {(row.old_text, row.new_text) for row in rows} == {(None, None)}
    assert "Bonn" not in rollout.report().to_jsonl()


# --- the user's answer is untouched


def test_the_answer_is_there_while_the_new_path_hangs(provider: Provider, gate: threading.Event) -> None:
    begun = threading.Event()

    def hanging(question: str) -> str:
        begun.set()
        gate.wait()
        return question

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call("ada", old, hanging, "Bonn") == "It is Bonn."
        assert begun.wait(30)
        assert rollout.report().rows == ()
        gate.set()
        [row] = compared(rollout)
    assert row.verdict == "different"


def test_the_new_path_begins_when_the_answer_is_whole(provider: Provider) -> None:
    order: list[str] = []

    def first(question: str) -> str:
        order.append("old begins")
        order.append("old ends")
        return question

    def second(question: str) -> str:
        order.append("new")
        return question

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        rollout.call("ada", first, second, "Bonn")
        assert compared(rollout)
    assert order == ["old begins", "old ends", "new"]


def test_what_is_too_much_is_dropped_and_counted(provider: Provider, gate: threading.Event) -> None:
    with shadowed(provider, max_concurrent=2) as registry:
        rollout = registry.rollout(NAME)
        for _ in range(5):
            assert rollout.call("ada", old, lambda _: gate.wait(), "Bonn") == "It is Bonn."
        counts = rollout.report().counts
        gate.set()
        assert rollout.wait(30)
    assert (counts["shadowed"], counts["dropped: max_concurrent are running"]) == (2, 3)


def test_one_that_hangs_is_given_up_in_time_and_keeps_its_place(provider: Provider, gate: threading.Event) -> None:
    with shadowed(provider, timeout=0.05, max_concurrent=1) as registry:
        rollout = registry.rollout(NAME)
        rollout.call("ada", old, lambda _: gate.wait(), "Bonn")
        [row] = compared(rollout)
        assert row.verdict == "timed out"
        # The thread is still there, so that there are never more of them than max_concurrent.
        rollout.call("ada", old, old, "Bonn")
        assert rollout.report().counts["dropped: max_concurrent are running"] == 1
        [thread] = [thread for thread in shadow_threads() if thread.name == "lucky-shadow"]
        gate.set()
        thread.join(10)
        rollout.call("ada", old, old, "Bonn")
        assert [row.verdict for row in compared(rollout)] == ["timed out", "same"]


async def test_a_coroutine_that_hangs_is_cancelled_in_time(provider: Provider) -> None:
    ended: list[str] = []

    async def hanging(question: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(question)
        return question

    with shadowed(provider, timeout=0.05) as registry:
        rollout = registry.rollout(NAME)
        assert await rollout.acall("ada", old, hanging, "Bonn") == "It is Bonn."
        assert await rollout.await_shadows(30)
        assert [row.verdict for row in rollout.report().rows] == ["timed out"]
    assert ended == ["Bonn"]


def test_a_handle_that_hangs_is_cut_off(provider: Provider) -> None:
    """Its connection ends, and with it its thread."""
    provider.script("hang_before_headers", model="gpt-4o-mini")
    with shadowed(provider, timeout=0.2) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        chain = rollout.runnable(old=ada.model(OPENAI), new=ada.model(MINI) | RunnableLambda(lambda word: word))
        assert chain.invoke("hi").response_metadata["lucky"]["ref"] == OPENAI
        [row] = compared(rollout)
        assert row.verdict == "timed out"
        for thread in shadow_threads():
            if thread.name == "lucky-shadow":
                thread.join(10)
                assert not thread.is_alive()


@pytest.mark.parametrize("fault", ["status_500", "status_429", "reset_before_answer"])
def test_a_failing_new_path_is_not_held_against_the_users_calls(fault: str, provider: Provider) -> None:
    """Its model and its endpoint are as well as before: a breaker that a shadow opens would fail a user's call."""
    provider.script(fault, model="gpt-4o-mini")
    with shadowed(provider) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        chain = rollout.runnable(old=ada.model(OPENAI), new=ada.model(MINI, max_retries=0))
        for _ in range(12):
            chain.invoke("hi")
            assert rollout.wait(30)
        assert {row.verdict for row in rollout.report().rows} == {"new failed"}
        assert registry.health()["openai"].status == "healthy"
        assert len(provider.requests) == 24


# --- money


def many(registry: LLMRegistry, calls: int = 10, **params: Any) -> Rollout:
    rollout, ada = registry.rollout(NAME), user_of(registry)
    chain = rollout.runnable(old=lambda _: "old", new=ada.model(OPENAI, **params), user_id="ada")
    for _ in range(calls):
        assert chain.invoke("hi") == "old"
        assert rollout.wait(30)
    return rollout


def test_the_shadow_never_spends_more_than_its_cap(provider: Provider) -> None:
    """An answer costs $0.0000725; at most $0.00055 is held for each, so the tenth of a cent pays for some of ten."""
    with shadowed(provider, max_cost="0.0008") as registry:
        rollout = many(registry, max_tokens=50)
        report = rollout.report()
    verdicts = [row.verdict for row in report.rows]
    answered = len(provider.requests)
    assert 0 < answered < 10
    assert report.spent == answered * Decimal("0.0000725") <= Decimal("0.0008")
    assert verdicts.count("different") == answered
    refused = [row for row in report.rows if row.verdict == "new failed"]
    assert refused
    assert all("would pass its max_cost of $0.0008 a day" in str(row.new_error) for row in refused)


def test_an_expensive_answer_is_not_asked_for_at_all(provider: Provider) -> None:
    with shadowed(provider, max_cost="0.001") as registry:
        rollout = many(registry, calls=2, max_tokens=10_000)
    assert provider.requests == []
    assert rollout.report().spent == 0


def test_many_at_once_share_one_cap(provider: Provider) -> None:
    """Each holds $0.00055 until it has answered, so of ten at once a cap of $0.0012 lets two ask."""
    with shadowed(provider, max_cost="0.0012", max_concurrent=10) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        arrived, handle = threading.Barrier(10), ada.model(OPENAI, max_tokens=50)

        def together(question: str) -> AIMessage:
            arrived.wait(30)
            return handle.invoke(question)

        for _ in range(10):
            rollout.call("ada", old, together, "Bonn")
        assert rollout.wait(30)
        report = rollout.report()
    assert report.spent == len(provider.requests) * Decimal("0.0000725") <= Decimal("0.0012")


def test_a_model_without_a_price_is_asked_only_where_that_is_said(provider: Provider) -> None:
    for terms, requests in (("refuse", 0), ("allow", 1)):
        with shadowed(provider, unknown_price=terms) as registry:
            registry.catalog.register({"provider": "openai", "id": "gpt-new", "price_state": "unknown"})
            user = user_of(registry, models=["openai#gpt-new"])
            rollout = registry.rollout(NAME)
            rollout.runnable(old=lambda _: "old", new=user.model("openai#gpt-new"), user_id="ada").invoke("hi")
            [row] = compared(rollout)
            assert ("nobody knows the price" in str(row.new_error)) == (requests == 0)
            assert len(provider.requests) == requests


def test_models_that_a_function_asks_count_too(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        handle = ada.model(OPENAI)
        rollout.call("ada", old, lambda word: handle.invoke(word).text + handle.invoke(word).text, "hi")
        [row] = compared(rollout)
        assert row.new_cost == rollout.report().spent == 2 * Decimal("0.0000725")


# --- apart from the user


def test_the_users_trace_and_usage_know_nothing_of_it(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        chain = rollout.runnable(old=ada.model(OPENAI), new=ada.model(MINI))
        with collect_runs() as runs, get_usage_metadata_callback() as usage:
            (RunnableLambda(lambda word: word) | chain).invoke("hi")
            assert rollout.wait(30)
        assert [run.name for run in runs.traced_runs[0].child_runs] == ["RunnableLambda", "LuckyChatModel"]
        assert len(runs.traced_runs) == 1
        assert list(usage.usage_metadata) == ["gpt-4o"]
        assert len(provider.requests) == 2


async def test_it_runs_in_a_context_of_its_own(provider: Provider) -> None:
    seen: list[tuple[str, RunnableConfig]] = []

    def looking(question: str) -> str:
        seen.append((TENANT.get(), ensure_config()))
        return question

    async def alooking(question: str) -> str:
        return looking(question)

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        TENANT.set("ada's")
        await rollout.acall("ada", old, alooking, "Bonn")
        rollout.call("ada", old, looking, "Bonn")
        assert await rollout.await_shadows(30)
    assert [tenant for tenant, _ in seen] == ["nobody", "nobody"]
    assert [config["tags"] for _, config in seen] == [[f"shadow:{NAME}"]] * 2


def test_it_is_told_for_whom_but_not_where_the_conversation_is_kept(provider: Provider) -> None:
    seen: list[RunnableConfig] = []

    def looking(question: str) -> str:
        seen.append(ensure_config())
        return question

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        chain = rollout.runnable(old=lambda _: "old", new=looking)
        given = {"user_id": "ada", "thread_id": "t1", "checkpoint_id": "c1", "__pregel_send": print, "mood": "calm"}
        chain.invoke("hi", {"configurable": given, "tags": ["mine"], "metadata": {"page": 7}})
        assert compared(rollout)
    [config] = seen
    assert config["configurable"] == {"user_id": "ada", "thread_id": f"shadow:{NAME}:t1", "mood": "calm"}
    assert config["metadata"]["page"] == 7
    assert "mine" not in config["tags"]


def test_arguments_are_as_they_were_given(provider: Provider) -> None:
    """The old path, or whoever asked, may change them meanwhile."""

    def emptying(messages: list[str], *, options: dict[str, list[str]]) -> int:
        messages.clear()
        options["stop"].clear()
        return 0

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        rollout.call("ada", emptying, lambda messages, options: (messages, options), ["hi"], options={"stop": ["."]})
        [row] = compared(rollout)
    assert row.new_text == '[["hi"], {"stop": ["."]}]'


def test_what_only_one_can_use_is_the_old_paths(provider: Provider) -> None:
    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call("ada", list, list, iter([1, 2])) == [1, 2]
        assert rollout.report().counts == {"old": 1, "dropped: the call cannot be made again": 1}


def test_answers_that_cannot_be_compared_are_counted(provider: Provider) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError("odd")

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert isinstance(rollout.call("ada", Odd, Odd), Odd)
        assert rollout.wait(30)
        assert rollout.report().counts["dropped: the answers cannot be compared"] == 1


# --- the end


def test_closing_leaves_nothing_running(provider: Provider) -> None:
    provider.script("hang_before_headers", model="gpt-4o-mini")
    registry = shadowed(provider)
    rollout, ada = registry.rollout(NAME), user_of(registry)
    chain = rollout.runnable(old=ada.model(OPENAI), new=ada.model(MINI))
    chain.invoke("hi")
    while len(provider.requests) < 2:
        gc.collect()
    registry.close()
    assert shadow_threads() == []
    assert [row.verdict for row in rollout.report().rows] == ["new failed"]
    assert rollout.call("ada", old, old, "Bonn") == "It is Bonn."
    assert rollout.report().counts["dropped: the registry is closed"] == 1


async def test_closing_in_a_loop_cancels_its_coroutines(provider: Provider) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hanging(question: str) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return question

    async with shadowed(provider) as registry:
        assert await registry.rollout(NAME).acall("ada", old, hanging, "Bonn") == "It is Bonn."
        await begun.wait()
    await asyncio.wait_for(ended.wait(), 30)


def test_a_loop_that_ends_takes_its_coroutines_with_it(provider: Provider) -> None:
    async def hanging(question: str) -> str:
        await asyncio.Event().wait()
        return question

    with shadowed(provider) as registry:
        rollout = registry.rollout(NAME)
        assert asyncio.run(rollout.acall("ada", old, hanging, "Bonn")) == "It is Bonn."
        [row] = compared(rollout)
    assert (row.verdict, row.new_error) == ("new failed", "CancelledError")


def test_a_rollout_without_a_shadow_starts_no_thread(provider: Provider) -> None:
    with rolling(provider, percentage=50) as registry:
        rollout = registry.rollout(NAME)
        for number in range(10):
            rollout.call(f"user-{number}", old, old, "Bonn")
        assert shadow_threads() == []
        assert rollout.report().rows == ()
