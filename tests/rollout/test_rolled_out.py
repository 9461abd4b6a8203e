"""Two paths as one Runnable: every entry point, every way to say who asks, streams, and nothing added to a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tracers.context import collect_runs
from pydantic import BaseModel

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.rollout import RolledOut
from tests.homes import MINI, OPENAI, user_of
from tests.loopback import Provider
from tests.rollout.homes import NAME, everybody, rolling


class Sum(BaseModel):
    """The sum of two numbers."""

    total: int


class Chunks(Runnable[Any, Any]):
    """Streams what it was given, and raises what is an exception."""

    def __init__(self, *chunks: Any) -> None:
        self.chunks = chunks
        self.closed = 0
        self.seen: list[RunnableConfig | None] = []

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        self.seen.append(config)
        return "".join(map(str, self._given()))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self.invoke(input, config)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        self.seen.append(config)
        try:
            yield from self._given()
        finally:
            self.closed += 1

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        for chunk in self.stream(input, config):
            yield chunk

    def _given(self) -> Iterator[Any]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def paths(registry: Any, new: Runnable[Any, Any], old: Runnable[Any, Any] | None = None) -> RolledOut:
    made: RolledOut = registry.rollout(NAME).runnable(old=old or Chunks("o", "l", "d"), new=new, user_id="ada")
    return made


async def every_way(chain: Runnable[Any, Any]) -> list[str]:
    """What is answered by each entry point."""
    return [
        chain.invoke("hi"),
        await chain.ainvoke("hi"),
        "".join(chain.stream("hi")),
        "".join([chunk async for chunk in chain.astream("hi")]),
        *chain.batch(["hi"]),
        *await chain.abatch(["hi"]),
        "".join(chain.transform(iter(["hi"]))),
    ]


@pytest.mark.parametrize(("allow", "path"), [(["ada"], "new"), ([], "old")])
async def test_every_entry_point_leads_to_the_users_path(allow: list[str], path: str, provider: Provider) -> None:
    with rolling(provider, allow=allow) as registry:
        assert await every_way(paths(registry, Chunks("n", "e", "w"))) == [path] * 7


async def test_the_runs_configuration_says_who_asks(provider: Provider) -> None:
    with rolling(provider, allow=["ada"]) as registry:
        chain = registry.rollout(NAME).runnable(old=lambda _: "old", new=lambda _: "new")
        ada, bob = (RunnableConfig(configurable={"user_id": name}) for name in ("ada", "bob"))
        assert chain.invoke("hi", ada) == "new"
        assert await chain.ainvoke("hi", bob) == "old"
        assert chain.batch(["hi", "hi"], [ada, bob]) == ["new", "old"]
        whole = RunnableLambda(lambda word: word) | chain | RunnableLambda(lambda word: word)
        assert whole.invoke("hi", ada) == "new"
        assert list(whole.stream("hi", bob)) == ["old"]


def test_a_handle_knows_its_user(provider: Provider) -> None:
    with rolling(provider, allow=["ada"]) as registry:
        rollout = registry.rollout(NAME)
        for user_id, ref in (("ada", MINI), ("bob", OPENAI)):
            user = user_of(registry, user_id)
            chain = rollout.runnable(old=user.model(OPENAI), new=user.model(MINI))
            assert chain.invoke("hi").response_metadata["lucky"]["ref"] == ref


async def test_nobody_asking_is_an_error_that_says_what_to_do(provider: Provider) -> None:
    with everybody(provider) as registry:
        chain = registry.rollout(NAME).runnable(old=lambda _: "old", new=lambda _: "new")
        for ask in (chain.invoke, lambda question: list(chain.stream(question))):
            with pytest.raises(ConfigError, match="does not know who asks"):
                ask("hi")
        with pytest.raises(ConfigError, match=r"'configurable': \{'user_id': …\}"):
            await chain.ainvoke("hi")


async def test_the_old_path_takes_over_before_anything_was_shown(provider: Provider) -> None:
    """Chunks without content are nothing shown."""
    with everybody(provider, on_failure="old") as registry:
        assert await every_way(paths(registry, Chunks("", ValueError("broken")))) == ["old"] * 7
        assert registry.rollout(NAME).report().counts["rescued"] == 7


async def gathered(chain: Runnable[Any, Any], shown: list[str]) -> None:
    async for chunk in chain.astream("hi"):
        shown.append(chunk)  # noqa: PERF401 - what came before it broke counts


async def test_what_was_shown_is_never_shown_twice(provider: Provider) -> None:
    with everybody(provider, on_failure="old") as registry:
        chain = paths(registry, Chunks("n", ValueError("broken")))
        shown: list[str] = []
        with pytest.raises(ValueError, match="broken"):
            shown.extend(chain.stream("hi"))
        with pytest.raises(ValueError, match="broken"):
            await gathered(chain, shown)
        assert shown == ["n", "n"]


async def test_by_default_a_streams_failure_goes_through(provider: Provider) -> None:
    with everybody(provider) as registry:
        chain = paths(registry, Chunks(ValueError("broken")))
        with pytest.raises(ValueError, match="broken"):
            list(chain.stream("hi"))
        with pytest.raises(ValueError, match="broken"):
            await gathered(chain, [])


def test_messages_without_content_wait_for_the_first_with_some(provider: Provider) -> None:
    empty, word, end = (AIMessageChunk(content=text) for text in ("", "word", ""))
    with everybody(provider) as registry:
        assert list(paths(registry, Chunks(empty, word, end)).stream("hi")) == [empty, word, end]
        assert list(paths(registry, Chunks(empty)).stream("hi")) == [empty]


@pytest.mark.parametrize("allow", [["ada"], []])
async def test_a_stream_that_is_let_go_is_closed(allow: list[str], provider: Provider) -> None:
    sides = Chunks("a", "b"), Chunks("a", "b")
    with rolling(provider, allow=allow) as registry:
        chain = paths(registry, *sides)
        chunks = chain.stream("hi")
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        assert sum(side.closed for side in sides) == 1


def test_a_call_is_one_run_with_a_tag_for_its_path(provider: Provider) -> None:
    with rolling(provider, allow=["ada"]) as registry:
        for user_id, path in (("ada", "new"), ("bob", "old")):
            user = user_of(registry, user_id)
            chain = registry.rollout(NAME).runnable(old=user.model(OPENAI), new=user.model(OPENAI))
            with collect_runs() as runs, get_usage_metadata_callback() as usage:
                answer = chain.invoke("hi", {"tags": ["mine"]})
            [run] = runs.traced_runs
            assert run.run_type == "llm"
            assert run.tags == ["mine", f"rollout:{NAME}:{path}"]
            assert [figures["total_tokens"] for figures in usage.usage_metadata.values()] == [
                answer.usage_metadata["total_tokens"]
            ]


def test_a_run_that_is_rescued_has_an_id_of_its_own(provider: Provider) -> None:
    from uuid import uuid4

    failing, answering = Chunks(ValueError("broken")), Chunks("old")
    with everybody(provider, on_failure="old") as registry:
        paths(registry, failing, answering).invoke("hi", {"run_id": uuid4()})
    assert failing.seen[0] is not None
    assert failing.seen[0]["run_id"] is not None
    assert answering.seen[0] is not None
    assert answering.seen[0]["run_id"] is None


def test_tools_and_structures_are_bound_on_both_paths(provider: Provider) -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    with rolling(provider, allow=["ada"]) as registry:
        for user_id in ("ada", "bob"):
            user = user_of(registry, user_id)
            chain = registry.rollout(NAME).runnable(old=user.model(OPENAI), new=user.model(MINI))
            assert chain.bind_tools([add], tool_choice="any").invoke("1 + 1?").tool_calls[0]["name"] == "add"
            assert isinstance(chain.with_structured_output(Sum).invoke("1 + 1?"), Sum)
        assert registry.rollout(NAME).report().counts == {"new": 2, "old": 2}


def test_it_stands_where_the_old_path_stood(provider: Provider) -> None:
    with rolling(provider) as registry:
        fake = GenericFakeChatModel(messages=iter([AIMessage("first")] * 9))
        chain = paths(registry, fake, fake)
        whole = ChatPromptTemplate.from_template("Say {word}.") | chain | StrOutputParser()
        assert whole.invoke({"word": "hello"}) == "first"
        assert "".join(whole.stream({"word": "hello"})) == "first"
        assert chain.InputType == fake.InputType
        assert chain.OutputType == fake.OutputType
        assert chain.get_name() == NAME
        assert chain.config_specs == fake.config_specs
