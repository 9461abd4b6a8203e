"""Whose key, which model, which address: what a registry lets through, and what it refuses at once."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from langchain_lucky_models import LuckyChatModel, create_llm_registry
from langchain_lucky_models.errors import (
    AuthFailedError,
    ConfigError,
    EmptyTierError,
    ForbiddenParameterError,
    LuckyError,
    MissingKeysError,
    ModelNotAllowedError,
    ProviderNotConfiguredError,
    UnknownExperimentError,
    UnknownModelError,
    UnknownTierError,
)
from langchain_lucky_models.providers.table import DEFAULT_PROVIDERS
from tests.loopback import Provider

HOUSE, OWN = "sk-house-0123456789", "sk-ada-0123456789"
MODELS = {
    "openai": "openai#gpt-4o",
    "groq": "groq#openai/gpt-oss-20b",
    "anthropic": "anthropic#claude-sonnet-5",
    "openrouter": "openrouter#openai/gpt-4o",
    "ollama": "ollama#llama3.2",
}
POISON = {
    **{row.key_env: "sk-environment-0123456789" for row in DEFAULT_PROVIDERS.values() if row.key_env},
    "OPENAI_ADMIN_KEY": "sk-environment-0123456789",
    "ANTHROPIC_AUTH_TOKEN": "sk-environment-0123456789",
    "OLLAMA_API_KEY": "sk-environment-0123456789",
    "OPENAI_ORG_ID": "org-environment",
    "OPENAI_ORGANIZATION": "org-environment",
    "OPENAI_PROJECT_ID": "proj-environment",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Env: environment",
    **dict.fromkeys(
        ("OPENAI_API_BASE", "OPENAI_BASE_URL", "GROQ_API_BASE", "GROQ_BASE_URL", "ANTHROPIC_API_URL", "OLLAMA_HOST"),
        "http://127.0.0.1:9",
    ),
    **dict.fromkeys(
        ("ANTHROPIC_BASE_URL", "LANGSMITH_GATEWAY", "OPENAI_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"),
        "http://127.0.0.1:9",
    ),
}


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that partner packages read from the environment is set, to something that must not be seen."""
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "")


def _house(server: Provider, **more: object) -> dict[str, object]:
    return {
        "providers": {name: {"base_url": server.base_urls[name], **more} for name in MODELS},
        "fallback_keys": {name: HOUSE for name in MODELS if name != "ollama"},
    }


