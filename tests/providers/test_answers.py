"""Reading answers: finish, end and cost, from messages and from raw generations."""

from __future__ import annotations

from decimal import Decimal

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_lucky_models.providers.answers import countable, ended, finish, reported_cost


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "stop"}, "stop"),
        ({"stop_reason": "end_turn"}, "end_turn"),
        ({"done_reason": "length"}, "length"),
        ({"status": "completed"}, "completed"),
        ({"status": "incomplete"}, "incomplete"),
    ],
)
def test_every_dialects_word_for_the_end_is_understood(metadata: dict[str, object], reason: str) -> None:
    answer = AIMessage("Hello", response_metadata=metadata)
    assert finish(answer) == reason
    assert ended(answer)


@pytest.mark.parametrize(
    "metadata",
    [{}, {"finish_reason": None}, {"finish_reason": ""}, {"status": "in_progress"}, {"finish_reason": 7}],
)
def test_an_answer_without_that_word_has_not_ended(metadata: dict[str, object]) -> None:
    answer = AIMessageChunk(content="Hel", response_metadata=metadata)
    assert finish(answer) is None
    assert not ended(answer)


def test_a_finish_that_says_error_is_no_end() -> None:
    answer = AIMessageChunk(content="Hel", response_metadata={"finish_reason": "error"})
    assert finish(answer) == "error"
    assert not ended(answer)


def test_a_raw_chunk_is_read_beside_its_message_too() -> None:
    raw = ChatGenerationChunk(
        message=AIMessageChunk(content=""), generation_info={"finish_reason": "stop", "cost": 0.25}
    )
    assert ended(raw)
    assert reported_cost(raw) == Decimal("0.25")


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (0.1, Decimal("0.1")),
        (1e-7, Decimal("1e-7")),
        (0, Decimal(0)),
        ("0.00014", Decimal("0.00014")),
        (Decimal("2.5"), Decimal("2.5")),
    ],
)
def test_a_reported_cost_is_read_as_it_was_written(told: object, cost: Decimal) -> None:
    assert reported_cost(AIMessage("Hello", response_metadata={"cost": told})) == cost


@pytest.mark.parametrize("told", [None, True, -0.1, float("nan"), float("inf"), "free", [], {"usd": 1}])
def test_a_cost_that_cannot_be_is_no_cost(told: object) -> None:
    assert reported_cost(AIMessage("Hello", response_metadata={"cost": told})) is None


def test_details_that_langchain_has_no_name_for_are_kept_because_their_prices_differ() -> None:
    """Tokens written to a cache, or used at another service level, are not billed as plain ones."""
    counted = {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 0, "ephemeral_5m_input_tokens": 90, "flex": 10, "odd": "x"},
        "output_token_details": {"priority_reasoning": 20, "reasoning": "20"},
    }
    assert countable(counted) == counted | {
        "input_token_details": {"cache_read": 0, "ephemeral_5m_input_tokens": 90, "flex": 10},
        "output_token_details": {"priority_reasoning": 20, "reasoning": 20},
    }
