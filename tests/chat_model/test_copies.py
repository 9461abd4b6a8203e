"""What is changed on a handle, or on a copy of it, decides the next request; what may not be changed is refused."""

from __future__ import annotations

import copy
import pickle

import pytest
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr

from langchain_lucky_models import LLMRegistry, LuckyChatModel, UserModels, errors
from tests import homes
from tests.loopback import Provider


def test_an_assignment_is_seen_by_the_next_request(provider: Provider, user: UserModels) -> None:
    """T4: a partner's client is built once, so what is assigned later never reaches it."""
    handle = user.model(homes.OPENAI)
    handle.invoke("hi")
    handle.temperature = 0.25
    handle.max_tokens = 7
    handle.invoke("hi")
    handle.model = homes.GROQ
    answer = handle.invoke("hi")
    assert provider.requests[1].json["temperature"] == 0.25
    assert provider.requests[1].json["max_completion_tokens"] == 7
    assert answer.response_metadata["lucky"]["ref"] == homes.GROQ


def test_a_copy_is_another_handle_of_the_same_user(provider: Provider, user: UserModels) -> None:
    """T4, T7: a copy with another model asks that one, and says so to tracers and in its repr."""
    handle = user.model(homes.OPENAI)
    handle.invoke("hi")
    for twin in (handle.model_copy(update={"model": "gpt-4.1"}), copy.copy(handle), copy.deepcopy(handle)):
        assert twin.user_id == "ada"
    twin = handle.model_copy(update={"model": "gpt-4.1"})
    assert twin.invoke("hi").response_metadata["lucky"]["ref"] == "openai#gpt-4.1"
    assert "gpt-4.1" in str(twin._serialized)
    assert handle.invoke("hi").response_metadata["lucky"]["ref"] == homes.OPENAI


def test_a_copy_does_not_escape_the_list(user: UserModels) -> None:
    """A copy is looked up in the user's list like the first."""
    with pytest.raises(errors.ModelNotAllowedError, match=r"openai#o3 is not in this user's list"):
        user.model(homes.OPENAI).model_copy(update={"model": "openai#o3"}).invoke("hi")


async def test_configurable_fields_keep_the_user_and_the_list(provider: Provider, user: UserModels) -> None:
    """T4: LangChain rebuilds the model from its fields; the rebuilt one has the same user, key and list."""
    declared = user.model(homes.OPENAI).configurable_fields(
        model=ConfigurableField(id="model"), temperature=ConfigurableField(id="temperature")
    )
    answer = declared.invoke("hi", {"configurable": {"model": homes.GROQ, "temperature": 0.3}})
    assert answer.response_metadata["lucky"]["ref"] == homes.GROQ
    assert (provider.requests[-1].json["temperature"], provider.requests[-1].key) == (0.3, homes.KEYS["groq"])
    with pytest.raises(errors.ModelNotAllowedError):
        await declared.ainvoke("hi", {"configurable": {"model": "openai#o3"}})


def test_configurable_alternatives_choose_between_handles(user: UserModels) -> None:
    """`configurable_alternatives` picks whole handles by name."""
    choice = user.model(homes.OPENAI).configurable_alternatives(
        ConfigurableField(id="llm"), default_key="big", small=user.model(homes.MINI)
    )
    small = choice.with_config(configurable={"llm": "small"}).invoke("hi")
    assert small.response_metadata["lucky"]["ref"] == homes.MINI
    assert choice.invoke("hi").response_metadata["lucky"]["ref"] == homes.OPENAI


def test_a_limiter_survives_being_configured(provider: Provider, user: UserModels) -> None:
    """A rebuilt handle still has what is the members' own."""
    declared = user.model(homes.OPENAI, seed=5).configurable_fields(temperature=ConfigurableField(id="heat"))
    declared.invoke("hi", {"configurable": {"heat": 0.3}})
    assert provider.requests[-1].json["seed"] == 5


@pytest.mark.parametrize("name", ["api_key", "base_url", "openai_api_key", "organization", "default_headers"])
def test_a_registrys_handle_takes_no_key_and_no_address(user: UserModels, name: str) -> None:
    """T4: a partner takes another key and goes on sending the old one; ours refuses, and says where it belongs."""
    with pytest.raises(errors.ForbiddenParameterError, match="registry"):
        user.model(homes.OPENAI, **{name: "sk-another-0123456789"})
    with pytest.raises(errors.ForbiddenParameterError) as refused:
        user.model(homes.OPENAI).bind(**{name: "sk-another-0123456789"}).invoke("hi")
    assert "sk-another" not in str(refused.value)


def test_a_key_assigned_to_a_registrys_handle_is_refused(provider: Provider, user: UserModels) -> None:
    """T4: neither the old key nor the new one is sent."""
    handle = user.model(homes.OPENAI)
    twin = handle.model_copy(update={"api_key": "sk-another-0123456789"})
    with pytest.raises(errors.ForbiddenParameterError):
        twin.invoke("hi")
    assert provider.requests == []


def test_a_key_assigned_to_a_lone_handle_is_the_next_requests() -> None:
    """T4: the handle that brought its own key pays with the new one from then on."""
    handle = LuckyChatModel(model="openai#gpt-4o", api_key=SecretStr("sk-first-0123456789"))
    before = handle.line().candidates[0].credential.fingerprint()
    handle.api_key = SecretStr("sk-second-0123456789")
    after = handle.line().candidates[0].credential.fingerprint()
    fresh = LuckyChatModel(model="openai#gpt-4o", api_key=SecretStr("sk-second-0123456789"))
    assert before != after == fresh.line().candidates[0].credential.fingerprint()
    assert "sk-second" not in repr(handle) + str(vars(handle))


def test_nothing_of_the_house_reaches_a_user_who_pays(
    provider: Provider, registry: LLMRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T5: ChatOpenAI sends the house's organisation and project with a user's key, to an address from outside."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-house-0123456789")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-house")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-house")
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    keys = {"openai": "sk-of-bob-0123456789"}
    user = homes.user_of(registry, "bob", mode="byok", api_keys=keys, models=[homes.OPENAI])
    user.model(homes.OPENAI).invoke("hi")
    (request,) = provider.requests
    assert request.key == keys["openai"]
    assert "house" not in str(request.headers)


@pytest.mark.parametrize("name", [homes.OPENAI, "tier:cheap"])
def test_a_handle_pickles_without_keys_and_waits_for_its_user(registry: LLMRegistry, name: str) -> None:
    """Partners cannot be pickled at all; a handle can, is unbound afterwards, and works again once rebound."""
    user = homes.user_of(registry)
    pickled = pickle.dumps(user.model(name, temperature=0.3))
    assert not any(key.encode() in pickled for key in homes.KEYS.values())
    thawed: LuckyChatModel = pickle.loads(pickled)  # noqa: S301 - our own bytes
    with pytest.raises(errors.UnboundHandleError, match="rebind"):
        thawed.invoke("hi")
    assert registry.rebind(thawed).invoke("hi").text == "Hello from the loopback model."
    assert thawed.temperature == 0.3


def test_a_deep_copy_of_what_holds_a_handle_works(user: UserModels) -> None:
    """Frameworks deep-copy their state; a handle in it stays a working handle, and its keys are not copied."""
    state = copy.deepcopy({"model": user.models(homes.OPENAI, homes.GROQ), "tools": []})
    model = state["model"]
    assert isinstance(model, LuckyChatModel)
    assert model.invoke("hi").text == "Hello from the loopback model."
