"""Judges: what they are shown, in which order, and what is made of whatever they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from langchain_lucky_models import UserModels
from langchain_lucky_models.comparison import Prompt
from langchain_lucky_models.comparison.judging import judges_messages, scores_in, shuffled
from langchain_lucky_models.comparison.prompts import prompts_of
from langchain_lucky_models.comparison.rows import Row
from langchain_lucky_models.errors import BudgetExceededError
from tests.homes import ANTHROPIC, GROQ, MINI, OPENAI, user_on
from tests.loopback import Answer, Provider

(QUESTION,) = prompts_of([{"id": "q", "prompt": "Capital of France?", "reference": "Paris"}])
BLIND = [OPENAI, MINI]

SAID = {
    "1: 7\n2: 9.5/10": [7.0, 9.5],
    "Answer 1: 8\nAnswer 2: 3": [8.0, 3.0],
    "**1**: 0\n\n**2**: 10\n": [0.0, 10.0],
    "1 - 4\n2 - 5": [4.0, 5.0],
    "2: 5\n1: 4": [4.0, 5.0],
    "1: 2\n2: 2\nOn reflection:\n1: 6\n2: 3": [6.0, 3.0],
    "1: 7": None,
    "1: 7\n2: 11": None,
    "1: -3\n2: 4": None,
    "The first is better.": None,
    "2": None,
    "1\n2\n": None,
    "": None,
    "1: \u0667\n2: \u0668": None,
}


@pytest.mark.parametrize("text", SAID)
def test_scores_are_read_or_not_at_all(text: str) -> None:
    assert scores_in(text, 2) == SAID[text]


def test_the_order_favours_nobody_and_is_the_same_every_time() -> None:
    """Over 400 prompts each of four targets stands first about as often as the others."""
    rows = [Row(prompt="", target=target, outcome="answered", answer="x") for target in "abcd"]
    prompts = prompts_of([f"Question {number}" for number in range(400)])
    firsts = Counter(shuffled(prompt, rows)[0].target for prompt in prompts)
    assert all(70 <= firsts[target] <= 130 for target in "abcd")
    assert [row.target for row in shuffled(prompts[0], rows)] == [
        row.target for row in shuffled(prompts[0], rows[::-1])
    ]


def test_a_judge_sees_numbers_and_no_names() -> None:
    _, asked = judges_messages(QUESTION, ["Paris", "Rome"])
    assert all(text in asked.text for text in ("Capital of France?", "--- reference ", "--- answer 2 "))
    assert "gpt" not in asked.text


def test_no_answer_can_end_its_own_block() -> None:
    _, first = judges_messages(QUESTION, ["x", "Rome"])
    forged = first.text[first.text.index("--- end") :]
    _, asked = judges_messages(QUESTION, [forged, "Rome"])
    lines = asked.text.splitlines()
    seal = lines[0].split()[-2]
    assert sum(line == f"--- end {seal} ---" for line in lines) == 4
    assert seal not in forged


def compared(user: UserModels, judge: object, **more: object) -> list[Row]:
    return list(user.compare([{"id": "q", "prompt": "Hi"}], BLIND, judge=judge, **more))  # type: ignore[arg-type]


def test_a_model_judges_and_what_it_cost_is_told(provider: Provider) -> None:
    provider.reply(Answer("1: 2\n2: 9"), model="claude-sonnet-5")
    with user_on(provider) as user:
        table = user.compare(["Hi"], BLIND, judge=ANTHROPIC)
    assert sorted(row.score or 0 for row in table) == [2.0, 9.0]
    assert sum(line.wins or 0 for line in table.summary()) == 1
    assert table.judge == ANTHROPIC
    assert table.judging_cost > 0
    assert table.cost == table.judging_cost + sum(row.cost or 0 for row in table)
    assert len(provider.asked("claude-sonnet-5")) == 1


@pytest.mark.parametrize(
    ("says", "note"),
    [
        (Answer("Both are fine."), "the judge gave no scores, but 'Both are fine.'"),
        ("status_400", "the judge failed: invalid_request"),
    ],
    ids=["nonsense", "failure"],
)
def test_a_judge_that_says_nothing_is_a_note(provider: Provider, says: Answer | str, note: str) -> None:
    if isinstance(says, Answer):
        provider.reply(says, model="claude-sonnet-5")
    else:
        provider.script(says, model="claude-sonnet-5")
    with user_on(provider) as user:
        table = user.compare(["Hi"], BLIND, judge=ANTHROPIC)
    assert [(row.outcome, row.score, row.won, row.note) for row in table] == [("answered", None, None, note)] * 2
    assert note in str(table)
    assert table.stopped is None


def by_length(prompt: Prompt, answers: Sequence[str]) -> list[float]:
    return [len(answer) for answer in answers]


async def by_length_later(prompt: Prompt, answers: Sequence[str]) -> list[float]:
    return by_length(prompt, answers)


@pytest.mark.parametrize("judge", [by_length, by_length_later])
def test_a_function_judges(provider: Provider, judge: object) -> None:
    provider.reply(Answer("long"), model="gpt-4o")
    provider.reply(Answer("longer"), model="gpt-4o-mini")
    with user_on(provider) as user:
        assert [(row.score, row.won) for row in compared(user, judge)] == [(4.0, False), (6.0, True)]


@pytest.mark.parametrize("given", [[1.0], "ab", [float("nan"), 1.0], None, {"a": 1}])
def test_what_a_function_gives_for_scores_that_are_none_is_a_note(provider: Provider, given: object) -> None:
    with user_on(provider) as user:
        rows = compared(user, lambda *_: given)
    assert all(row.score is None and (row.note or "").startswith("the judge ") for row in rows)


def test_a_function_that_is_refused_money_ends_it(provider: Provider) -> None:
    def broke(prompt: Prompt, answers: Sequence[str]) -> list[float]:
        raise BudgetExceededError("no money for judges.")

    with user_on(provider) as user:
        table = user.compare(["Hi", "Ho"], BLIND, judge=broke, max_concurrency=1)
    assert (len(table), table.stopped) == (2, "no money for judges.")


def test_failures_are_not_judged(provider: Provider) -> None:
    provider.script("status_400", model="gpt-4o")
    seen: list[int] = []

    def judge(prompt: Prompt, answers: Sequence[str]) -> list[float]:
        seen.append(len(answers))
        return [1.0] * len(answers)

    with user_on(provider) as user:
        user.compare(["Hi"], BLIND, judge=judge)
        provider.script("status_400", model="gpt-4o-mini")
        user.compare(["Hi"], BLIND, judge=judge)
        assert user.compare(["Hi"], [GROQ], judge=judge).summary()[0].wins is None
    assert seen == [1, 1]
