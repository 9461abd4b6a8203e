"""The configuration's file switches features while the application runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_lucky_models import LLMRegistry, create_llm_registry
from langchain_lucky_models.events import Event, RolloutChanged
from langchain_lucky_models.rollout import Rollout

Edit = Callable[[str], LLMRegistry]


@pytest.fixture
def edit(tmp_path: Path) -> Iterator[Edit]:
    """Writes the rollouts of the registry's file, and has it read."""
    file = tmp_path / "lucky.yaml"
    made: list[LLMRegistry] = []

    def write(rollout: str) -> LLMRegistry:
        file.write_text(f"rollout: {rollout}\n", encoding="utf-8")
        if made:
            made[0].reload()
        else:
            made.append(create_llm_registry(file))
        return made[0]

    yield write
    made[0].close()


def answers(rollout: Rollout) -> str:
    return str(rollout.call("ada", lambda: "old", lambda: "new"))


def test_an_edit_counts_at_the_next_call(edit: Edit) -> None:
    rollout = edit("{new-chat: {percentage: 100}}").rollout("new-chat")
    said = [answers(rollout)]
    for text in (
        "{new-chat: {percentage: 100, enabled: false}}",
        "{new-chat: {percentage: 100}}",
        "{new-chat: {percentage: 100, deny: [ada]}}",
        "{new-chat: {allow: [ada]}}",
        "{new-chat: {percentage: 16}}",  # she stands at 16.19
        "{new-chat: {percentage: 17}}",
        "{another: {percentage: 100}}",
    ):
        edit(text)
        said.append(answers(rollout))
    assert said == ["new", "old", "new", "old", "new", "old", "new", "old"]


def test_an_edit_that_cannot_be_used_changes_nothing(edit: Edit) -> None:
    rollout = edit("{new-chat: {percentage: 100}}").rollout("new-chat")
    edit("{new-chat: {percentage: 0, enabld: false}}")
    assert answers(rollout) == "new"


def test_a_shadow_comes_and_goes_with_the_file(edit: Edit) -> None:
    rollout = edit("{new-chat: {}}").rollout("new-chat")
    for text in ("{new-chat: {shadow: {}}}", "{new-chat: {}}"):
        edit(text)
        assert answers(rollout) == "old"
    assert rollout.wait(30)
    assert rollout.report().counts == {"old": 2, "shadowed": 1}


def test_what_was_switched_by_hand_outlasts_an_edit(edit: Edit) -> None:
    rollout = edit("{new-chat: {percentage: 0}}").rollout("new-chat")
    rollout.set_percentage(100)
    edit("{new-chat: {percentage: 1}}")
    assert answers(rollout) == "new"
    rollout.reset()
    assert answers(rollout) == "old"


def test_a_change_is_told_with_its_source(edit: Edit) -> None:
    registry = edit("{new-chat: {percentage: 10}}")
    heard: list[Event] = []
    hearing = registry.subscribe(heard.append, kinds=["rollout_changed"])
    rollout = registry.rollout("new-chat")
    edit("{new-chat: {percentage: 20}}")
    answers(rollout)
    hearing.close(within=60)
    [event] = heard
    assert isinstance(event, RolloutChanged)
    assert (event.source, event.old["percentage"], event.new["percentage"]) == ("config", 10.0, 20.0)
