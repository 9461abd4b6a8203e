"""Prompts are taken as people write them, and refused by their place."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_lucky_models.comparison.prompts import prompts_of
from langchain_lucky_models.errors import ConfigError


def test_every_form_of_a_prompt_is_taken() -> None:
    prompts = prompts_of(
        [
            "Hello?",
            [("human", "Hi"), AIMessage("Yes?"), {"role": "user", "content": "Who?"}],
            {"id": "sum", "prompt": "1 + 1?", "reference": 2},
            {"prompt": [HumanMessage("There?")]},
        ]
    )
    assert [prompt.id for prompt in prompts] == ["1", "2", "sum", "4"]
    assert [prompt.text for prompt in prompts] == ["Hello?", "Who?", "1 + 1?", "There?"]
    assert [prompt.reference for prompt in prompts] == [None, None, "2", None]


def test_what_everybody_is_told_first_comes_first() -> None:
    (prompt,) = prompts_of(["Hello?"], system="Be brief.")
    assert prompt.messages == (SystemMessage("Be brief."), HumanMessage("Hello?"))


def test_a_prompt_is_told_apart_by_what_it_says_and_not_by_its_id() -> None:
    same = prompts_of(["Hello?", {"id": "x", "prompt": [("human", "Hello?")]}])
    assert same[0].digest == same[1].digest
    others = prompts_of(["Hello!", {"prompt": "Hello?", "reference": "Yes."}, [("ai", "Hello?")]])
    told = prompts_of(["Hello?"], system="Be brief.")
    assert len({prompt.digest for prompt in (same[0], *others, *told)}) == 5


REFUSED: dict[str, tuple[Any, str]] = {
    "one text": ("Hello?", r"^prompts must be a list of prompts"),
    "one mapping": ({"prompt": "Hello?"}, r"^prompts must be a list of prompts"),
    "nothing": ([], r"^prompts is empty"),
    "a number": (["Hello?", 3], r"^prompts\.1 is neither a text nor a list of messages"),
    "no messages": ([[]], r"^prompts\.0 is empty"),
    "a role that is none": ([[("wizard", "Hi")]], r"^prompts\.0 is neither"),
    "a misspelt key": ([{"prompt": "a", "referense": "b"}], r"no 'referense'\. Nearest: reference\. It has: id,"),
    "a message for a prompt": ([{"role": "user", "content": "a"}], r"^prompts\.0: a prompt has no 'role'"),
    "no prompt": ([{"id": "a"}], r"^prompts\.0\.prompt is missing"),
    "an id twice": ([{"id": "2", "prompt": "a"}, "b"], r"^prompts\.1: the id '2' is here twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_prompt_is_refused_by_its_place(case: str) -> None:
    given, says = REFUSED[case]
    with pytest.raises(ConfigError, match=says):
        prompts_of(given)


def test_two_system_messages_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match=r"^prompts\.0 has a system message of its own"):
        prompts_of([[("system", "a"), ("human", "b")]], system="c")