class TestBringYourOwnKey:
    """byok: the user's own keys, and nothing else from anywhere."""

    @pytest.mark.usefixtures("poisoned")
    @pytest.mark.parametrize("name", MODELS)
    def test_nothing_of_house_or_environment_travels_with_a_users_key(self, provider: Provider, name: str) -> None:
        """Case 51: with every variable poisoned, 0 requests show a key, organisation or header that is not ada's."""
        with create_llm_registry(**_house(provider, headers={"X-House": "house"})) as registry:  # type: ignore[arg-type]
            user = registry.for_user(mode="byok", user_id="ada", models=[MODELS[name]], api_keys={name: OWN})
            handle = user.model(MODELS[name])
            handle.invoke("hello")
            asyncio.run(handle.ainvoke("hello"))
        seen = " ".join(f"{key}: {value}" for request in provider.requests for key, value in request.headers)
        assert provider.keys_seen() == {OWN}
        assert len(provider.requests) == 2
        assert not [word for word in ("house", "environment", "openai-organization", "x-env") if word in seen.lower()]

    @pytest.mark.usefixtures("poisoned")
    @pytest.mark.parametrize("name", ["openai", "groq", "anthropic", "openrouter"])
    def test_without_a_key_of_ones_own_nobody_is_asked(self, provider: Provider, name: str) -> None:
        """Case 51: the refusal comes when the model is named, and the provider hears 0 requests."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            other = next(one for one in MODELS if one != name)
            user = registry.for_user(mode="byok", user_id="ada", models=[MODELS[name]], api_keys={other: OWN})
            with pytest.raises(ProviderNotConfiguredError, match=f"brought no key for '{name}'"):
                user.model(MODELS[name])
            assert [problem.line for problem in user.problems()] == [MODELS[name]]
        assert provider.requests == []

    def test_a_server_that_the_house_pays_by_header_is_closed_to_other_payers(self, provider: Provider) -> None:
        """A header may be a key: a byok user without one of their own does not ride on the house's."""
        with create_llm_registry(**_house(provider, headers={"X-House": "house"})) as registry:  # type: ignore[arg-type]
            user = registry.for_user(mode="byok", user_id="ada", models=["ollama#*"], api_keys={"openai": OWN})
            with pytest.raises(ProviderNotConfiguredError):
                user.model(MODELS["ollama"])

    def test_byok_without_keys_is_refused_at_once(self) -> None:
        """Case 51: a missing key is no invitation to take another."""
        with pytest.raises(MissingKeysError, match="api_keys="):
            create_llm_registry(fallback_keys={"openai": HOUSE}).for_user(mode="byok", user_id="ada", models=["*"])

    def test_a_fallback_never_changes_from_the_users_key_to_the_houses(self, provider: Provider) -> None:
        """Where ada's key is refused, the next member is asked with ada's other key or not at all."""
        provider.script("status_401", key=OWN)
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            models = [MODELS["openai"], MODELS["groq"]]
            user = registry.for_user(
                mode="byok", user_id="ada", models=models, api_keys=dict.fromkeys(("openai", "groq"), OWN)
            )
            with pytest.raises(LuckyError):
                user.models(*models, strategy="fallback").invoke("hello")
        assert provider.keys_seen() == {OWN}


LAYERS = list(itertools.product(("house", "user"), ("none", "text", "settings", "environment"), ("text", "none")))


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(("address", "house_key", "own_key"), LAYERS)
@pytest.mark.parametrize("name", MODELS)
def test_a_key_meets_the_addresses_of_its_own_layer_only(
    start_provider: Callable[..., Provider], name: str, address: str, house_key: str, own_key: str
) -> None:
    """Case 52: over every address, house key, own key and family, 0 house or environment keys at a user's address."""
    home, theirs = start_provider(), start_provider()
    row: dict[str, object] = {"base_url": home.base_urls[name], "allow_private": True}
    row |= {"settings": {"api_key": HOUSE}, "environment": {"api_key_env": "OPENAI_API_KEY"}}.get(house_key, {})
    registry = create_llm_registry(providers={name: row}, fallback_keys={name: HOUSE} if house_key == "text" else None)
    endpoints = {name: {"base_url": theirs.base_urls[name]}} if address == "user" else None
    keys = {name: OWN} if own_key == "text" else None
    with registry:
        for mode in ("byok", "shared"):
            try:
                user = registry.for_user(
                    mode=mode,
                    user_id="ada",
                    models=[MODELS[name]],
                    api_keys=keys,
                    endpoints=endpoints,
                )
                user.model(MODELS[name], max_retries=0).invoke("hello")
            except LuckyError:
                continue
    assert theirs.keys_seen() <= {OWN}
    assert "Env" not in str([request.headers for request in theirs.requests])
    house_keys = {"none": set(), "environment": {POISON["OPENAI_API_KEY"]}}.get(house_key, {HOUSE})
    assert home.keys_seen() <= {OWN} | house_keys


