"""A comparison goes on from what it has done, whatever became of the process that did it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from langchain_lucky_models.comparison.journal import Past, opened_journal
from langchain_lucky_models.comparison.rows import Place, Row, Verdict
from langchain_lucky_models.errors import ConfigError
from tests.homes import MINI, OPENAI, registry_on, user_of, user_on
from tests.loopback import Answer, Provider
from tests.settings.test_strangers import strangers

ANSWER = Row(
    prompt="1", target="a", outcome="answered", answer="ü\n🎲 \ud83d", cost=Decimal("0.000000000001"), seconds=1.5
)
VERDICT = Verdict(prompt="1", round=1, judge="j", scores={"a": 7.0}, cost=Decimal("0.1"))


def past_of(file: Path) -> Past:
    with opened_journal(file) as journal:
        return journal.read()


def written(file: Path) -> Path:
    with opened_journal(file) as journal:
        journal.write_heading({"1": "x"}, {"a": "first of a#b"})
        journal.write_row(ANSWER)
        journal.write_verdict(VERDICT)
    return file


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    past = past_of(written(tmp_path / "f"))
    assert past.rows == {Place("1", 1, "a"): ANSWER}
    assert past.verdicts == {("1", 1): VERDICT}
    assert (past.prompts, past.targets) == ({"1": "x"}, {"a": "first of a#b"})
    assert past.spent == Decimal("0.100000000001")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Case 97: prompts and answers are nobody else's business."""
    assert stat.S_IMODE(written(tmp_path / "f").stat().st_mode) == 0o600


@settings(max_examples=40)
@given(data=some.data())
def test_a_file_that_was_cut_off_anywhere_is_gone_on_from(
    data: some.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whole lines count, the rest is removed, and what is added afterwards is read."""
    file = written(tmp_path_factory.mktemp("cut") / "f")
    content = file.read_bytes()
    cut = data.draw(some.integers(0, len(content)))
    file.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    past = past_of(file)
    assert len(past.prompts) + len(past.rows) + len(past.verdicts) == whole
    with opened_journal(file) as journal:
        journal.read()
        journal.write_row(ANSWER)
    assert past_of(file).rows[ANSWER.place] == ANSWER


FOREIGN = [
    "3",
    "[]",
    "{}",
    "not json",
    '{"kind": "spell"}',
    '{"kind": "row"}',
    '{"kind": "row", "prompt": "1", "target": "a", "outcome": "answered", "cost": "much"}',
    '{"kind": "comparison", "version": 2}',
]


@pytest.mark.parametrize("line", FOREIGN)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(line: str, tmp_path: Path) -> None:
    file = written(tmp_path / "f")
    with file.open("a") as more:
        more.write(line + "\n")
    content = file.read_bytes()
    with pytest.raises(ConfigError, match=r"resume: line 4 of .* is none of a comparison's"):
        past_of(file)
    assert file.read_bytes() == content


def test_a_strangers_file_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 97: whoever owns it reads what was asked and answered."""
    file = strangers(written(tmp_path / "f"), monkeypatch)
    with pytest.warns(UserWarning, match=r"^the file .* belongs to the user \d+"):
        past_of(file)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written(tmp_path / "f"))
    with pytest.raises(ConfigError, match="cannot be opened"):
        past_of(tmp_path / "link")


def test_two_comparisons_do_not_write_one_file(tmp_path: Path) -> None:
    file = written(tmp_path / "f")
    with opened_journal(file), pytest.raises(ConfigError, match="another comparison is writing"), opened_journal(file):
        pass
    past_of(file)


