"""The lists of models, as each provider writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.loopback.dialects.openai_chat import CREATED
from tests.loopback.talk import Json

Listing = Callable[[Sequence[str]], Json]


def openai(models: Sequence[str]) -> Json:
    """OpenAI's list: ids and little else."""
    rows = [{"id": model, "object": "model", "created": CREATED, "owned_by": "loopback"} for model in models]
    return {"object": "list", "data": rows}


def groq(models: Sequence[str]) -> Json:
    """Groq's list: OpenAI's, with context windows."""
    more = {"active": True, "context_window": 131_072, "max_completion_tokens": 32_768, "public_apps": None}
    return {"object": "list", "data": [row | more for row in openai(models)["data"]]}


def openrouter(models: Sequence[str]) -> Json:
    """OpenRouter's list: prices a token, as text."""
    return {"data": [_openrouter_row(model) for model in models]}


def _openrouter_row(model: str) -> Json:
    return {
        "id": model,
        "name": model.title(),
        "created": CREATED,
        "context_length": 128_000,
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"], "tokenizer": "Other"},
        "pricing": {"prompt": "0.000001", "completion": "0.000002", "request": "0", "image": "0"},
        "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": False},
        "supported_parameters": ["tools", "tool_choice", "response_format", "max_tokens", "temperature"],
    }


def anthropic(models: Sequence[str]) -> Json:
    """Anthropic's list: one page."""
    rows = [
        {"type": "model", "id": model, "display_name": model.title(), "created_at": "2026-01-01T00:00:00Z"}
        for model in models
    ]
    ends = {"first_id": models[0], "last_id": models[-1]} if models else {"first_id": None, "last_id": None}
    return {"data": rows, "has_more": False, **ends}


def ollama_tags(models: Sequence[str]) -> Json:
    """What an Ollama server holds."""
    details = {"format": "gguf", "family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"}
    when = "2026-01-01T00:00:00Z"
    rows = [
        {
            "name": model,
            "model": model,
            "modified_at": when,
            "size": 2_000_000_000,
            "digest": "0" * 64,
            "details": details,
        }
        for model in models
    ]
    return {"models": rows}


def ollama_show(models: Sequence[str]) -> Json:
    """One model of an Ollama server."""
    return {
        "details": ollama_tags(models[:1] or ["loopback"])["models"][0]["details"],
        "model_info": {"general.architecture": "llama", "llama.context_length": 131_072},
        "capabilities": ["completion", "tools"],
    }
