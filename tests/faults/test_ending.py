"""However a call ends, its losers end with it, its attempts are settled once, and no stream mixes two members."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langgraph.errors import GraphBubbleUp

from langchain_lucky_models import LLMRegistry, LuckyChatModel, errors
from langchain_lucky_models.asking import meter
from langchain_lucky_models.failures import FALLBACK_ELIGIBLE
from tests import homes
from tests.clocks import Stopwatch
from tests.faults.calls import EVERY_WAY, Asked, astreamed, mark_of, streamed
from tests.faults.matrix import TEXT
from tests.loopback import FAULTS, Answer, Exchange, Fault, Provider
from tests.loopback.behaviours import cut, first_words, once_asked

TAGS = {homes.OPENAI: "alpha " * 6, homes.GROQ: "beta " * 6, homes.ANTHROPIC: "gamma " * 6}


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    """A registry on one server."""
    with homes.registry_on(provider) as registry:
        yield registry


@pytest.fixture(params=EVERY_WAY)
def asked(request: pytest.FixtureRequest) -> Asked:
    """Every way to ask."""
    chosen: Asked = request.param
    return chosen


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many attempts were admitted, and how many were settled for the first time."""
    counted: Counter[str] = Counter()

    class Counted(meter.Visit):
        __slots__ = ()

        def __init__(self, *given: object) -> None:
            counted["admitted"] += 1
            super().__init__(*given)  # type: ignore[arg-type]

        def settle(self, error: Exception | None = None, **how: bool) -> None:
            counted["settled"] += self._open
            super().settle(error, **how)

    monkeypatch.setattr(meter, "Visit", Counted)
    return counted


async def quiet(provider: Provider, counted: Counter[str] | None = None) -> None:
    """Wait until no attempt runs, every request is over, and every attempt is settled."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        running = [thread for thread in threading.enumerate() if thread.name == "lucky-attempt"]
        open_requests = [one for one in provider.requests if one.done_at is None and one.gone_at is None]
        unsettled = counted is not None and counted["admitted"] != counted["settled"]
        if not running and not open_requests and not unsettled:
            return
        gc.collect()
        await asyncio.sleep(0.005)
    raise AssertionError(f"left: {running}, {open_requests}, {counted}")


async def test_a_race_is_decided_by_content_and_its_loser_leaves_at_once(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Cases 30 to 32: headers and a role are no content; the loser is gone 100 ms after the call, 10 of 10."""
    provider.script("silent_after_role", model="gpt-4o")
    provider.script(once_asked(provider.requests, 2, delay=0.05), path=homes.PATHS[homes.GROQ])
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race")
    for _ in range(10):
        provider.requests.clear()
        with Stopwatch() as watch:
            assert await asked(handle)
            answered = time.monotonic()
            (loser,) = provider.asked("gpt-4o")
            assert provider.wait_until_gone(loser) is not None
        assert (loser.gone_at or 0) - answered < 0.1 + watch.late


@pytest.mark.parametrize("hollow", ["null_content", "empty_choices", "html_200"])
async def test_an_empty_answer_wins_no_race(
    provider: Provider, registry: LLMRegistry, asked: Asked, hollow: str
) -> None:
    """Case 29: whoever says nothing first loses to whoever says something later."""
    provider.script(hollow, model="gpt-4o")
    provider.reply(Answer("Something.", delay=0.05), path=homes.PATHS[homes.GROQ])
    assert await asked(homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy="race")) == "Something."


async def test_all_racers_failing_is_one_error_that_lists_them(
    provider: Provider, registry: LLMRegistry, asked: Asked
) -> None:
    """Case 33."""
    provider.script("status_401_echo")
    with pytest.raises(errors.AllAttemptsFailedError) as failed:
        await asked(homes.user_of(registry).models(*homes.EVERY, strategy="race"))
    assert {attempt.error for attempt in failed.value.attempts} == {"auth_failed"}
    assert len(failed.value.attempts) == 4
    assert not [key for key in homes.KEYS.values() if key in str(failed.value) + repr(failed.value.attempts)]


