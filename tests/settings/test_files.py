"""From a file to a registry: what wins, where keys come from, what the environment may add."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from langchain_lucky_models import RegistryConfig, UserConfig, create_llm_registry
from langchain_lucky_models.errors import ConfigError, KeyMissingError
from langchain_lucky_models.settings import Source, file_secret
from tests.homes import MINI, OPENAI, user_of
from tests.loopback import Provider

CANARY = "sk-canary-0123456789abcdef"


def written(folder: Path, text: str, name: str = "config.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_registry_from_a_file_answers(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    monkeypatch.setenv("MY_SERVER", provider.base_urls["openai"])
    file = written(
        tmp_path,
        "providers:\n  openai: {api_key_env: MY_KEY, base_url: '${MY_SERVER}'}\n"
        f"tiers:\n  small: {{models: ['{MINI}']}}\ndefault_tier: small\n",
    )
    with create_llm_registry(file) as registry:
        answer = user_of(registry).tier().invoke("hi")
        assert answer.response_metadata["lucky"]["ref"] == MINI
    assert provider.requests[-1].header("authorization") == f"Bearer {CANARY}"


@pytest.mark.parametrize("form", ["yaml", "json", "mapping", "settings", "keywords"])
def test_every_form_sets_the_same(form: str, tmp_path: Path) -> None:
    tiers = {"small": {"models": [MINI], "params": {"temperature": 0.5}}}
    plain = {"tiers": tiers, "default_tier": "small"}
    forms: dict[str, object] = {
        "yaml": written(tmp_path, f"tiers:\n  small:\n    models: ['{MINI}']\n    params: {{temperature: 0.5}}\n"
                                  "default_tier: small\n"),
        "json": str(written(tmp_path, json.dumps(plain, indent=1), "config.json")),
        "mapping": plain,
        "settings": RegistryConfig.read(plain),
        "keywords": RegistryConfig(tiers=tiers, default_tier="small"),  # type: ignore[arg-type]
    }  # fmt: skip
    assert Source.of_operator(forms[form]).settings(RegistryConfig) == RegistryConfig.read(plain)


def test_keywords_win_over_the_file_row_by_row() -> None:
    config = {"providers": {"openai": {"timeout": 5}, "groq": {"timeout": 6}}, "default_tier": "cheap"}
    with create_llm_registry(config, providers={"openai": {"timeout": 7}}, default_tier="smart") as registry:
        assert registry.provider_config("openai")["timeout"] == 7
        assert registry.provider_config("groq")["timeout"] == 6
        assert user_of(registry, mode="byok", api_keys={"openai": CANARY}).tier().model == "tier:smart"


def test_what_the_environment_adds_is_a_text_and_no_yaml(tmp_path: Path) -> None:
    file = written(tmp_path, "default_tier: ${A}\ntiers:\n  a: {models: [x#y], params: {stop: '$${B} costs $5'}}\n")
    source = Source.of_operator(file, {"A": "cheap\nproviders: {evil: {}}"})
    assert source.value == {
        "default_tier": "cheap\nproviders: {evil: {}}",
        "tiers": {"a": {"models": ["x#y"], "params": {"stop": "${B} costs $5"}}},
    }


def test_in_a_users_file_nothing_of_the_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 96: `${NAME}` is a text there."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    file = written(tmp_path, "experiments:\n  a: {models: [gpt-4o], tags: ['${OPENAI_API_KEY}']}\n")
    experiment = Source.of_user(file).settings(UserConfig).experiment("a")
    assert experiment is not None
    assert experiment.tags == ("${OPENAI_API_KEY}",)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("default_tier: ${LOGNAME_OF_ALL}\n", "default_tier"),
        ("providers: {openai: {api_key_env: LOGNAME_OF_ALL}}\n", "api_key_env"),
    ],
)
def test_a_file_names_only_what_it_may(text: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 96: an operator may list the variables; others are neither put in nor sent as keys."""
    monkeypatch.setenv("LOGNAME_OF_ALL", "cheap")
    file = written(tmp_path, text)
    create_llm_registry(file, environment=["OTHER", "LOGNAME_*"]).close()
    create_llm_registry(file).close()
    with pytest.raises(ConfigError, match=rf"config\.yaml:1:.*{place}: .*LOGNAME_OF_ALL is not one") as caught:
        create_llm_registry(file, environment=["OTHER", "logname_*"])
    assert "cheap" not in str(caught.value)


def test_a_key_that_stands_in_a_file_warns_without_showing_itself(tmp_path: Path) -> None:
    file = written(tmp_path, f"providers:\n  openai:\n    api_key: {CANARY}\n")
    with pytest.warns(UserWarning, match=r"config\.yaml:3: providers\.openai\.api_key stands in the file") as caught:
        registry = create_llm_registry(file)
    assert caught[0].filename == __file__
    assert CANARY not in str(caught[0].message) + repr(registry) + str(registry.provider_config("openai"))
    registry.close()


def test_a_key_that_the_environment_adds_does_not_warn(tmp_path: Path) -> None:
    file = written(tmp_path, "providers:\n  openai:\n    api_key: ${MY_KEY}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = Source.of_operator(file, {"MY_KEY": CANARY})
    secret = source.settings(RegistryConfig).providers["openai"].house_secret("openai")
    assert secret is not None
    assert secret.reveal() == CANARY


def test_a_key_in_a_file_of_its_own_is_read_at_each_call(provider: Provider, tmp_path: Path) -> None:
    key = written(tmp_path, f"{CANARY}\n", "key")
    settings = {"api_key_file": str(key), "base_url": provider.base_urls["openai"]}
    with create_llm_registry({"providers": {"openai": settings}}) as registry:
        model = user_of(registry, models=[OPENAI]).model(OPENAI)
        model.invoke("hi")
        key.write_text("sk-rotated-0123456789")
        model.invoke("hi")
    sent = [request.header("authorization") for request in provider.requests]
    assert sent == [f"Bearer {CANARY}", "Bearer sk-rotated-0123456789"]


def test_a_key_file_that_cannot_be_trusted_is_refused_without_its_key(tmp_path: Path) -> None:
    key = written(tmp_path, CANARY, "key")
    key.chmod(0o606)
    for path in (key, tmp_path, tmp_path / "none"):
        with pytest.raises(KeyMissingError, match="key file") as caught:
            file_secret(str(path)).reveal()
        assert CANARY not in str(caught.value)
    assert not file_secret(str(tmp_path / "none")).there


def test_what_the_operator_gives_in_python_names_no_file() -> None:
    with pytest.raises(ConfigError, match=r"^providers\.openai\.timeout: expected a number") as caught:
        create_llm_registry({"providers": {"openai": {"timeout": "soon"}}})
    assert (caught.value.file, caught.value.line, caught.value.field) == (None, None, "providers.openai.timeout")
