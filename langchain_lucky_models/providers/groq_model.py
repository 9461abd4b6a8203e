"""`ChatGroq` that tells which model answered, and finds the usage of a stream in either of its two places.

The partner names the model that was asked for, and reads a stream's usage in Groq's own place only. This module is
imported only where `langchain_groq` is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_groq import ChatGroq
from langchain_groq.chat_models import _convert_chunk_to_message_chunk
from pydantic import BaseModel

from langchain_lucky_models.providers.stream_tail import StreamTail


class ServedChatGroq(ChatGroq):
    """A `ChatGroq` whose answers name the model that gave them."""

    def _create_chat_result(self, response: dict[str, Any] | BaseModel, params: dict[str, Any]) -> ChatResult:
        plain = response if isinstance(response, dict) else response.model_dump()
        result = super()._create_chat_result(plain, params)
        result.llm_output = {**(result.llm_output or {}), "model_name": self._served(plain, params)}
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        payload = self._payload(messages, stop, kwargs)
        tail = StreamTail()
        for raw in self.client.create(**payload):
            chunk = tail.hold_back(self._chunk(raw, payload))
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk
        if last := tail.last():
            yield last

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        payload = self._payload(messages, stop, kwargs)
        tail = StreamTail()
        async for raw in await self.async_client.create(**payload):
            chunk = tail.hold_back(self._chunk(raw, payload))
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk
        if last := tail.last():
            yield last

    def _payload(self, messages: list[BaseMessage], stop: list[str] | None, given: Mapping[str, Any]) -> dict[str, Any]:
        dicts, params = self._create_message_dicts(messages, stop)
        return {**params, **given, "messages": dicts, "stream": True}

    def _chunk(self, raw: dict[str, Any] | BaseModel, payload: Mapping[str, Any]) -> ChatGenerationChunk:
        plain = raw if isinstance(raw, dict) else raw.model_dump()
        if usage := plain.get("usage"):
            plain["x_groq"] = {"usage": usage, **(plain.get("x_groq") or {})}
        if not plain["choices"]:
            plain = {**plain, "choices": [{"delta": {}}]}
        choice = plain["choices"][0]
        message = _convert_chunk_to_message_chunk(plain, AIMessageChunk)
        return ChatGenerationChunk(message=message, generation_info=self._told(plain, choice, payload) or None)

    def _told(self, plain: Mapping[str, Any], choice: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if logprobs := choice.get("logprobs"):
            told["logprobs"] = logprobs
        if reason := choice.get("finish_reason"):
            told |= {
                "finish_reason": reason,
                "model_name": self._served(plain, payload),
                "system_fingerprint": plain.get("system_fingerprint"),
                "service_tier": payload.get("service_tier"),
                "reasoning_effort": payload.get("reasoning_effort"),
            }
        return {name: value for name, value in told.items() if value}

    def _served(self, plain: Mapping[str, Any], params: Mapping[str, Any]) -> str:
        return str(plain.get("model") or params.get("model") or self.model_name)