class TestAddressesOfUsers:
    """A user's own server, and where it may not lie."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:8000/v1",
            "http://localhost:8000/v1",
            "http://[::1]/v1",
            "http://10.0.0.1/v1",
            "http://169.254.169.254/latest",
            "http://2130706433/v1",
            "http://0x7f.1/v1",
            "http://[::ffff:127.0.0.1]/v1",
            "http://good@evil.example/v1",
            "file:///etc/passwd",
        ],
    )
    def test_private_space_is_refused_at_load(self, url: str) -> None:
        """Case 126: refused when the user is made, before anything is asked."""
        with pytest.raises(ConfigError, match=r"endpoints\.mybox|providers\.mybox"):
            create_llm_registry().for_user(
                mode="byok",
                user_id="ada",
                models=["mybox#m"],
                endpoints={"mybox": {"kind": "openai_compatible", "base_url": url}},
            )

    def test_the_operator_may_allow_it_by_kind(self, provider: Provider) -> None:
        """Case 126: the operator's layer may; the user's own word may not."""
        row = {"kind": "openai_compatible", "base_url": f"{provider.url}/v1"}
        allowing = {
            "openai_compatible": {"kind": "openai_compatible", "base_url": row["base_url"], "allow_private": True}
        }
        with create_llm_registry(providers=allowing) as registry:
            user = registry.for_user(
                mode="byok", user_id="ada", models=["mybox#m"], api_keys={"mybox": OWN}, endpoints={"mybox": row}
            )
            user.model("mybox#m").invoke("hello")
        assert provider.keys_seen() == {OWN}
        with pytest.raises(ConfigError, match="keys belong to api_keys="):
            create_llm_registry().for_user(
                mode="byok", user_id="ada", models=[], endpoints={"mybox": {**row, "allow_private": True}}
            )

    def test_a_shared_user_brings_no_server(self) -> None:
        """Case 52: no house key has anywhere of the user's to go."""
        with pytest.raises(ConfigError, match="needs mode='byok'"):
            create_llm_registry(fallback_keys={"openai": HOUSE}).for_user(
                mode="shared", user_id="ada", models=["*"], endpoints={"openai": {"base_url": "https://evil.example"}}
            )

    @pytest.mark.parametrize(
        "word", ["base_url", "api_key", "default_headers", "http_client", "organization", "openai_proxy"]
    )
    def test_a_model_is_not_told_where_to_connect_or_as_whom(self, provider: Provider, word: str) -> None:
        """Case 52: neither when it is made, nor when it is asked, nor inside a body."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            user = registry.for_user(mode="shared", user_id="ada", models=["openai#*"])
            for make in (
                lambda: user.model("gpt-4o", **{word: "x"}),
                lambda: user.model("gpt-4o").bind(**{word: "x"}).invoke("hello"),
                lambda: user.model("gpt-4o").bind(extra_body={word: "x"}).invoke("hello"),
            ):
                with pytest.raises(ForbiddenParameterError, match=word):
                    make()
        assert provider.requests == []


class TestNames:
    """What a name leads to, and what it says where it leads nowhere."""

    LIST = (
        "groq#openai/gpt-oss-20b",
        "openrouter#openai/gpt-4o",
        "openai#gpt-4o",
        "openai#gpt-4o-mini",
        "openai#gpt-5-nano",
    )

    @pytest.fixture
    def user(self, provider: Provider) -> object:
        registry = create_llm_registry(**_house(provider))  # type: ignore[arg-type]
        return registry.for_user(mode="shared", user_id="ada", models=self.LIST)

    @pytest.mark.parametrize(
        ("typed", "ref"),
        [
            ("gpt-4o", "openai#gpt-4o"),
            ("gpt-5-nano-2025-08-07", "openai#gpt-5-nano"),
            ("gpt-oss-20b", "groq#openai/gpt-oss-20b"),
            ("openai/gpt-4o", "openrouter#openai/gpt-4o"),
            ("openai/gpt-4o-mini", "openai#gpt-4o-mini"),
        ],
    )
    def test_ranks_of_a_bare_name(self, user: object, typed: str, ref: str) -> None:
        """A whole id comes before a dated form, that before a last part, and the list's order decides within a rank."""
        assert user.model(typed).ref == ref  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("typed", "error", "said"),
        [
            ("openai#gpt-4.1", ModelNotAllowedError, "not in this user's list of 5"),
            ("gpt-4.1", ModelNotAllowedError, "there is openai#gpt-4.1"),
            ("openai#gpt-5000", UnknownModelError, "gpt-5000"),
            ("nonsense", UnknownModelError, "neither in this user's list nor in the catalog"),
            ("nowhere#gpt-4o", ProviderNotConfiguredError, "no provider 'nowhere'"),
            ("tier:cheapest", UnknownTierError, "cheap"),
            ("user:bob:local", UnknownExperimentError, "user:bob:local"),
            ("openai#*", ConfigError, "wildcard"),
            ("", ConfigError, "empty"),
            ("openai#gpt-4о", ConfigError, "U+043E"),  # noqa: RUF001 - a Cyrillic letter that looks like an o
        ],
    )
    def test_a_name_that_leads_nowhere_is_refused_at_once(
        self, user: object, provider: Provider, typed: str, error: type[LuckyError], said: str
    ) -> None:
        """Case 43 for names: the class says why, before anybody is asked."""
        with pytest.raises(error, match=said.replace("+", r"\+").replace(".", r"\.")):
            user.model(typed)  # type: ignore[attr-defined]
        assert provider.requests == []

    def test_a_tier_ranks_the_users_list_only(self, provider: Provider) -> None:
        """The cheapest of the user's models, though the catalog has cheaper ones; with nobody left it says why."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            user = registry.for_user(mode="shared", user_id="ada", models=["openai#gpt-4o", "openai#gpt-4.1"])
            order = [member.ref for member in user.explain("tier:cheap", strategy="fallback").order]
            assert sorted(order) == ["openai#gpt-4.1", "openai#gpt-4o"]
            assert {str(entry.ref) for entry in user.get_catalog()} == set(order)
            with pytest.raises(EmptyTierError, match="openai#gpt-4o"):
                user.tier("cheap", min_context=10**9)
            with pytest.raises(EmptyTierError, match="list is empty"):
                registry.for_user(mode="shared", user_id="bob", models=[]).tier("cheap")

    def test_wildcards_open_what_they_name(self, provider: Provider) -> None:
        """`openai#*` is a provider, `*` is everything; both are problems where their provider cannot be used."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            some = registry.for_user(mode="shared", user_id="ada", models=["openai#*", "mistral#*", "nowhere#*"])
            assert {entry.ref.provider for entry in some.get_catalog()} == {"openai"}
            assert [problem.line for problem in some.problems()] == ["nowhere#*"]
            with pytest.raises(ModelNotAllowedError):
                some.model(MODELS["groq"])
            every = registry.for_user(mode="shared", user_id="bob", models=["*"])
            assert every.model(MODELS["groq"]).ref == MODELS["groq"]

    def test_explaining_shows_the_payer_and_no_key(self, provider: Provider) -> None:
        """Who would be asked, at whose cost; the key is a row of stars."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            user = registry.for_user(mode="byok", user_id="ada", models=["openai#gpt-4o"], api_keys={"openai": OWN})
            (member,) = user.explain("gpt-4o").order
        assert (member.owner, set(member.key or "")) == ("user:ada", {"*"})

    @pytest.mark.parametrize(
        "given",
        [
            {"mode": "both"},
            {"user_id": ""},
            {"user_id": "  "},
            {"models": "openai#gpt-4o"},
            {"models": ["gpt-4o"]},
            {"models": ["openai#gpt *"]},
            {"mode": "byok", "api_keys": {"opnai": OWN}},
            {"mode": "byok", "api_keys": {"openai": 7}},
            {"mode": "byok", "api_keys": {"openai": ""}},
        ],
    )
    def test_a_user_that_cannot_be_is_refused_at_once(self, given: dict[str, object]) -> None:
        """Case 49: an empty key, an unknown provider, a malformed line: refused at load."""
        settings: dict[str, object] = {"mode": "shared", "user_id": "ada", "models": ["openai#gpt-4o"]}
        with pytest.raises(ConfigError) as caught:
            create_llm_registry(fallback_keys={"openai": HOUSE}).for_user(**settings | given)  # type: ignore[arg-type]
        assert OWN not in str(caught.value)


class TestAlone:
    """A handle without a registry."""

    def test_it_takes_the_environments_key_as_of_now(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shared, and the whole catalog is allowed; without the variable it says which one is missing."""
        from langchain_lucky_models.handle import alone

        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        with pytest.raises(ProviderNotConfiguredError, match="openai"):
            LuckyChatModel(model="openai#gpt-4o-mini")
        monkeypatch.setenv("OPENAI_API_KEY", HOUSE)
        handle = LuckyChatModel(model="openai#gpt-4o-mini")
        assert handle.tenant is not None
        assert (handle.tenant.mode, handle.tenant.house) == ("shared", alone._environment_house())
        assert LuckyChatModel(model="gpt-4o").ref == "openai#gpt-4o"

    def test_a_key_of_its_own_pays_for_its_own_provider_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """byok: neither another provider, nor the environment's key for it."""
        monkeypatch.setenv("GROQ_API_KEY", HOUSE)
        handle = LuckyChatModel(model="openai#gpt-4o-mini", api_key=OWN)
        assert handle.tenant is not None
        assert handle.tenant.mode == "byok"
        with pytest.raises(ModelNotAllowedError):
            handle.invoke("hello", model=MODELS["groq"])


