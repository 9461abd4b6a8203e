"""Everybody who is measured, each built from an address and the models it may ask.

Imports happen in the builders, so that a contender's process holds nothing but the contender.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

KEY = "sk-benchmark-0123456789"
MONEY_FOR_THREE = 0.0002175
"""Dollars: what three answers of the benchmarks' server cost at gpt-4o's price."""

Build = Callable[[str, Sequence[str]], Any]


@dataclass(frozen=True)
class Contender:
    """One way to ask a model.

    Attributes:
        name: As the report calls it.
        build: Makes a fresh chat model for an address and models in order of preference.
        rival: Whether it lives in the rivals' environment, because its pins exclude ours.
    """

    name: str
    build: Build
    rival: bool = False


def _chat_openai(url: str, model: str, **more: Any) -> Any:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(model=model, base_url=f"{url}/v1", api_key=SecretStr(KEY), stream_usage=True, **more)


def _bare(url: str, models: Sequence[str]) -> Any:
    return _chat_openai(url, models[0])


def _with_fallbacks(url: str, models: Sequence[str], **more: Any) -> Any:
    first, *others = [_chat_openai(url, model, **more) for model in models]
    return first.with_fallbacks(others)


def _configurable(url: str, models: Sequence[str]) -> Any:
    from langchain.chat_models import init_chat_model

    return init_chat_model(
        models[0],
        model_provider="openai",
        configurable_fields=("model",),
        base_url=f"{url}/v1",
        api_key=KEY,
        stream_usage=True,
    )


def _ours(
    url: str,
    models: Sequence[str],
    strategy: str | None = None,
    accounts: Callable[[], Mapping[str, Any]] = dict,
    **params: Any,
) -> Any:
    from langchain_lucky_models import create_llm_registry
    from tests.benchmarks.rivals_server import SCRIPTED

    providers = {"openai": {"base_url": f"{url}/v1"}}
    registry = create_llm_registry(fallback_keys={"openai": KEY}, providers=providers, **accounts())
    registry.catalog.register_all({"provider": "openai", "id": model} for model in SCRIPTED)
    refs = [f"openai#{model}" for model in models]
    user = registry.for_user(mode="shared", user_id="ada", models=refs)
    return user.models(*refs, strategy=strategy, **params) if strategy else user.model(refs[0], **params)


def _accounted() -> Mapping[str, Any]:
    """A ledger in a file, a budget and two limits that nobody reaches."""
    return {
        "ledger": Path(tempfile.mkdtemp()) / "ledger.db",
        "budgets": [{"scope": "user", "limit": 1_000, "window": "day"}],
        "limits": [{"scope": "user", "requests_per_minute": 10**9, "tokens_per_minute": 10**12}],
    }


def _for_three_calls() -> Mapping[str, Any]:
    """Money for three calls, and no more."""
    return {"budgets": [{"limit": str(MONEY_FOR_THREE), "window": "day"}]}


def _ten_a_minute() -> Mapping[str, Any]:
    return {"limits": [{"requests_per_minute": 10}], "limit_wait": 0}


def _chat_litellm(url: str, models: Sequence[str]) -> Any:
    package = importlib.import_module("langchain_litellm")
    return package.ChatLiteLLM(model=f"openai/{models[0]}", api_base=f"{url}/v1", api_key=KEY)


def _router(url: str, models: Sequence[str], rpm: Mapping[str, int] | None = None, **more: Any) -> Any:
    litellm = importlib.import_module("litellm")
    where = {"api_base": f"{url}/v1", "api_key": KEY, **(rpm or {})}
    rows = [{"model_name": model, "litellm_params": {"model": f"openai/{model}", **where}} for model in models]
    return litellm.Router(model_list=rows, fallbacks=[{models[0]: list(models[1:])}] if models[1:] else [], **more)


def _chat_litellm_router(url: str, models: Sequence[str]) -> Any:
    package = importlib.import_module("langchain_litellm")
    return package.ChatLiteLLMRouter(router=_router(url, models), model_name=models[0])


class RouterAlone:
    """LiteLLM's Router without LangChain, called by LangChain's names."""

    def __init__(self, url: str, models: Sequence[str], **more: Any) -> None:
        self._router = _router(url, models, **more)
        self._model = models[0]

    def invoke(self, text: str) -> object:
        """Ask."""
        return self._router.completion(self._model, messages=[{"role": "user", "content": text}])

    def stream(self, text: str) -> Any:
        """Ask for a stream."""
        return self._router.completion(self._model, messages=[{"role": "user", "content": text}], stream=True)

    async def ainvoke(self, text: str) -> object:
        """Ask."""
        return await self._router.acompletion(self._model, messages=[{"role": "user", "content": text}])

    async def astream(self, text: str) -> Any:
        """Ask for a stream."""
        question = [{"role": "user", "content": text}]
        async for chunk in await self._router.acompletion(self._model, messages=question, stream=True):
            yield chunk


BARE = Contender("bare ChatOpenAI", _bare)
OURS = Contender("our handle of one model", _ours)
WITH_FALLBACKS = Contender("ChatOpenAI.with_fallbacks", _with_fallbacks)
WITH_FALLBACKS_AT_ONCE = Contender("ChatOpenAI.with_fallbacks, max_retries=0", partial(_with_fallbacks, max_retries=0))
CONFIGURABLE = Contender("init_chat_model(configurable)", _configurable)
CHAT_LITELLM = Contender("ChatLiteLLM", _chat_litellm, rival=True)
CHAT_LITELLM_ROUTER = Contender("ChatLiteLLMRouter", _chat_litellm_router, rival=True)
ROUTER = Contender("litellm.Router", RouterAlone, rival=True)
ROUTER_AT_ONCE = Contender("litellm.Router, num_retries=0", partial(RouterAlone, num_retries=0), rival=True)
FALLBACK, RACE, CONSENSUS = (
    Contender(f"our {strategy}", partial(_ours, strategy=strategy)) for strategy in ("fallback", "race", "consensus")
)
ACCOUNTED = Contender("our handle with ledger, budget and two limits", partial(_ours, accounts=_accounted))
OURS_FOR_THREE = Contender("our budget", partial(_ours, accounts=_for_three_calls, max_tokens=5))
OURS_TEN = Contender("our limit", partial(_ours, accounts=_ten_a_minute, max_retries=0))
ROUTER_ACCOUNTED = Contender(
    "litellm.Router with a budget and a limit",
    partial(
        RouterAlone,
        num_retries=0,
        rpm={"rpm": 10**9, "tpm": 10**12},
        provider_budget_config={"openai": {"budget_limit": 1_000.0, "time_period": "1d"}},
        optional_pre_call_checks=["enforce_model_rate_limits"],
    ),
    rival=True,
)
ROUTER_FOR_THREE = Contender(
    "litellm.Router, provider_budget_config",
    partial(
        RouterAlone,
        num_retries=0,
        provider_budget_config={"openai": {"budget_limit": MONEY_FOR_THREE, "time_period": "1d"}},
    ),
    rival=True,
)
ROUTER_TEN = Contender(
    "litellm.Router, enforce_model_rate_limits",
    partial(RouterAlone, num_retries=0, rpm={"rpm": 10}, optional_pre_call_checks=["enforce_model_rate_limits"]),
    rival=True,
)
HEDGE = Contender("our race, staggered by 60 ms", partial(_ours, strategy="race", stagger=0.06))

CONTENDERS: Mapping[str, Contender] = {
    contender.name: contender
    for contender in (
        BARE,
        OURS,
        WITH_FALLBACKS,
        WITH_FALLBACKS_AT_ONCE,
        CONFIGURABLE,
        CHAT_LITELLM,
        CHAT_LITELLM_ROUTER,
        ROUTER,
        ROUTER_AT_ONCE,
        FALLBACK,
        RACE,
        CONSENSUS,
        HEDGE,
        ACCOUNTED,
        OURS_FOR_THREE,
        OURS_TEN,
        ROUTER_ACCOUNTED,
        ROUTER_FOR_THREE,
        ROUTER_TEN,
    )
}