def test_answers_are_kept_and_failures_are_asked_again(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "f"
    provider.script("status_400", model="gpt-4o-mini")
    with user_on(provider) as user:
        assert [row.outcome for row in user.compare(["Hi"], [OPENAI, MINI], resume=file)] == ["answered", "failed"]
        provider.clear()
        table = user.compare(["Hi"], [OPENAI, MINI], resume=file)
    assert [row.outcome for row in table] == ["answered", "answered"]
    assert [request.model for request in provider.requests] == ["gpt-4o-mini"]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["comparison", "row", "row", "comparison", "row"]


def test_more_prompts_targets_and_rounds_are_welcome(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "f"
    with user_on(provider) as user:
        user.compare(["Hi"], [OPENAI], resume=file)
        provider.clear()
        table = user.compare(["Hi", "Ho"], [OPENAI, MINI], repeat=2, resume=file)
    assert (len(table), len(provider.requests)) == (8, 7)


def test_another_prompt_or_target_of_the_same_name_is_refused(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "f"
    with registry_on(provider) as registry:
        registry.load_user_config("ada", {"experiments": {"x": {"models": [MINI]}}})
        user = user_of(registry)
        user.compare(["Hi"], ["user:ada:x"], resume=file)
        provider.clear()
        with pytest.raises(ConfigError, match=r"resume: the prompt '1' of .* is not the one that is given now"):
            user.compare(["Ho"], ["user:ada:x"], resume=file)
        with pytest.raises(ConfigError, match="the prompt '1'"):
            user.compare(["Hi"], ["user:ada:x"], resume=file, system="Be brief.")
        registry.load_user_config("ada", {"experiments": {"x": {"models": [OPENAI]}}})
        with pytest.raises(ConfigError) as caught:
            user.compare(["Hi"], ["user:ada:x"], resume=file)
    assert f"was fallback of {MINI} for ada; now it is fallback of {OPENAI} for ada" in str(caught.value)
    assert not provider.requests


def test_who_was_judged_is_not_judged_again_unless_by_somebody_else(provider: Provider, tmp_path: Path) -> None:
    file, judged = tmp_path / "f", []

    def strict(prompt: object, answers: Sequence[str]) -> list[float]:
        judged.append(len(answers))
        return [float(number) for number in range(len(answers))]

    def mild(prompt: object, answers: Sequence[str]) -> list[float]:
        return [10.0] * len(answers)

    with user_on(provider) as user:
        first = user.compare(["Hi"], [OPENAI, MINI], resume=file, judge=strict)
        again = user.compare(["Hi"], [OPENAI, MINI], resume=file, judge=strict)
        assert [row.score for row in first] == [row.score for row in again]
        user.compare(["Hi"], [OPENAI, MINI, "gpt-4.1"], resume=file, judge=strict)
        assert judged == [2, 3]
        assert [row.score for row in user.compare(["Hi"], [OPENAI, MINI], resume=file, judge=mild)] == [10.0, 10.0]
        assert [row.score for row in user.compare(["Hi"], [OPENAI, MINI], resume=file)] == [None, None]


def test_what_was_spent_before_counts(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "f"
    with user_on(provider) as user:
        one = user.compare(["Hi"], [OPENAI], resume=file).cost
        provider.clear()
        table = user.compare(["Hi", "Ho"], [OPENAI], resume=file, budget=one)
    assert (len(table), table.stopped) == (1, f"the budget of ${one} is spent: ${one}")
    assert not provider.requests


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_what_is_no_file_is_refused_without_waiting(kind: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is no regular file"):
        past_of({"a pipe": pipe, "a device": Path("/dev/zero")}[kind])


def test_a_file_that_breaks_in_the_middle_ends_it_with_what_was_done(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the second row on."""
    real, rows = os.write, [0]

    def write(handle: int, data: bytes) -> int:
        if b'"kind": "row"' in bytes(data):
            rows[0] += 1
            if rows[0] == 2:
                raise OSError(28, "No space left on device")
        return real(handle, data)

    provider.reply(Answer("x"), model="gpt-4o")
    monkeypatch.setattr(os, "write", write)
    with user_on(provider) as user:
        table = user.compare(["a", "b", "c"], [OPENAI], resume=tmp_path / "f", max_concurrency=1)
    assert len(table) == 2
    assert table.stopped == f"{tmp_path / 'f'} cannot be written: No space left on device"
