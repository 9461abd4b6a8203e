"""Calls go to the path that the user gets, with the same arguments; where the new one fails, as it is set."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.runnables import RunnableLambda

from langchain_lucky_models.rollout import Rollout
from tests.homes import MINI, OPENAI, user_of
from tests.loopback import Provider
from tests.rollout.homes import NAME, everybody, rolling


def old(question: str, *, loud: bool = False) -> str:
    return f"old: {question}{'!' if loud else ''}"


def new(question: str, *, loud: bool = False) -> str:
    return f"new: {question}{'!' if loud else ''}"


async def aold(question: str) -> str:
    return f"old: {question}"


async def anew(question: str) -> str:
    return f"new: {question}"


def broken(question: str) -> str:
    raise ValueError(question)


async def abroken(question: str) -> str:
    raise ValueError(question)


@pytest.mark.parametrize(("user_id", "path"), [("ada", "new"), ("bob", "old")])
async def test_each_user_gets_a_path(user_id: str, path: str, provider: Provider) -> None:
    with rolling(provider, allow=["ada"]) as registry:
        rollout = registry.rollout(NAME)
        assert rollout.call(user_id, old, new, "hi", loud=True) == f"{path}: hi!"
        assert await rollout.acall(user_id, old, anew, "hi") == f"{path}: hi"
        assert await rollout.acall(user_id, aold, new, "hi") == f"{path}: hi"
        assert rollout.report().counts == {path: 3}


async def test_paths_may_be_handles_and_chains(provider: Provider) -> None:
    with everybody(provider) as registry:
        rollout, ada = registry.rollout(NAME), user_of(registry)
        handle = ada.model(OPENAI)
        assert rollout.call("ada", old, handle, "hi").response_metadata["lucky"]["ref"] == OPENAI
        chain = handle | RunnableLambda(lambda message: message.text)
        assert rollout.call("ada", old, chain, "hi")
        assert (await rollout.acall("ada", aold, ada.model(MINI), "hi")).text


def test_an_async_path_has_to_be_awaited(provider: Provider) -> None:
    with everybody(provider) as registry, pytest.raises(TypeError, match=r"await rollout\.acall"):
        registry.rollout(NAME).call("ada", aold, anew, "hi")


async def outcomes(rollout: Rollout) -> list[str]:
    return [rollout.call("ada", old, broken, "hi"), await rollout.acall("ada", aold, abroken, "hi")]


async def test_a_failure_of_the_new_path_goes_through(provider: Provider) -> None:
    with everybody(provider) as registry:
        rollout = registry.rollout(NAME)
        with pytest.raises(ValueError, match="hi"):
            rollout.call("ada", old, broken, "hi")
        with pytest.raises(ValueError, match="hi"):
            await rollout.acall("ada", aold, abroken, "hi")
        assert "rescued" not in rollout.report().counts


async def test_where_it_is_set_so_the_old_path_answers_and_it_is_recorded(provider: Provider) -> None:
    with everybody(provider, on_failure="old") as registry:
        rollout = registry.rollout(NAME)
        assert await outcomes(rollout) == ["old: hi", "old: hi"]
        assert rollout.report().counts == {"new": 2, "rescued": 2, "rescued: ValueError": 2}


async def test_a_cancelled_call_is_nobodys_to_rescue(provider: Provider) -> None:
    asked = asyncio.Event()

    async def hanging() -> str:
        asked.set()
        await asyncio.Event().wait()
        return "new"

    async def never() -> str:
        raise AssertionError("the old path was asked")

    with everybody(provider, on_failure="old") as registry:
        task = asyncio.create_task(registry.rollout(NAME).acall("ada", never, hanging))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_an_error_of_the_old_path_is_nobodys_to_rescue(provider: Provider) -> None:
    with rolling(provider, on_failure="old") as registry, pytest.raises(ValueError, match="hi"):
        registry.rollout(NAME).call("ada", broken, new, "hi")


def test_langgraphs_interrupts_pass_through(provider: Provider) -> None:
    from langgraph.errors import GraphInterrupt

    def interrupting(question: str) -> str:
        raise GraphInterrupt

    with everybody(provider, on_failure="old") as registry, pytest.raises(GraphInterrupt):
        registry.rollout(NAME).call("ada", old, interrupting, "hi")
