"""Asking a member below LangChain's callbacks: directly where that is the same, LangChain's own way where it is not."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_lucky_models.asking.seam import aask_whole, ask_whole

QUESTION = [HumanMessage("hi")]


class Partner(GenericFakeChatModel):
    """Answers with facts in every place that a partner may put them."""

    choices: int = 1

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        return ChatResult(
            generations=[
                ChatGeneration(
                    message=AIMessage("yes", response_metadata={"model_provider": "p", "both": "message"}),
                    generation_info={"finish_reason": "stop", "both": "generation", "common": "generation"},
                )
                for _ in range(self.choices)
            ],
            llm_output={"model_name": "m", "common": "output", "both": "output"},
        )

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        return self._generate()


class Counted(BaseRateLimiter):
    """Lets everybody pass, and counts them."""

    def __init__(self) -> None:
        self.passed = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.passed += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire(blocking=blocking)


def partner(**settings: Any) -> Partner:
    return Partner(messages=iter(()), cache=False, **settings)


@pytest.mark.parametrize("choices", [1, 2])
async def test_an_answer_carries_what_langchain_would_put_on_it(choices: int) -> None:
    """Whichever way it came: what is known of one answer stands in its message, the nearest word last."""
    asked = partner(choices=choices)
    plain = asked._generate_with_cache([*QUESTION])
    told = [generation.message.response_metadata for generation in plain.generations]
    assert told[0]["both"] == "message"
    for result in (ask_whole(asked, [*QUESTION], None, {}), await aask_whole(asked, [*QUESTION], None, {})):
        assert [generation.message.response_metadata for generation in result.generations] == told


async def test_a_members_own_limiter_is_asked_once_for_each_answer() -> None:
    limiter = Counted()
    asked = partner(rate_limiter=limiter)
    ask_whole(asked, [*QUESTION], None, {})
    await aask_whole(asked, [*QUESTION], None, {})
    assert limiter.passed == 2


def test_a_member_that_speaks_in_blocks_does_so_here_too() -> None:
    content = ask_whole(partner(output_version="v1"), [*QUESTION], None, {}).generations[0].message.content
    assert content == [{"type": "text", "text": "yes"}]
