"""Reading an answer: did the provider finish it, why, and what does it say it cost. Pure functions on messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration
from pydantic import TypeAdapter, ValidationError

Answer = AIMessage | AIMessageChunk | ChatGeneration
"""A message or chunk as a model gives it, or the generation around it as `_generate` and `_stream` give it."""

FINISH_FIELDS = ("finish_reason", "stop_reason", "done_reason")
FINISHED_STATUS = frozenset({"completed", "incomplete"})
"""What OpenAI's Responses API says instead of a finish reason."""
BROKEN_OFF = frozenset({"error"})
"""A finish reason that means the opposite of one."""

_USAGE = TypeAdapter(UsageMetadata)
_DETAILS: tuple[Literal["input_token_details"], Literal["output_token_details"]] = (
    "input_token_details",
    "output_token_details",
)


def finish(answer: Answer) -> str | None:
    """Why the provider ended its answer, in its own word; nothing while it has not ended it.

    Example:
        >>> finish(AIMessage("Hello", response_metadata={"finish_reason": "length"}))
        'length'
        >>> finish(AIMessageChunk("Hel")) is None
        True
    """
    told = _metadata(answer)
    for name in FINISH_FIELDS:
        if isinstance(reason := told.get(name), str) and reason:
            return reason
    status = told.get("status")
    return status if isinstance(status, str) and status in FINISHED_STATUS else None


def ended(answer: Answer) -> bool:
    """Whether the provider said that its answer is complete, as opposed to a stream that merely stopped.

    Example:
        >>> ended(AIMessage("Hel", response_metadata={"finish_reason": "error"}))
        False
    """
    reason = finish(answer)
    return reason is not None and reason not in BROKEN_OFF


def reported_cost(answer: Answer) -> Decimal | None:
    """What the provider itself says the answer cost, in dollars; nothing where it says nothing believable.

    Example:
        >>> reported_cost(AIMessage("Hello", response_metadata={"cost": 0.00014}))
        Decimal('0.00014')
    """
    told = _metadata(answer).get("cost")
    if isinstance(told, bool) or not isinstance(told, int | float | str | Decimal):
        return None
    try:
        cost = Decimal(str(told))
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and cost >= 0 else None


def countable(usage: object) -> UsageMetadata | None:
    """A usage in whole numbers; nothing where it makes no sense, because a paid answer must outlive its bill.

    Example:
        >>> countable({"input_tokens": "3", "output_tokens": 4, "total_tokens": 7})
        {'input_tokens': 3, 'output_tokens': 4, 'total_tokens': 7}
        >>> countable({"input_tokens": "three", "output_tokens": 4, "total_tokens": 7}) is None
        True
    """
    try:
        believed = _USAGE.validate_python(usage)
    except ValidationError:
        return None
    for name in _DETAILS:
        # LangChain names few of the details that providers report, and prices differ by the others too.
        details = usage.get(name) if isinstance(usage, Mapping) else None
        if isinstance(details, Mapping):
            counted = {key: count for key, count in details.items() if type(count) is int}
            believed = cast("UsageMetadata", {**believed, name: {**counted, **believed[name]}})
    return believed


def _metadata(answer: Answer) -> Mapping[str, object]:
    # A raw chunk of a stream carries the finish beside its message; LangChain merges the two only later.
    if isinstance(answer, ChatGeneration):
        return {**answer.message.response_metadata, **(answer.generation_info or {})}
    return answer.response_metadata