def test_ten_thousand_models_build_nothing() -> None:
    """For a user with 10,000 models: 0 sockets, 0 threads, 0 SDK modules, and less than a second of processor time."""
    code = """
        import sys, threading, time
        import langchain_core.language_models  # which itself tries a socket for IPv6
        opened = []
        sys.addaudithook(lambda name, _: opened.append(name) if name.startswith("socket.") else None)
        from langchain_lucky_models import create_llm_registry
        registry = create_llm_registry(fallback_keys={"openai": "sk-house-0123456789", "vllm": "sk-house-0123456789"},
                                       providers={"vllm": {"base_url": "http://127.0.0.1:9/v1"}})
        started = time.process_time()
        lines = [f"vllm#model-{number}" for number in range(10_000)]
        user = registry.for_user(mode="shared", user_id="ada", models=lines + ["openai#gpt-4o"])
        handles = [user.model("openai#gpt-4o"), user.model("vllm#model-9999"), user.model("model-77")]
        assert handles[2].ref == "vllm#model-77"
        print(time.process_time() - started)
        loaded = {name.partition(".")[0] for name in sys.modules}
        sdks = {"openai", "anthropic", "groq", "ollama", "langchain_openai", "langchain_anthropic", "langchain_groq",
                "sqlalchemy", "redis"}
        assert not loaded & sdks, loaded & sdks
        assert threading.active_count() == 1
        assert not opened, opened
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.stderr == ""
    assert float(done.stdout) < 1.0


class TestClosing:
    """The end of a registry."""

    def test_no_connection_outlives_it(self, provider: Provider) -> None:
        """Case 135: 0 connections stand after `close` and after `aclose`."""

        async def ask() -> None:
            async with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
                handle = registry.for_user(mode="shared", user_id="ada", models=["*"]).model(MODELS["openai"])
                await handle.ainvoke("hello")

        asyncio.run(ask())
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            registry.for_user(mode="shared", user_id="ada", models=["*"]).model(MODELS["openai"]).invoke("hello")
            assert provider.open_connections == 1
        until = time.monotonic() + 60
        while provider.open_connections and time.monotonic() < until:
            time.sleep(0.005)
        assert provider.open_connections == 0

    def test_a_handle_of_it_still_answers(self, provider: Provider) -> None:
        """Closing closes connections; it takes nobody's rights."""
        with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
            handle = registry.for_user(mode="shared", user_id="ada", models=["*"]).model(MODELS["openai"])
        assert handle.invoke("hello").text
        registry.close()


def test_a_refused_key_names_no_key(provider: Provider) -> None:
    """Case 119: the provider repeats the key in its refusal; ours does not."""
    provider.script("status_401_echo")
    with create_llm_registry(**_house(provider)) as registry:  # type: ignore[arg-type]
        handle = registry.for_user(mode="shared", user_id="ada", models=["*"]).model(MODELS["openai"])
        with pytest.raises(AuthFailedError) as caught:
            handle.invoke("hello")
    assert HOUSE not in str(caught.value)
