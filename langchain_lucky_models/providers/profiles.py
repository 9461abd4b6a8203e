"""What LangChain asks a model's profile for, taken from the catalog where the partner package knows nothing."""

from __future__ import annotations

from typing import cast

from langchain_core.language_models import ModelProfile

from langchain_lucky_models.catalog.entry import ModelEntry, Support

KINDS = ("text", "image", "audio", "video")


def profile_of(entry: ModelEntry) -> ModelProfile:
    """The profile of a catalog entry: only what is known, and only under LangChain's own names.

    Example:
        >>> from langchain_lucky_models.catalog.entry import Capabilities, TokenLimits
        >>> entry = ModelEntry(
        ...     provider="openrouter",
        ...     id="openai/gpt-4o",
        ...     limits=TokenLimits(context=128_000, output=16_384),
        ...     capabilities=Capabilities(tools=True),
        ... )
        >>> profile = profile_of(entry)
        >>> profile["max_input_tokens"], profile["max_output_tokens"], profile["tool_calling"]
        (128000, 16384, True)
    """
    inputs, outputs = set(entry.modalities.input), set(entry.modalities.output)
    known: dict[str, object | None] = {
        "name": entry.name,
        "release_date": entry.release_date.isoformat() if entry.release_date else None,
        "open_weights": entry.open_weights,
        "max_input_tokens": entry.limits.input or entry.limits.context,
        "max_output_tokens": entry.limits.output,
        **{f"{kind}_inputs": kind in inputs for kind in KINDS},
        **{f"{kind}_outputs": kind in outputs for kind in KINDS},
        "pdf_inputs": "pdf" in inputs or certain(entry.capabilities.pdf),
        "reasoning_output": certain(entry.capabilities.reasoning),
        "tool_calling": certain(entry.capabilities.tools),
        "structured_output": certain(entry.capabilities.json_schema),
        "temperature": certain(entry.capabilities.temperature),
    }
    return cast("ModelProfile", {name: value for name, value in known.items() if value is not None})


def certain(support: Support) -> bool | None:
    """A support as a yes or a no. What only some endpoints can do is no promise, so it counts as a no."""
    return None if support is None else support is True
