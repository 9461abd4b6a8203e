"""Nothing of the environment reaches a member: not a key, not an address, not a header, not a format (T5)."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage

from langchain_lucky_models.providers import family_of
from tests.providers.conftest import KINDS, Workshop

POISON = "poison-from-the-environment"
ELSEWHERE = "http://127.0.0.1:9/poison"

ENVIRONMENT = {
    **dict.fromkeys(
        (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_WEBHOOK_SIGNING_KEY",
            "GROQ_API_KEY",
            "LANGSMITH_GATEWAY_API_KEY",
            "OLLAMA_API_KEY",
            "OPENAI_ADMIN_KEY",
            "OPENAI_API_KEY",
            "OPENAI_ORGANIZATION",
            "OPENAI_ORG_ID",
            "OPENAI_PROJECT_ID",
            "OPENAI_WEBHOOK_SECRET",
            "OPENROUTER_API_KEY",
            "REQUESTY_API_KEY",
        ),
        POISON,
    ),
    **dict.fromkeys(
        (
            "ANTHROPIC_API_URL",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_PROXY",
            "GROQ_API_BASE",
            "GROQ_BASE_URL",
            "GROQ_PROXY",
            "LANGSMITH_GATEWAY",
            "LANGSMITH_GATEWAY_URL",
            "OLLAMA_HOST",
            "OPENAI_API_BASE",
            "OPENAI_BASE_URL",
            "OPENAI_PROXY",
        ),
        ELSEWHERE,
    ),
    "ANTHROPIC_CUSTOM_HEADERS": f"x-poison: {POISON}\nx-api-key: {POISON}",
    "OPENAI_CUSTOM_HEADERS": f"x-poison: {POISON}\nAuthorization: Bearer {POISON}",
    "LANGCHAIN_OPENAI_STREAM_CHUNK_TIMEOUT_S": "0.000001",
    "LC_OUTPUT_VERSION": "v1",
}

QUESTION = [HumanMessage("hi")]


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_poisoned_environment_changes_nothing(kind: str, workshop: Workshop) -> None:
    member = workshop.member(kind)
    assert member.invoke(QUESTION).content == (await member.ainvoke(QUESTION)).content
    assert "".join(chunk.text for chunk in member.stream(QUESTION)) == member.invoke(QUESTION).text
    assert "".join([chunk.text async for chunk in member.astream(QUESTION)]) == member.invoke(QUESTION).text
    assert len(workshop.server.requests) == 6
    for request in workshop.server.requests:
        assert request.key == "sk-of-ada-0001"
        sent = f"{request.path} {request.headers} {request.body!r}".lower()
        assert "poison" not in sent
        assert "openai-organization" not in sent
        assert "openai-project" not in sent


@pytest.mark.parametrize("kind", KINDS)
def test_a_poisoned_environment_is_not_remembered_either(kind: str, workshop: Workshop) -> None:
    template = workshop.template(kind)
    member = family_of(kind).member(template, workshop.ticket())
    seen = {id(member), id(template)}
    pending: list[object] = [member, template]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            assert "poison" not in one
        inner = list(getattr(one, "__dict__", {}).values()) + list(
            (getattr(one, "__pydantic_private__", None) or {}).values()
        )
        inner += list(one.values()) if isinstance(one, dict) else []
        wanted = [part for part in inner if id(part) not in seen and not isinstance(part, type)]
        seen.update(map(id, wanted))
        pending += [part for part in wanted if type(part).__module__.partition(".")[0] in OWN]


OWN = {"builtins", "openai", "groq", "anthropic", "ollama", "httpx", "httpx2", "langchain_lucky_models"}
"""Whose objects a member is made of; the interpreter's own are the whole world."""
