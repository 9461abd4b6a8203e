"""A stored ref whose model was renamed, retired or is gone: who is asked instead, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from langchain_lucky_models import Catalog, LLMRegistry, ModelMigrated, create_llm_registry
from langchain_lucky_models.catalog.artefact import Migration
from langchain_lucky_models.catalog.state import CatalogState, Row
from langchain_lucky_models.errors import (
    ConfigError,
    InvalidRefError,
    ModelNotAllowedError,
    RetiredModelError,
    UnknownModelError,
)
from tests.catalog.rows import entry, priced

MIGRATIONS = (
    Migration(old="openai#old", new="openai#new", kind="renamed", automatic=True),
    Migration(old="openai#elder", new="openai#old", kind="renamed", automatic=True),
    Migration(old="openai#sold", new="groq#bought", kind="moved", automatic=True),
    Migration(old="openai#lost", new="openai#new", kind="retired", automatic=False),
    Migration(old="openai#ended", new=None, kind="retired", automatic=False),
)
ROWS = [priced("openai#new", "1", "2"), priced("openai#cheap", "0.1", "0.2"), priced("groq#bought", "1", "1")]

Make = Callable[..., LLMRegistry]


@pytest.fixture
def make() -> Make:
    """Registries over a small catalog that knows what was renamed."""

    def made(**settings: Any) -> LLMRegistry:
        catalog = Catalog()
        rows = {str(row.ref): Row(row) for row in [*ROWS, entry("openai#off", status={"state": "retired"})]}
        catalog.swap(CatalogState(rows, migrations=MIGRATIONS))
        return create_llm_registry(
            catalog=catalog, fallback_keys={"openai": "sk-1234567890", "groq": "gsk-12345678"}, **settings
        )

    return made


def told(registry: LLMRegistry, act: Callable[[], object]) -> list[tuple[str, str, str, str | None]]:
    """What subscribers hear of an act."""
    heard: list[Any] = []
    with registry.subscribe(heard.append, kinds=["model_migrated"]):
        act()
    assert all(isinstance(event, ModelMigrated) for event in heard)
    return [(event.old, event.new, event.reason, event.user) for event in heard]


@pytest.mark.parametrize("listed", ["openai#old", "openai#elder", "openai#new", "openai#*"])
@pytest.mark.parametrize("asked", ["openai#old", "openai#elder", "old", "elder"])
def test_a_renamed_model_is_followed_and_told_once(make: Make, listed: str, asked: str) -> None:
    registry = make()
    user = registry.for_user(mode="shared", user_id="ada", models=[listed])

    def ask() -> None:
        for _ in range(3):
            assert user.model(asked).model_name == "new"

    ref = asked if "#" in asked else f"openai#{asked}"
    assert told(registry, ask) == [(ref, "openai#new", "renamed", "ada")]
    assert user.problems() == []
    assert [model.id for model in user.get_catalog() if model.id != "cheap"][:1] == ["new"]


def test_a_tier_counts_a_renamed_line_by_its_new_name(make: Make) -> None:
    user = make().for_user(mode="shared", user_id="ada", models=["openai#old"])
    assert user.tier("cheap").model_name == "new"


def test_whoever_may_not_have_the_new_model_does_not_get_it_by_the_old_name(make: Make) -> None:
    user = make().for_user(mode="shared", user_id="ada", models=["openai#cheap"])
    with pytest.raises(ModelNotAllowedError, match="openai#new"):
        user.model("openai#old")


def test_nobody_is_led_to_another_provider_and_so_to_another_payer(make: Make) -> None:
    user = make().for_user(mode="shared", user_id="ada", models=["openai#sold"])
    with pytest.raises(UnknownModelError, match="was moved; use groq#bought"):
        user.model("openai#sold")


def test_what_is_not_the_same_model_is_named_and_not_followed(make: Make) -> None:
    user = make().for_user(mode="shared", user_id="ada", models=["openai#lost", "openai#new"])
    with pytest.raises(UnknownModelError, match="was retired; use openai#new"):
        user.model("openai#lost")
    assert [problem.line for problem in user.problems()] == ["openai#lost"]


def test_an_applications_own_model_of_an_old_name_stays_what_it_is(make: Make) -> None:
    registry = make()
    registry.catalog.register({"provider": "openai", "id": "old"})
    user = registry.for_user(mode="shared", user_id="ada", models=["openai#*"])
    assert user.model("openai#old").model_name == "old"


def test_a_renaming_that_comes_later_holds_at_the_next_call(make: Make) -> None:
    registry = create_llm_registry(catalog=Catalog(ROWS), fallback_keys={"openai": "sk-1234567890"})
    user = registry.for_user(mode="shared", user_id="ada", models=["openai#old"])
    with pytest.raises(UnknownModelError):
        user.model("openai#old")
    registry.catalog.swap(make().catalog)
    assert user.model("openai#old").model_name == "new"


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("openai#lost", "vanished"),
        ("openai#ended", "vanished"),
        ("openai#off", "retired"),
        ("openai#typo", "vanished"),
    ],
)
def test_another_model_stands_in_where_the_operator_says_so(make: Make, gone: str, reason: str) -> None:
    registry = make(when_vanished="tier:cheap")
    user = registry.for_user(mode="shared", user_id="ada", models=[gone, "openai#new", "openai#cheap"])

    def ask() -> None:
        assert user.model(gone).model_name == "cheap"

    assert told(registry, ask) == [(gone, "openai#cheap", reason, "ada")]
    assert f"in the place of {gone}, which {reason}" in str(user.explain(gone))
    assert gone in [problem.line for problem in user.problems()]


def test_nobody_stands_in_for_a_typing_error_nor_from_beyond_the_list(make: Make) -> None:
    registry = make(when_vanished="openai#cheap")
    user = registry.for_user(mode="shared", user_id="ada", models=["openai#lost", "openai#new"])
    with pytest.raises(UnknownModelError, match="openai#nwe"):
        user.model("openai#nwe")
    with pytest.raises(ModelNotAllowedError, match="openai#cheap"):
        user.model("openai#lost")


def test_without_a_stand_in_a_retired_model_is_an_error(make: Make) -> None:
    user = make().for_user(mode="shared", user_id="ada", models=["openai#off"])
    with pytest.raises(RetiredModelError):
        user.model("openai#off")


@pytest.mark.parametrize(("name", "kind"), [("user:ada:x", ConfigError), ("a b#", InvalidRefError)])
def test_a_stand_in_is_a_ref_or_a_tier(name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="when_vanished"):
        create_llm_registry(when_vanished=name)


def test_a_list_says_the_old_name_for_as_long_as_the_application_has_such_a_model(make: Make) -> None:
    with make() as registry:
        ada = registry.for_user(mode="shared", user_id="ada", models=["openai#old"])
        assert ada.model("openai#old").model == "openai#old"
        assert ada.model("openai#old").model_name == "new"
        registry.catalog.register({"provider": "openai", "id": "old"})
        assert told(registry, lambda: ada.model("openai#old")) == []
        assert ada.model("openai#old").model_name == "old"
        registry.catalog.set_status("openai#old", "deprecated")
        assert ada.model("openai#old").model_name == "new", "what is on its way out is followed already"
