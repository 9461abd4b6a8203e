"""The thread that looks: it finds changes by itself, keeps nobody alive, ends when told to, goes on in children."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from langchain_lucky_models import Event, LLMRegistry, create_llm_registry
from langchain_lucky_models.reloading import reloader
from tests.reloading.conftest import Site

SOON = 0.01
"""Seconds between two looks here, so that nobody waits for a second."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloader, "LOOK_EVERY", SOON)
    monkeypatch.setattr(reloader, "SETTLED_AFTER", SOON)


@pytest.fixture
def watched(site: Site) -> Iterator[LLMRegistry]:
    """A registry that looks after the site's file by itself."""
    with create_llm_registry(site.file, watch=True) as registry:
        yield registry


def lookers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "lucky-reload"}


def test_changes_are_found_without_being_asked_for(watched: LLMRegistry, site: Site) -> None:
    heard: SimpleQueue[Event] = SimpleQueue()
    watched.subscribe(heard.put, kinds=["config_reloaded", "config_rejected"])
    for text, kind in ((site.settings("gpt-4.1"), "config_reloaded"), ("- a list\n", "config_rejected")):
        site.write(text)
        assert heard.get(timeout=60).kind == kind
    assert watched._house.tiers["mine"].models == ("openai#gpt-4.1",)


def test_it_ends_with_its_registry(site: Site) -> None:
    before = lookers()
    with create_llm_registry(site.file, watch=True) as registry:
        registry.watch()
        (looker,) = lookers() - before
    assert not looker.is_alive()


async def test_it_ends_with_its_registry_without_blocking_a_loop(site: Site) -> None:
    before = lookers()
    async with create_llm_registry(site.file, watch=True):
        (looker,) = lookers() - before
    assert not looker.is_alive()


def test_a_registry_that_is_forgotten_is_not_kept_alive(site: Site) -> None:
    before = lookers()
    registry = create_llm_registry(site.file, watch=True)
    (looker,) = lookers() - before
    known = weakref.ref(registry)
    del registry
    gc.collect()
    looker.join(60)
    assert not looker.is_alive()
    assert known() is None


FORKS = """
import json, os, sys, threading
from pathlib import Path
from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.reloading import reloader

reloader.LOOK_EVERY = reloader.SETTLED_AFTER = 0.01
file = Path(sys.argv[1])
file.write_text("default_tier: cheap\\n")
registry = create_llm_registry(file, watch=True)
news = threading.Event()
registry.subscribe(lambda event: news.set(), kinds=["config_reloaded"])
if child := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
file.write_text("default_tier: smart\\n")
told = news.wait(60)
print(json.dumps([told, registry._house.default_tier]), flush=True)
registry.close()
os._exit(0)
"""


def test_a_child_of_a_fork_looks_for_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path / "lucky.yaml")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, "smart"]


FORKS_MEANWHILE = """
import json, os, signal, sys, threading, time
from pathlib import Path
from langchain_lucky_models import create_llm_registry

file = Path(sys.argv[1])
file.write_text("default_tier: cheap\\n")
registry = create_llm_registry(file)
accounts = registry._house.accounts
change = accounts.change
accounts.change = lambda **settings: (time.sleep(0.05), change(**settings))  # most of a reload, and under its lock
over = threading.Event()

def edit():
    while not over.is_set():
        for tier in ("smart", "fast"):
            file.with_name("beside").write_text(f"default_tier: {tier}\\n")
            file.with_name("beside").replace(file)
            registry.reload()

editor = threading.Thread(target=edit)
editor.start()
ended = []
for _ in range(5):
    if not (child := os.fork()):
        signal.alarm(60)
        registry.reload()
        registry.load_user_config("ada", {"experiments": {"mine": {"models": ["gpt-4o"]}}})
        registry.catalog.register({"provider": "mybox", "id": "tiny"})
        os._exit(0)
    ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
editor.join()
print(json.dumps(ended), flush=True)
registry.close()
"""


def test_a_fork_in_the_midst_of_a_reload_leaves_no_lock_shut(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS_MEANWHILE, str(tmp_path / "lucky.yaml")],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0] * 5