@pytest.mark.parametrize("races", [100, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_a_race_never_mixes_two_texts(provider: Provider, registry: LLMRegistry, races: int) -> None:
    """Case 32: 0 mixed of 100 (0 of 1,000) races of three members that answer alike soon."""
    for ref, text in TAGS.items():
        provider.reply(Answer(text, pace=0.0002), path=homes.PATHS[ref])
    handle = homes.user_of(registry).models(*TAGS, strategy="race")
    said = [[chunk.text async for chunk in handle.astream("Hi")] for _ in range(races // 2)]
    said += [[chunk.text for chunk in handle.stream("Hi")] for _ in range(races // 2)]
    assert {"".join(parts) for parts in said} <= set(TAGS.values())
    await quiet(provider)


async def _read(handle: LuckyChatModel, shown: list[str], *, in_thread: bool) -> None:
    """Note what a stream shows, up to its end or its break."""
    if in_thread:
        await asyncio.to_thread(lambda: shown.extend(chunk.text for chunk in handle.stream("Hi")))
        return
    async for chunk in handle.astream("Hi"):
        shown.append(chunk.text)  # noqa: PERF401 - what was shown before the break counts


@pytest.mark.parametrize("streams", [60, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_streams_cut_anywhere_are_never_continued_by_somebody_else(
    provider: Provider, registry: LLMRegistry, streams: int
) -> None:
    """Case 12: 0 mixed of 60 (0 of 1,000) that were cut after some of their words; each tells what it had shown."""
    chance = random.Random(12)
    for ref in (homes.GROQ, homes.ANTHROPIC):
        provider.reply(Answer(TAGS[ref]), path=homes.PATHS[ref])
    handle = homes.user_of(registry).models(*TAGS, max_retries=0)
    for _ in range(streams):
        kept = chance.randint(1, 5)
        provider.script(cut(partial(first_words, words=kept), reset=chance.random() < 0.5), model="gpt-4o", times=1)
        shown: list[str] = []
        with pytest.raises(errors.StreamInterruptedError) as broken:
            await _read(handle, shown, in_thread=bool(kept % 2))
        assert broken.value.partial is not None
        assert TEXT.startswith("".join(shown))
        assert TEXT.startswith(broken.value.partial.text)
        assert await streamed(handle) == TEXT
    assert {request.model for request in provider.requests} == {"gpt-4o"}


async def test_a_cut_stream_keeps_its_text_to_itself(provider: Provider, registry: LLMRegistry) -> None:
    """Case 12: after the first words nobody else's follow; the error carries them and every attempt."""
    provider.script("status_503", model="gpt-4o")
    provider.script("cut_after_tokens", path=homes.PATHS[homes.GROQ])
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, homes.ANTHROPIC)
    shown: list[str] = []
    with pytest.raises(errors.StreamInterruptedError) as broken:
        shown.extend(chunk.text for chunk in handle.stream("Hi"))
    assert broken.value.partial is not None
    assert broken.value.partial.text
    assert [(one.ref, one.outcome) for one in broken.value.attempts] == [
        (homes.OPENAI, "failed"),
        (homes.GROQ, "failed"),
    ]
    assert not provider.asked("claude-sonnet-5")


@pytest.mark.parametrize("moments", [60, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_call_cancelled_at_any_moment_leaves_nothing(
    provider: Provider, registry: LLMRegistry, settled: Counter[str], moments: int
) -> None:
    """Cases 36 and 37: 60 of 60 (200 of 200) closed within 100 ms and settled, `CancelledError` unchanged."""
    provider.script("drip_events", path=homes.PATHS[homes.GROQ])
    provider.script("hang_before_headers", model="gpt-4o")
    user = homes.user_of(registry)
    for moment in range(moments):
        strategy = ("fallback", "race", "consensus")[moment % 3]
        handle = user.models(*TAGS, strategy=strategy, first_token_timeout=0.02)
        call = asyncio.ensure_future(handle.ainvoke("Hi") if moment % 2 else anext(handle.astream("Hi")))
        await asyncio.sleep(moment * 0.03 / moments)
        call.cancel()
        with Stopwatch() as watch:
            left = time.monotonic()
            with suppress(asyncio.CancelledError, errors.CallError):
                await call
            open_still = [one for one in provider.requests if one.done_at is None]
            gone = [await asyncio.to_thread(provider.wait_until_gone, one) for one in open_still]
        assert all(
            (at or one.done_at or left + 9) - left < 0.1 + watch.late for at, one in zip(gone, open_still, strict=True)
        )
        provider.requests.clear()
    await quiet(provider, settled)
    assert settled["admitted"] == settled["settled"] > 0


async def test_an_abandoned_stream_is_closed_and_settled(
    provider: Provider, registry: LLMRegistry, settled: Counter[str]
) -> None:
    """Case 38: left by `break`, by an exception, or just dropped: 20 of 20 settled, none open."""
    provider.reply(Answer("word " * 200, pace=0.02))
    handle = homes.user_of(registry).model(homes.OPENAI)
    for _ in range(5):
        next(iter(handle.stream("Hi")))
        with closing(handle.stream("Hi")) as chunks:  # type: ignore[type-var]
            next(chunks)
        await anext(handle.astream("Hi"))
        with suppress(ZeroDivisionError):
            for _ in handle.stream("Hi"):
                raise ZeroDivisionError
    await quiet(provider, settled)
    assert settled == {"admitted": 20, "settled": 20}


class Grumbling(BaseCallbackHandler):
    """A callback that fails."""

    raise_error = True

    def on_llm_new_token(self, token: Any, **_more: Any) -> None:
        if token:
            raise ZeroDivisionError


async def test_a_callback_that_fails_in_the_middle_leaves_nothing_open(
    provider: Provider, registry: LLMRegistry, settled: Counter[str]
) -> None:
    """Case 39: the stream is closed and settled although the exception is still held."""
    provider.script("drip_events")
    handle = homes.user_of(registry).model(homes.OPENAI)
    with pytest.raises(ZeroDivisionError) as held:
        list(handle.stream("Hi", config={"callbacks": [Grumbling()]}))
    with pytest.raises(ZeroDivisionError) as held_too:
        [chunk async for chunk in handle.astream("Hi", config={"callbacks": [Grumbling()]})]
    await quiet(provider, settled)
    assert (held.type, held_too.type) == (ZeroDivisionError, ZeroDivisionError)
    assert settled == {"admitted": 2, "settled": 2}


@pytest.mark.parametrize("strategy", ["first", "fallback", "race", "consensus"])
@pytest.mark.parametrize("kind", [GraphBubbleUp, KeyboardInterrupt])
async def test_what_is_no_failure_passes_untouched(
    provider: Provider,
    registry: LLMRegistry,
    settled: Counter[str],
    strategy: str,
    kind: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupt of a graph or of the keyboard: nobody else is asked instead, and the attempts are settled."""
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, strategy=strategy)
    raised = kind()

    def interrupt(*_given: object, **_more: object) -> None:
        raise raised

    for member in handle.members():
        monkeypatch.setattr(type(member.partner), "_generate", interrupt)
    with pytest.raises(kind) as passed:
        handle._generate([])
    assert passed.value is raised
    await quiet(provider, settled)
    assert provider.requests == []


@pytest.mark.parametrize("inputs", [200, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_one_failure_in_a_batch_neither_stops_nor_misplaces_the_others(
    provider: Provider, registry: LLMRegistry, inputs: int
) -> None:
    """Case 40: 200 (1,000) inputs, every tenth refused: the order is exact."""

    async def moody(exchange: object) -> None:
        refused = exchange.question.text.endswith("0")  # type: ignore[attr-defined]
        await FAULTS["status_400" if refused else "set_cookie"](exchange)  # type: ignore[arg-type]

    provider.script(moody, model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ)
    questions: list[Any] = [f"question {number}" for number in range(inputs)]
    came = await handle.abatch(questions, config={"max_concurrency": 16}, return_exceptions=True)
    wrong = [place for place, one in enumerate(came) if isinstance(one, errors.InvalidRequestError)]
    assert wrong == list(range(0, inputs, 10))
    assert all(mark_of(one)["ref"] == homes.OPENAI for place, one in enumerate(came) if place % 10)


async def test_wrapped_handles_keep_strategy_user_and_deadline(provider: Provider, registry: LLMRegistry) -> None:
    """Case 41: bound, configured, retried, with fallbacks: still the same line and the same timeout."""
    provider.script("hang_before_headers", model="gpt-4o")
    handle = homes.user_of(registry).models(homes.OPENAI, homes.GROQ, timeout=2)
    handle.members()
    wrapped = handle.with_config(tags=["x"]).with_retry(stop_after_attempt=1).with_fallbacks([handle])
    with Stopwatch() as watch:
        assert mark_of(await wrapped.ainvoke("Hi"))["ref"] == homes.GROQ
    assert watch.seconds < 2.3
    assert provider.keys_seen() == {homes.KEYS["openai"], homes.KEYS["groq"]}


async def test_a_refusal_of_ours_is_final_for_langchains_fallbacks_too(provider: Provider) -> None:
    """Case 27: with `FALLBACK_ELIGIBLE`, `with_fallbacks` asks nobody after a local refusal."""
    with homes.registry_on(provider) as registry:
        user = homes.user_of(registry)
        refusing = RunnableLambda(lambda _text: (_ for _ in ()).throw(errors.BudgetExceededError("spent")))
        chain = refusing.with_fallbacks([user.model(homes.OPENAI)], exceptions_to_handle=FALLBACK_ELIGIBLE)
        with pytest.raises(errors.BudgetExceededError):
            await chain.ainvoke("Hi")
    assert provider.requests == []


BEHAVIOURS = ("well", "status_503", "status_400", "status_429", "cut_after_tokens", "cut_after_role", "html_200")


def saying(fault: str, text: str) -> Fault:
    """The fault, in an answer of that text."""

    async def answer(exchange: Exchange) -> None:
        await FAULTS[fault](replace(exchange, answer=Answer(text)))

    return answer


async def _ask(handle: LuckyChatModel, shown: list[str], asked: Asked) -> None:
    if asked in (streamed, astreamed):
        await _read(handle, shown, in_thread=asked is streamed)
    else:
        shown.append(await asked(handle))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(*[st.sampled_from(BEHAVIOURS)] * 3),
    st.sampled_from(["first", "fallback", "race", "consensus"]),
    st.sampled_from(EVERY_WAY),
    st.fixed_dictionaries({"stagger": st.sampled_from([0.0, 0.005, "p95"]), "quorum": st.sampled_from([1, 2])}),
)
async def test_any_pattern_of_members_gives_one_answer_or_one_error(
    provider: Provider,
    settled: Counter[str],
    behaviours: tuple[str, ...],
    strategy: str,
    asked: Asked,
    how: dict[str, Any],
) -> None:
    """Whatever three members do: one member's whole text, or one typed error after part of one member's at most.

    Every started attempt is settled once; no thread, task or connection is left.
    """
    provider.clear()
    settled.clear()
    for (ref, text), behaviour in zip(TAGS.items(), behaviours, strict=True):
        provider.reply(Answer(text), path=homes.PATHS[ref])
        if behaviour != "well":
            provider.script(saying(behaviour, text), path=homes.PATHS[ref])
    tasks, shown, failed = len(asyncio.all_tasks()), list[str](), False
    with homes.registry_on(provider) as registry:
        handle = homes.user_of(registry).models(*TAGS, strategy=strategy, max_retries=0, **how)
        try:
            await _ask(handle, shown, asked)
        except errors.CallError:
            failed = True
        await quiet(provider, settled)
    text = "".join(shown)
    assert text in TAGS.values() or (failed and any(whole.startswith(text) for whole in TAGS.values()))
    assert settled["admitted"] == settled["settled"]
    await no_connection_left(provider)
    assert len(asyncio.all_tasks()) <= tasks


async def no_connection_left(provider: Provider) -> None:
    """Wait until the server has heard of every connection's end."""
    until = time.monotonic() + 10
    while provider.open_connections and time.monotonic() < until:  # noqa: ASYNC110 - a thread counts them
        await asyncio.sleep(0.005)
    assert provider.open_connections == 0
