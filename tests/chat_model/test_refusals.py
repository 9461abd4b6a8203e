"""What cannot be had is refused at once, in words that say what was asked, what exists and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_lucky_models import LLMRegistry, LuckyChatModel, UserModels, create_llm_registry, errors
from tests import homes
from tests.loopback import Provider


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("openai#gpt-4oo", errors.UnknownModelError, ["openai#gpt-4oo", "Nearest", "openai#gpt-4o"]),
        ("openai#o3", errors.ModelNotAllowedError, ["openai#o3", "not in this user's list", "for_user()"]),
        ("o3", errors.ModelNotAllowedError, ["'o3'", "not in this user's list", "openai#o3"]),
        ("nobody#gpt-4o", errors.ProviderNotConfiguredError, ["no provider 'nobody'", "providers="]),
        ("tier:cheep", errors.UnknownTierError, ["'cheep'", "Nearest: cheap", "smart"]),
        ("user:ada:none", errors.UnknownExperimentError, ["user:ada:none"]),
        ("openai#", errors.InvalidRefError, ["openai#"]),
        ("", errors.InvalidRefError, []),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_at_once(
    provider: Provider, user: UserModels, name: str, kind: type[errors.LuckyError], words: list[str]
) -> None:
    """From `model` already, not from `invoke`; the message offers the nearest names."""
    with pytest.raises(kind) as refused:
        user.model(name)
    for word in words:
        assert word in str(refused.value)
    assert provider.requests == []


def test_a_provider_without_a_key_is_refused(registry: LLMRegistry) -> None:
    """The message says where the key belongs."""
    user = homes.user_of(registry, models=["requesty#gpt-5.4"])
    with pytest.raises(errors.ProviderNotConfiguredError, match=r"no key for 'requesty'; give it in fallback_keys="):
        user.model("requesty#gpt-5.4")


def test_a_retired_model_names_its_replacement(registry: LLMRegistry) -> None:
    """What to use instead stands in the message and on the error."""
    retired, status = next(
        (str(entry.ref), entry.status)
        for entry in registry.catalog
        if entry.provider in homes.KEYS and entry.status.state == "retired" and entry.status.replacement
    )
    with pytest.raises(errors.RetiredModelError, match="was switched off") as refused:
        homes.user_of(registry, models=[retired]).model(retired)
    assert refused.value.replacement == status.replacement
    assert str(status.replacement) in str(refused.value)


def test_an_empty_tier_says_why_each_was_left_out(registry: LLMRegistry) -> None:
    """Nobody of the list can serve it: each one's reason is told, and kept in `reasons`."""
    user = homes.user_of(registry, models=[homes.OPENAI, homes.GROQ])
    with pytest.raises(errors.EmptyTierError) as refused:
        user.tier("cheap", min_context=10**9)
    assert set(refused.value.reasons) == {homes.OPENAI, homes.GROQ}
    assert homes.GROQ in str(refused.value)


def test_a_byok_user_without_keys_is_refused(registry: LLMRegistry) -> None:
    """Not at the first call, but when the user is made; and no house key steps in for a provider left out."""
    with pytest.raises(errors.MissingKeysError):
        homes.user_of(registry, mode="byok", models=[homes.OPENAI])
    user = homes.user_of(registry, mode="byok", api_keys={"groq": "gsk-of-ada-0123456789"})
    with pytest.raises(errors.ProviderNotConfiguredError, match=r"api_keys=\{'openai': …\}"):
        user.model(homes.OPENAI)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"strategy": "fallbak"}, "Nearest: fallback"),
        ({"timeout": -1}, "timeout must be a positive number"),
        ({"max_retries": "two"}, "max_retries"),
        ({"base_url": "https://evil.example"}, "base_url"),
        ({"extra_headers": {"Authorization": "Bearer x"}}, "extra_headers"),
        ({"model_kwargs": {"extra_headers": {}}}, "extra_headers"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(user: UserModels, given: dict[str, Any], words: str) -> None:
    """A wrong number, a strategy misspelt, a keyword that says where to connect."""
    with pytest.raises((errors.ConfigError, ValueError), match=words):
        user.model(homes.OPENAI, **given)


async def test_a_misspelt_keyword_names_the_nearest(provider: Provider, user: UserModels) -> None:
    """Only the partner knows its keywords, so this one is told when it is first asked; nothing is sent."""
    handle = user.model(homes.OPENAI, temprature=0.1)
    for ask in (handle.invoke, handle.ainvoke):
        with pytest.raises(errors.ConfigError, match="Nearest: temperature"):
            await answer if hasattr(answer := ask("hi"), "__await__") else answer
    assert provider.requests == []


def test_a_lone_handle_without_a_key_says_where_keys_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    """`LuckyChatModel(model=…)` takes keys from the environment; where there is none, it says so at once."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(errors.ProviderNotConfiguredError):
        LuckyChatModel(model="openai#gpt-4o")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    assert LuckyChatModel(model="openai#gpt-4o").model_name == "gpt-4o"


def test_nothing_is_asked_or_built_before_a_call() -> None:
    """Registry, user, handles of every kind: no network, no partner package, no `await`."""
    registry = create_llm_registry(fallback_keys=homes.KEYS)
    user = homes.user_of(registry)
    for handle in (user.model(homes.OPENAI), user.models(*homes.EVERY), user.tier("smart")):
        assert handle.ref
    assert len(user.tenant.house.pool._templates) == 0
    registry.close()
