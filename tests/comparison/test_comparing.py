"""The same prompts at several targets, from end to end."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from langchain_lucky_models.errors import (
    ConfigError,
    ModelNotAllowedError,
    UnboundHandleError,
    UnknownExperimentError,
)
from tests.homes import GROQ, MINI, OPENAI, registry_on, user_of, user_on
from tests.loopback import Answer, Exchange, Provider
from tests.loopback.exchange import answer_whole

CITIES: list[Any] = [{"id": "fr", "prompt": "Capital of France?", "reference": "Paris"}, "Capital of Italy?"]
OWN = {
    "experiments": {
        "ab": {"variants": {"a": {"models": [MINI]}, "b": {"models": [OPENAI]}}},
        "greedy": {"models": ["openai#o3"]},
    }
}


def test_every_target_is_asked_every_prompt(provider: Provider) -> None:
    provider.reply(Answer("Paris.", cost=None), model="gpt-4o")
    with user_on(provider) as user:
        table = user.compare(CITIES, [OPENAI, MINI], repeat=2, system="Be brief.")
    assert [(row.round, row.prompt, row.target) for row in table] == [
        (turn, prompt, target) for turn in (1, 2) for prompt in ("fr", "2") for target in (OPENAI, MINI)
    ]
    first = table.rows[0]
    assert (first.outcome, first.answer, first.ref, first.correct, first.error) == (
        "answered", "Paris.", OPENAI, True, None,
    )  # fmt: skip
    assert first.input_tokens
    assert first.output_tokens
    assert first.cost is not None
    assert 0 < (first.first_token or 0) <= first.seconds
    assert (table.planned, table.stopped, len(table)) == (8, None, 8)
    assert [line.correct for line in table.summary()] == [1.0, 0.0]
    assert all(request.json["messages"][0]["content"] == "Be brief." for request in provider.requests)


async def test_async_gives_the_same(provider: Provider) -> None:
    async with registry_on(provider) as registry:
        user = user_of(registry)
        table = await user.acompare(CITIES, [OPENAI, MINI])
        twin = await registry.acompare(CITIES, [OPENAI, MINI], user=user.user_id)
    assert [(row.place, row.answer, row.cost) for row in table] == [(row.place, row.answer, row.cost) for row in twin]


async def test_it_also_waits_inside_a_running_loop(provider: Provider) -> None:
    """As in a notebook, whose cells run in one."""
    async with registry_on(provider) as registry:
        assert len(user_of(registry).compare(["Hi"], [OPENAI])) == 1


def test_failures_are_rows(provider: Provider) -> None:
    provider.script("status_400", model="gpt-4o")
    provider.script("ends_without_finish", model="gpt-4o-mini")
    with user_on(provider) as user:
        table = user.compare(["Hi"], [OPENAI, MINI, GROQ])
    assert [(row.outcome, row.error, row.answer is None) for row in table] == [
        ("failed", "invalid_request", True),
        ("failed", "stream_truncated", True),
        ("answered", None, False),
    ]
    assert all("sk-house" not in str(row) for row in table)
    assert [line.success_rate for line in table.summary()] == [0.0, 0.0, 1.0]


def test_no_more_are_asked_at_once_than_allowed_and_so_many_are(provider: Provider) -> None:
    standing, most = [0], [0]
    everybody = asyncio.Event()

    async def counted(exchange: Exchange) -> None:
        standing[0] += 1
        most[0] = max(most[0], standing[0])
        if standing[0] == 3:
            everybody.set()
        await everybody.wait()  # nobody is answered until as many as allowed stand there together
        await answer_whole(exchange)
        standing[0] -= 1

    provider.script(counted)
    with user_on(provider) as user:
        table = user.compare([str(number) for number in range(9)], [OPENAI], max_concurrency=3)
    assert [row.outcome for row in table] == ["answered"] * 9
    assert most == [3]


# --- on whose behalf


def test_an_operator_compares_for_a_user_and_any_users_experiments(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", OWN)
        registry.load_user_config("bob", OWN)
        ada, bob = user_of(registry, models=[MINI, OPENAI]), user_of(registry, "bob", models=[OPENAI])
        table = registry.compare(["Hi"], ["gpt-4o", "user:ada:ab@a", "user:bob:ab@b"], user=ada)
        assert [(row.ref, row.variant) for row in table] == [(OPENAI, None), (MINI, "a"), (OPENAI, "b")]
        with pytest.raises(ModelNotAllowedError):
            registry.compare(["Hi"], ["user:bob:ab@a"])  # bob's own list counts, whoever asks
        with pytest.raises(UnknownExperimentError):
            bob.compare(["Hi"], ["user:ada:ab"])
        assert registry.experiment("user:ada:ab@a").ref == MINI
        assert registry.experiment("user:ada:ab", subject="x").user_id == "ada"


def test_a_user_is_who_is_given_and_not_another_of_the_same_id(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", OWN)
        wide, narrow = user_of(registry), user_of(registry, models=[OPENAI])
        assert [row.ref for row in registry.compare(["Hi"], ["user:ada:ab@a"], user=wide)] == [MINI]
        with pytest.raises(ModelNotAllowedError):
            registry.compare(["Hi"], ["user:ada:ab@a"], user=narrow.user_id)


def test_byok_is_paid_by_the_user_on_whose_behalf_it_is(provider: Provider) -> None:
    with registry_on(provider) as registry:
        user = registry.for_user(mode="byok", user_id="eve", models=[OPENAI], api_keys={"openai": "sk-eve-0123456789"})
        registry.compare(["Hi"], [OPENAI], user="eve", judge=OPENAI)
        assert user.user_id == "eve"
    assert provider.keys_seen() == {"sk-eve-0123456789"}


def test_an_operator_must_say_on_whose_behalf(provider: Provider) -> None:
    with registry_on(provider) as registry:
        with pytest.raises(ConfigError, match=r"^user= is missing: 'openai#gpt-4o' is looked up"):
            registry.compare(["Hi"], [OPENAI])
        with pytest.raises(UnboundHandleError, match="no user 'nobody' is in use here"):
            registry.compare(["Hi"], [OPENAI], user="nobody")
        with pytest.raises(UnboundHandleError, match="no user 'ada' is in use here"):
            registry.experiment("user:ada:ab")
        with pytest.raises(ConfigError, match="'tier:cheap' is no experiment"):
            registry.experiment("tier:cheap")


def test_handles_are_compared_under_labels(provider: Provider) -> None:
    with user_on(provider) as user:
        warm = user.model(OPENAI, temperature=1)
        table = user.compare(["Hi"], {"cold": OPENAI, "warm": warm}, params={"temperature": 0})
    assert table.targets == ("cold", "warm")
    assert sorted(request.json["temperature"] for request in provider.requests) == [0, 1]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no targets": ({"targets": []}, "targets is empty"),
    "one target": ({"targets": OPENAI}, "targets must be a list of names"),
    "a target twice": ({"targets": [OPENAI, OPENAI]}, "'openai#gpt-4o' is here twice"),
    "a target that is not the user's": ({"targets": [OPENAI, "openai#o3"]}, "openai#o3 is not in this user's list"),
    "a judge that is not the user's": ({"judge": "openai#o3"}, "openai#o3 is not in this user's list"),
    "a judge that is none": ({"judge": 3}, "judge must be a name, a handle or a function, not 3"),
    "no times": ({"repeat": 0}, "repeat must be a whole number from 1 on, not 0"),
    "half a time": ({"repeat": 1.5}, "repeat must be a whole number"),
    "nobody at once": ({"max_concurrency": True}, "max_concurrency must be a whole number"),
    "money in words": ({"budget": "much"}, "budget must be an amount of dollars, not 'much'"),
    "money without end": ({"budget": float("inf")}, "budget must be an amount"),
    "debts": ({"budget": -1}, "budget must be an amount"),
    "a misspelt option": ({"judges": OPENAI}, r"compare\(\) takes no 'judges'\. Nearest: judge, budget\."),
    "a folder to resume from": ({"resume": "/"}, "resume: / cannot be opened"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_before_anybody_is_asked(provider: Provider, case: str) -> None:
    given, says = REFUSED[case]
    with user_on(provider) as user, pytest.raises((ConfigError, ModelNotAllowedError), match=says):
        user.compare(**{"prompts": ["Hi"], "targets": [OPENAI], **given})
    assert not provider.requests


# --- money


def test_once_the_budget_is_spent_nobody_is_asked_any_more(provider: Provider) -> None:
    with user_on(provider) as user:
        one = user.compare(["Hi"], [OPENAI]).cost
        table = user.compare(["Hi"] * 6, [OPENAI], budget=one * 3, max_concurrency=1)
    assert len(table) == 3
    assert table.cost == one * 3
    assert table.stopped == f"the budget of ${one * 3} is spent: ${one * 3}"
    assert str(table).splitlines()[-1] == f"stopped after 3 of 6: {table.stopped}"


def test_a_budget_that_is_just_enough_stops_nothing(provider: Provider) -> None:
    with user_on(provider) as user:
        one = user.compare(["Hi"], [OPENAI]).cost
        table = user.compare(["Hi"] * 2, [OPENAI], budget=str(one * 2), max_concurrency=1)
    assert (len(table), table.stopped) == (2, None)


def test_a_cost_that_nobody_knows_keeps_no_budget(provider: Provider) -> None:
    providers = {"mybox": {"kind": "openai_compatible", "base_url": provider.base_urls["openai"], "api_key": "x"}}
    with registry_on(provider, providers=providers) as registry:
        user = user_of(registry, models=["mybox#tiny"])
        table = user.compare(["Hi", "Ho"], ["mybox#tiny"], budget=5, max_concurrency=1)
    assert (len(table), table.rows[0].cost) == (1, None)
    assert table.stopped == "what mybox#tiny costs is not known, so budget= cannot be kept"


# --- forms


def test_a_table_exports_itself_to_the_letter(provider: Provider) -> None:
    said = '=HYPERLINK("x")\n"a", ü 🎲'
    provider.reply(Answer(said), model="gpt-4o")
    with user_on(provider) as user:
        table = user.compare([{"id": "-1", "prompt": "Hi, you"}], [OPENAI])
    (line,) = map(json.loads, table.to_jsonl().splitlines())
    assert (line["answer"], line["asked"], Decimal(line["cost"])) == (said, "Hi, you", table.cost)
    (cells,) = csv.DictReader(io.StringIO(table.to_csv()))
    assert (cells["answer"], cells["prompt"], cells["cost"]) == ("'" + said, "'-1", str(table.cost))
    (row,) = table.to_dicts()
    assert row.keys() == cells.keys() == line.keys()
    assert isinstance(row["cost"], Decimal)


def test_a_notebook_shows_what_models_said_and_never_runs_it(provider: Provider) -> None:
    evil = "<script>alert(1)</script>" + "x" * 1000
    provider.reply(Answer(evil), model="gpt-4o")
    with user_on(provider) as user:
        page = user.compare([evil], {"<b>": OPENAI})._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert len(page) < 5_000


def test_printed_it_is_the_figures_of_each_target(provider: Provider) -> None:
    with user_on(provider) as user:
        told = str(user.compare(CITIES, [OPENAI, MINI])).splitlines()
    assert told[0].split()[:4] == ["target", "asked", "answered", "success_rate"]
    assert [line.split()[0] for line in told[1:]] == [OPENAI, MINI]


# --- interruption


async def test_a_cancelled_comparison_closes_its_connections_and_keeps_what_was_done(
    provider: Provider, tmp_path: Path
) -> None:
    provider.script("hang_before_headers", model="gpt-4o-mini")
    file = tmp_path / "table.jsonl"
    async with registry_on(provider) as registry:
        task = asyncio.create_task(user_of(registry).acompare(["Hi"], [OPENAI, MINI], resume=file))
        while not (provider.asked("gpt-4o-mini") and file.exists() and file.read_text().count("\n") == 2):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hung = provider.asked("gpt-4o-mini")[0]
        assert await asyncio.to_thread(provider.wait_until_gone, hung, 20) is not None
        provider.clear()
        table = await user_of(registry).acompare(["Hi"], [OPENAI, MINI], resume=file)
    assert len(table) == 2
    assert not provider.asked("gpt-4o")


CHILD = """
import signal, sys, threading, time
from pathlib import Path
from tests.homes import MINI, OPENAI, registry_on, user_of
from tests.loopback import Provider

signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored where tests run
with Provider() as provider:
    provider.script("hang_before_headers", model="gpt-4o-mini")
    with registry_on(provider) as registry:
        def tell():
            while not (provider.asked("gpt-4o-mini") and Path(sys.argv[1]).read_text().count("\\n") == 2):
                time.sleep(0.01)
            print("go", flush=True)
        threading.Thread(target=tell, daemon=True).start()
        table = user_of(registry).compare(["Hi"], [OPENAI, MINI], resume=sys.argv[1])
        print(len(table), table.stopped, table.rows[0].outcome, table.rows[0].target, flush=True)
"""


def test_an_interrupt_ends_the_calls_and_gives_what_was_done(tmp_path: Path) -> None:
    """Ctrl-C, in a process of its own."""
    file = tmp_path / "table.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(file)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        guard = threading.Timer(280, child.kill)
        guard.start()
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "go\n"
            child.send_signal(signal.SIGINT)
            told, errors = child.communicate()
        finally:
            guard.cancel()
    assert (child.returncode, told) == (0, "1 interrupted answered openai#gpt-4o\n"), errors


def test_nothing_is_left_running(provider: Provider) -> None:
    before = set(threading.enumerate())
    with user_on(provider) as user:
        user.compare(["Hi"], [OPENAI, MINI], judge=lambda _prompt, answers: [1.0] * len(answers))
        left = {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("lucky-comparison")}
        assert not left


# --- accounts


def test_a_users_own_budget_ends_it_and_says_so(provider: Provider) -> None:
    budget = {"scope": "user", "limit": "0.000001", "window": "day"}
    with registry_on(provider, budgets=[budget]) as registry:
        table = user_of(registry).compare(["a", "b", "c"], [OPENAI], max_concurrency=1)
    assert [(row.outcome, row.error) for row in table] == [("failed", "budget_exceeded")]
    assert table.planned == 3
    assert table.stopped == table.rows[0].message
    assert not provider.requests


def test_the_ledger_knows_experiment_and_variant(provider: Provider) -> None:
    with registry_on(provider) as registry:
        registry.load_user_config("ada", OWN)
        user = user_of(registry)
        table = user.compare(["a", "b"], ["user:ada:ab@a", "user:ada:ab@b", OPENAI])
        used = registry.usage(by=("experiment", "variant"))
    costs = {(row.group["experiment"], row.group["variant"]): (row.requests, row.cost) for row in used}
    told = {line.target: (line.asked, line.cost) for line in table.summary()}
    assert costs == {
        ("user:ada:ab", "a"): told["user:ada:ab@a"],
        ("user:ada:ab", "b"): told["user:ada:ab@b"],
        (None, None): told[OPENAI],
    }
