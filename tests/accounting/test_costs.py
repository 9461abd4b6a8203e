"""What a call costs, from the provider's bytes to the ledger, is what `genai-prices` makes of the same bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import calc_price, extract_usage

from langchain_lucky_models import LLMRegistry, create_llm_registry
from tests.loopback import Provider
from tests.loopback.dialects.anthropic import ANTHROPIC
from tests.loopback.dialects.groq import GROQ
from tests.loopback.talk import Answer, Question, Usage

DIALECTS = {"anthropic": ANTHROPIC, "groq": GROQ}
TOLERANCE = Decimal("0.000000000001")
"""A picodollar: theirs is a sum of rounded parts."""


@dataclass(frozen=True)
class Bill:
    """One answer as a provider has counted it.

    Attributes:
        ref: Who answered.
        counted: Its `usage` in OpenAI's words, or what the loopback says in the provider's own.
    """

    ref: str
    counted: Mapping[str, Any] | Usage

    @property
    def answer(self) -> Answer:
        """What the provider sends."""
        if isinstance(self.counted, Usage):
            return Answer(usage=self.counted)
        return Answer(extra={"usage": dict(self.counted)})

    def theirs(self, at: dt.datetime) -> Decimal:
        """What `genai-prices` makes of the answer."""
        provider, _, model = self.ref.partition("#")
        body: dict[str, Any] = {"model": model, "usage": self.counted}
        if isinstance(self.counted, Usage):
            body = {"model": model, "usage": DIALECTS[provider].whole(Question(model, ""), self.answer)["usage"]}
        flavour = "chat" if provider == "openai" else "default"
        usage = extract_usage(body, provider_id=provider, api_flavor=flavour).usage
        return calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price


def openai(into: int, out: int, *, cached: int = 0, thought: int = 0, heard: int = 0, said: int = 0) -> dict[str, Any]:
    """A usage as OpenAI and those who speak like it write it."""
    return {
        "prompt_tokens": into,
        "completion_tokens": out,
        "total_tokens": into + out,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": heard},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": said,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


BILLS = {
    "plain": Bill("openai#gpt-4o", openai(19, 10)),
    "mini": Bill("openai#gpt-4o-mini", openai(1_117, 46)),
    "cached": Bill("openai#gpt-4o", openai(2_006, 300, cached=1_920)),
    "all cached": Bill("openai#gpt-4.1", openai(4_096, 1, cached=4_096)),
    "reasoning": Bill("openai#o3", openai(75, 1_186, thought=1_024)),
    "cached and reasoning": Bill("openai#gpt-5", openai(10_240, 2_500, cached=8_064, thought=2_048)),
    "nothing but thought": Bill("openai#gpt-5-mini", openai(88, 4_096, thought=4_096)),
    "below the tier": Bill("openai#gpt-5.4", openai(272_000, 900)),
    "above the tier": Bill("openai#gpt-5.4", openai(272_001, 900)),
    "cached above the tier": Bill("openai#gpt-5.4", openai(400_000, 12_345, cached=300_032)),
    "heard": Bill("openai#gpt-audio", openai(1_200, 60, heard=1_100)),
    "heard and said": Bill("openai#gpt-audio-mini", openai(640, 820, heard=600, said=700)),
    "empty": Bill("openai#gpt-4o", openai(3, 0)),
    "without details": Bill("openai#gpt-4o", {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}),
    "groq": Bill("groq#openai/gpt-oss-20b", Usage(input=18, output=556)),
    "groq, cached and reasoning": Bill("groq#openai/gpt-oss-120b", Usage(3_000, 700, cached=2_048, reasoning=512)),
    "anthropic": Bill("anthropic#claude-sonnet-4-6", Usage(input=2_095, output=503)),
    "anthropic, read": Bill("anthropic#claude-sonnet-4-6", Usage(input=189_000, output=393, cached=188_086)),
    "anthropic, written": Bill("anthropic#claude-opus-4-8", Usage(input=12_000, output=393, written=11_950)),
    "anthropic, read and written": Bill("anthropic#claude-haiku-4-5", Usage(9_000, 40, cached=4_000, written=4_500)),
    "anthropic, above the tier": Bill("anthropic#claude-sonnet-4-6", Usage(250_000, 4_000, cached=40_000)),
}


@pytest.fixture
def registry(provider: Provider) -> Iterator[LLMRegistry]:
    """A registry whose providers are all the loopback's."""
    settings = {
        name: {"base_url": provider.base_urls[name], "api_key": f"key-of-{name}"}
        for name in ("openai", "groq", "anthropic")
    }
    with create_llm_registry(providers=settings) as made:
        yield made


@pytest.mark.parametrize("bill", BILLS.values(), ids=BILLS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_a_call_costs_what_its_provider_bills(
    registry: LLMRegistry, provider: Provider, bill: Bill, *, streams: bool
) -> None:
    provider.reply(bill.answer)
    model = registry.for_user(mode="shared", user_id="ada", models=[bill.ref]).model(bill.ref)
    if streams:
        metadata = [chunk.response_metadata for chunk in model.stream("Hello") if "lucky" in chunk.response_metadata]
    else:
        metadata = [model.invoke("Hello").response_metadata]
    theirs = bill.theirs(dt.datetime.now(dt.UTC))
    assert metadata[-1]["lucky"]["cost"] == pytest.approx(float(theirs), rel=1e-9)
    assert metadata[-1]["lucky"]["cost_basis"] == "catalog"
    (row,) = registry.usage(by=("model", "basis"))
    assert abs(row.cost - theirs) <= TOLERANCE
    assert (row.model, row.group["basis"], row.unpriced) == (bill.ref, "catalog", 0)


def test_what_the_provider_says_it_cost_goes_before_any_price(provider: Provider) -> None:
    settings = {"openrouter": {"base_url": provider.base_urls["openrouter"], "api_key": "key-of-openrouter"}}
    provider.reply(Answer(cost=0.0123456))
    with create_llm_registry(providers=settings) as registry:
        user = registry.for_user(mode="shared", user_id="ada", models=["openrouter#openai/gpt-4o"])
        assert user.model("openrouter#openai/gpt-4o").invoke("Hello").response_metadata["lucky"]["cost"] == 0.0123456
        (row,) = user.usage(by="basis")
    assert (row.cost, row.group["basis"]) == (Decimal("0.0123456"), "provider")
