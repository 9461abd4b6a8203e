"""A chat model for servers that speak OpenAI's Chat Completions and say more: reasoning, and their own cost.

`ChatOpenAI` drops what OpenAI's interface does not name. This module is imported only where `langchain_openai` is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_openai.chat_models.base import BaseChatOpenAI
from openai import BaseModel
from pydantic import Field, ValidationError

from langchain_lucky_models.providers.answers import countable
from langchain_lucky_models.providers.stream_tail import DETAILS, LAST_WORDS, StreamTail

REASONING = ("reasoning", "reasoning_content")
"""OpenRouter's name for what a model thought, and everybody else's. LangChain makes a reasoning block of the second."""
StructuredMethod = Literal["function_calling", "json_mode", "json_schema"]


class CompatibleChatModel(BaseChatOpenAI):
    """A model behind a server of the OpenAI-compatible kind.

    Attributes:
        server: Whom answers and traces name as the provider.
        structured_by: How structured output is asked for where the caller does not say.
        takes_back: What of its thoughts the server wants back with the next question, under its name for them.
    """

    server: str = Field(default="openai_compatible", exclude=True)
    structured_by: StructuredMethod = Field(default="function_calling", exclude=True)
    takes_back: Literal["reasoning_details", "reasoning_content"] | None = Field(default=None, exclude=True)
    use_responses_api: bool | None = False

    @property
    def _llm_type(self) -> str:
        return f"{self.server}-chat"

    def _resolve_model_profile(self) -> ModelProfile | None:
        return None  # the partner's table knows OpenAI's own models, not what this server calls by their names

    def with_structured_output(
        self, schema: dict[str, Any] | type | None = None, *, method: StructuredMethod | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """The partner's own, with another method by default where the server does it better."""
        return super().with_structured_output(schema, method=method or self.structured_by, **kwargs)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self.server
        return params

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        if self.takes_back and "messages" in payload:
            for message, sent in zip(self._convert_input(input_).to_messages(), payload["messages"], strict=True):
                if isinstance(message, AIMessage):
                    sent.update(given_back(message, self.takes_back))
        return payload

    def _create_chat_result(
        self, response: dict[str, Any] | BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        for generation, choice in zip(result.generations, read(response, "choices"), strict=True):
            said = read(choice, "message")
            generation.message.additional_kwargs.update(reasoning_of(said))
            generation.message.response_metadata["model_provider"] = self.server
            if isinstance(generation.message, AIMessage):
                generation.message.usage_metadata = countable(generation.message.usage_metadata)
        usage = read(response, "usage")
        result.llm_output = {**(result.llm_output or {}), **cost_of(usage), "model_provider": self.server}
        return result

    def _get_generation_chunk_from_completion(self, completion: BaseModel) -> ChatGenerationChunk:
        chunk = super()._get_generation_chunk_from_completion(completion)
        for name in ("reasoning_content", DETAILS):  # came with the stream already
            chunk.message.additional_kwargs.pop(name, None)
        info = chunk.generation_info or {}
        chunk.message.response_metadata.update({name: info.pop(name) for name in LAST_WORDS if name in info})
        return chunk

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type[BaseMessageChunk],
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        try:
            converted = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        except ValidationError:  # its figures are no numbers; what it says besides may still be good
            bare = {**chunk, "usage": None}
            converted = super()._convert_chunk_to_generation_chunk(bare, default_chunk_class, base_generation_info)
        if converted is None:
            return None
        raw = chunk.get("chunk") or chunk  # structured streams wrap what came
        message = converted.message
        message.response_metadata.update(cost_of(raw.get("usage")))
        if choices := raw.get("choices"):
            message.response_metadata["model_provider"] = self.server
            message.additional_kwargs.update(reasoning_of(choices[0].get("delta")))
        return converted

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        tail = StreamTail()
        for chunk in super()._stream(*args, **kwargs):
            yield tail.hold_back(chunk)
        if last := tail.last():
            yield last

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        tail = StreamTail()
        async for chunk in super()._astream(*args, **kwargs):
            yield tail.hold_back(chunk)
        if last := tail.last():
            yield last


def read(source: object, name: str) -> Any:
    """A field of something that came as an SDK's object or as plain JSON."""
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def reasoning_of(said: object) -> dict[str, Any]:
    """What a message or delta says of the model's thoughts, under the names that LangChain reads."""
    found: dict[str, Any] = {}
    thought = next((text for name in REASONING if isinstance(text := read(said, name), str) and text), None)
    if thought is not None:
        found["reasoning_content"] = thought
    if isinstance(details := read(said, DETAILS), list):
        found[DETAILS] = [detail for detail in details if isinstance(detail, dict)]
    return found


def given_back(message: AIMessage, name: str) -> dict[str, Any]:
    """What an earlier answer said of the model's thoughts, as a field of the message that goes back."""
    if name == DETAILS:
        details = message.additional_kwargs.get(DETAILS)
        return {DETAILS: details} if details else {}
    if not message.tool_calls:
        return {}
    # Demanded with every call, and empty where another model made the call.
    return {name: "".join(str(block.get("reasoning", "")) for block in message.content_blocks)}


def cost_of(usage: object) -> dict[str, Any]:
    """What a usage says it cost, where it says so."""
    told = {name: read(usage, name) for name in LAST_WORDS}
    return {
        name: dict(value) if isinstance(value, BaseModel) else value
        for name, value in told.items()
        if value is not None
    }
