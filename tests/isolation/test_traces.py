"""What a tracing service is told: one root a call, its usage once, and no key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from langchain_lucky_models import UserModels
from tests import homes
from tests.isolation.search import shows
from tests.isolation.test_canary import langsmith_on_loopback
from tests.loopback import Answer, Provider, Usage

LINE = (homes.OPENAI, homes.OPENROUTER, homes.GROQ)
WAYS = ("invoke", "ainvoke", "stream", "astream")


@pytest.fixture
def user(provider: Provider) -> Any:
    with homes.user_on(provider) as user:
        yield user


def ask(user: UserModels, strategy: str, way: str, config: RunnableConfig) -> None:
    """Ask a line of three in one way."""
    model = user.models(*LINE, strategy=strategy)

    async def later() -> None:
        if way == "ainvoke":
            await model.ainvoke("hello", config)
        else:
            async for _ in model.astream("hello", config):
                pass

    if way == "invoke":
        model.invoke("hello", config)
    elif way == "stream":
        list(model.stream("hello", config))
    else:
        asyncio.run(later())


def runs_in(bodies: list[bytes]) -> dict[str, dict[str, Any]]:
    """Every run that was told of, its later news laid over the earlier."""
    found: dict[str, dict[str, Any]] = {}
    for body in bodies:
        run = json.loads(body)
        found.setdefault(run.get("id") or run["trace_id"], {}).update(
            {key: value for key, value in run.items() if value is not None}
        )
    return found


@pytest.mark.parametrize("strategy", ["first", "fallback", "race", "consensus"])
@pytest.mark.parametrize("way", WAYS)
def test_langsmith_sees_one_root_one_count_and_no_key(
    provider: Provider, user: UserModels, strategy: str, way: str
) -> None:
    """Case 120 and T2: through LangSmith's own client: one run without a parent, 18 tokens, 0 keys in every body."""
    provider.reply(Answer(usage=Usage(input=11, output=7)))
    if strategy == "fallback":
        provider.script("status_503", model="gpt-4o", path="/v1/chat/completions")
    with langsmith_on_loopback() as (tracer, received):
        ask(user, strategy, way, {"callbacks": [tracer], "metadata": {"team": "a"}})
        bodies = list(received())
    runs = runs_in(bodies)
    assert [run["run_type"] for run in runs.values()] == ["llm"]
    (root,) = runs.values()
    assert not root.get("parent_run_id")
    assert root.get("error") is None
    assert root["extra"]["metadata"]["team"] == "a"
    message = root["outputs"]["generations"][0][0]["message"]["kwargs"]
    assert message["usage_metadata"]["total_tokens"] == 18
    assert [key for key in homes.KEYS.values() if shows(b"".join(bodies), key)] == []
