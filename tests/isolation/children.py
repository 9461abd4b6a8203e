"""What child processes and threads ask: many questions, and a count of the answers that were not theirs."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

from langchain_lucky_models import LLMRegistry, LuckyChatModel, create_llm_registry
from tests.loopback import fingerprint

MODELS = ("openai#gpt-4o", "anthropic#claude-sonnet-5", "groq#openai/gpt-oss-20b", "openrouter#openai/gpt-4o")


def key_of(name: object) -> str:
    """A key that equals every other one in its first 20 characters."""
    return f"sk-the-same-beginning-for-all-{name}"


def registry_at(url: str, **more: object) -> LLMRegistry:
    """A registry whose providers all answer at one loopback server."""
    paths = {"openai": "/v1", "anthropic": "", "groq": "", "openrouter": "/api/v1"}
    return create_llm_registry(providers={name: {"base_url": url + path, **more} for name, path in paths.items()})


def handle_of(registry: LLMRegistry, name: object, model: str = MODELS[0]) -> LuckyChatModel:
    """A handle that pays with a key of its own."""
    provider = model.partition("#")[0]
    user = registry.for_user(mode="byok", user_id=str(name), models=MODELS, api_keys={provider: key_of(name)})
    return user.model(model, max_retries=0)


def wrong_sync(handle: LuckyChatModel, name: object, questions: int, key: object = None) -> int:
    """How many answers were not to the question, or not for the key."""
    sign = fingerprint(key_of(name if key is None else key))
    texts = [f"{name} asks {number}" for number in range(questions)]
    return sum(handle.invoke(text).text != f"{text} [{sign}]" for text in texts)


async def wrong_async(handle: LuckyChatModel, name: object, questions: int, key: object = None) -> int:
    """Same as `wrong_sync`, in a loop."""
    sign = fingerprint(key_of(name if key is None else key))
    texts = [f"{name} asks {number}" for number in range(questions)]
    return sum([(await handle.ainvoke(text)).text != f"{text} [{sign}]" for text in texts])


def forked(handle: LuckyChatModel, children: int, questions: int) -> Iterator[int]:
    """Fork, and let every child ask with the handle of the parent; the number of wrong answers of each."""
    pids = []
    for number in range(children):
        pid = os.fork()
        if pid == 0:
            wrong = 200
            try:
                half = questions // 2
                wrong = wrong_sync(handle, f"child {number}", half, key="parent")
                wrong += asyncio.run(wrong_async(handle, f"child {number}", questions - half, key="parent"))
            finally:
                os._exit(wrong)
        pids.append(pid)
    for pid in pids:
        yield os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fork_after_first_use(url: str) -> None:
    """A server that preloads: it has asked in a thread and in a loop before it forks."""
    registry = registry_at(url)
    for model in MODELS:
        handle = handle_of(registry, "parent", model)

        async def before_and_after(handle: LuckyChatModel = handle) -> list[int]:
            counts = [wrong_sync(handle, "parent", 1), await wrong_async(handle, "parent", 1)]
            counts += list(forked(handle, 4, 30))
            return [*counts, wrong_sync(handle, "parent", 2), await wrong_async(handle, "parent", 2)]

        counts = asyncio.run(before_and_after())
        print(model, sum(counts))
    assert threading.active_count() == 1


def application(environ: dict[str, object], start_response: object) -> list[bytes]:
    """A WSGI application around the preloaded handle."""
    text = str(environ["QUERY_STRING"])
    start_response("200 OK", [("content-type", "text/plain")])  # type: ignore[operator]
    return [PRELOADED.invoke(text).text.encode()]


if "LUCKY_PRELOAD" in os.environ:
    PRELOADED = handle_of(registry_at(os.environ["LUCKY_PRELOAD"]), "parent")
    PRELOADED.invoke("before the fork")

if __name__ == "__main__":
    fork_after_first_use(sys.argv[1])
