"""A user's experiments: their own, within what they may use, and as they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langchain_lucky_models import ExperimentConfig, LuckyChatModel, UserConfig
from langchain_lucky_models.errors import ConfigError, ModelNotAllowedError, UnknownExperimentError
from tests.homes import GROQ, MINI, OPENAI, registry_on, user_of
from tests.loopback import Provider

LOCAL_FIRST = {
    "defaults": {"strategy": "race", "params": {"temperature": 0, "max_tokens": 9}, "tags": ["thesis"]},
    "experiments": {
        "local_first": {
            "strategy": "fallback",
            "models": [MINI, "gpt-4o"],
            "params": {"max_tokens": 5},
            "tags": ["cost"],
        },
        "plain": {"models": [MINI, OPENAI]},
        "cheap": {"models": ["tier:small"]},
        "greedy": {"models": [MINI, "openai#o3"]},
    },
}


def refs_of(handle: LuckyChatModel) -> list[str]:
    return [str(candidate.ref) for candidate in handle.line().candidates]


def test_an_experiment_is_asked_as_it_is_written(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        handle = user_of(registry).experiment("local_first")
        assert refs_of(handle) == [MINI, OPENAI]
        assert handle.line().manner.label == "fallback"
        assert handle.tags == ["thesis", "cost"]
        assert handle.invoke("hi").response_metadata["lucky"]["ref"] == MINI
    body = json.loads(provider.requests[-1].body)
    assert body["temperature"] == 0
    assert 5 in {body.get("max_tokens"), body.get("max_completion_tokens")}


def test_the_long_name_means_the_same_and_the_callers_words_win(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        handle = user_of(registry).model("user:ada:local_first", max_tokens=7, tags=["today"], strategy="race")
        assert handle.tags == ["thesis", "cost", "today"]
        assert handle.line().manner.label == "race"
        assert dict(handle.line().candidates[0].params) == {"temperature": 0, "max_tokens": 7}


def test_what_an_experiment_leaves_open_its_users_defaults_say_then_fallback(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        assert user_of(registry).experiment("plain").line().manner.label == "race"
        registry.load_user_config("ada", {"experiments": {"plain": {"models": [MINI, OPENAI]}}})
        assert user_of(registry).experiment("plain").line().manner.label == "fallback"


def test_a_tier_in_an_experiment_is_cut_down_to_the_user(provider: Provider) -> None:
    with registry_on(provider, tiers={"small": {"models": [GROQ, MINI], "params": {"max_tokens": 3}}}) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        handle = user_of(registry, models=[MINI]).experiment("cheap")
        assert refs_of(handle) == [MINI]
        assert dict(handle.line().candidates[0].params) == {"max_tokens": 9, "temperature": 0}


def test_an_experiment_uses_only_what_its_user_may_use(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        with pytest.raises(ModelNotAllowedError, match="openai#o3"):
            user_of(registry).experiment("greedy")


def test_nobody_elses_experiments_are_to_be_had_nor_told_of(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        bob = user_of(registry, "bob")
        told = []
        for name in ("local_first", "no_such"):
            with pytest.raises(UnknownExperimentError) as caught:
                bob.model(f"user:ada:{name}")
            told.append(str(caught.value).replace(name, "…"))
        assert told[0] == told[1]
        with pytest.raises(UnknownExperimentError, match="'user:bob:local_first'"):
            bob.experiment("local_first")
        with pytest.raises(UnknownExperimentError):
            bob.model(MINI).invoke("hi", config={"configurable": {"model": "user:ada:local_first"}})
    assert not provider.requests


def test_a_misspelt_experiment_is_told_the_nearest(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", LOCAL_FIRST)
        with pytest.raises(UnknownExperimentError, match=r"Nearest: local_first\.") as caught:
            user_of(registry).experiment("local_frist")
    assert caught.value.nearest == ("local_first",)


def test_a_handle_follows_what_is_read_later_and_a_broken_edit_changes_nothing(
    provider: Provider, tmp_path: Path
) -> None:
    file = tmp_path / "ada.yaml"
    file.write_text(f"experiments:\n  one: {{models: ['{MINI}']}}\n")
    with registry_on(provider) as registry:
        registry.load_user_config("ada", file)
        handle = user_of(registry).experiment("one")
        file.write_text("experiments: [")
        with pytest.raises(ConfigError):
            registry.load_user_config("ada", file)
        assert handle.invoke("hi").response_metadata["lucky"]["ref"] == MINI
        file.write_text(f"experiments:\n  one: {{models: ['{GROQ}']}}\n")
        registry.load_user_config("ada", file)
        assert handle.invoke("hi").response_metadata["lucky"]["ref"] == GROQ


def test_of_a_folder_every_user_gets_their_own_and_one_broken_file_harms_nobody_else(
    provider: Provider, tmp_path: Path
) -> None:
    for name, text in {
        "ada": f"experiments: {{one: {{models: ['{MINI}']}}}}",
        "bob": "experiments: 3",
        "Eve": "{}",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "notes.txt").write_text("no settings")
    with registry_on(provider) as registry:
        problems = registry.load_user_configs(tmp_path)
        assert {problem.line for problem in problems} == {"bob", "Eve"}
        assert "bob.yaml:1:1: experiments: expected a mapping." in problems[1].reason
        assert refs_of(user_of(registry).experiment("one")) == [MINI]
        assert registry.load_user_config("ada", tmp_path) == UserConfig(
            experiments={"one": ExperimentConfig(models=(MINI,))}
        )
