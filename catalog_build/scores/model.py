"""What the scores need to know about a model, and nothing else of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """One catalog entry, as the scores see it.

    Attributes:
        ref: Its ref, such as `openrouter#openai/gpt-4o`; the key of every answer.
        provider: The provider that serves it.
        model: The provider's own id of it.
        base: The id of the model it is a variant of, at the same provider, where that is known.
        release_date: The day it was first offered.
        output_price: Dollars for a million output tokens.
        reasoning: Whether it thinks before it answers.
        open_weights: Whether its weights are published.
        is_text: Whether it answers in text; others have no intelligence here.
    """

    ref: str
    provider: str
    model: str
    base: str | None
    release_date: dt.date | None
    output_price: Decimal | None
    reasoning: bool | None
    open_weights: bool | None
    is_text: bool
