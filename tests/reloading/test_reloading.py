"""What is read anew holds whole, or not at all; and everybody can see which."""

from __future__ import annotations

import errno
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_lucky_models import ConfigRejected, ConfigReloaded, create_llm_registry
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.reloading.files import Reading
from tests.homes import KEYS, user_of
from tests.reloading.conftest import Site

BAD = "tiers:\n  mine: {models: ['openai#gpt-4.1'], stratgy: race}\n"


def test_a_good_edit_holds_for_handles_that_are_there_already(site: Site) -> None:
    handle = user_of(site.registry).tier("mine")
    assert handle.invoke("hi").response_metadata["lucky"]["ref"] == "openai#gpt-4o"
    site.write(site.settings("gpt-4.1"))
    site.registry.reload()
    assert handle.invoke("hi").response_metadata["lucky"]["ref"] == "openai#gpt-4.1"
    assert site.told() == ["config_reloaded"]
    assert isinstance(event := site.heard[0], ConfigReloaded)
    assert (event.file, event.part, event.changed, event.restart) == (str(site.file), "registry", ("tiers.mine",), ())


def test_a_bad_edit_keeps_what_held_and_is_told_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Case 99: valid, invalid, valid. It is reported when it is found, and not at every look or call."""
    handle = user_of(site.registry).tier("mine")
    site.write(BAD)
    with caplog.at_level(logging.WARNING, logger="langchain_lucky_models"):
        site.look(10)
        for _ in range(5):
            handle.invoke("hi")
        site.registry.reload()
    told = [record.getMessage() for record in caplog.records if "lucky.yaml" in record.getMessage()]
    assert len(told) == 1
    assert re.search(r"lucky\.yaml:2:.*stratgy.*strategy", told[0], re.DOTALL)
    (status,) = site.registry.health().config
    assert (status.state, status.part, status.file) == ("rejected", "registry", site.file)
    assert "stratgy" in status.reason
    assert site.tier() == "gpt-4o"

    site.write(site.settings("gpt-4.1"))
    site.look(2)
    assert site.states() == {"lucky.yaml": "current"}
    assert site.tier() == "gpt-4.1"
    assert site.told() == ["config_rejected", "config_reloaded"]
    assert isinstance(event := site.heard[0], ConfigRejected)
    assert event.reason == status.reason


def test_the_same_mistake_is_told_again_once_it_was_mended(site: Site) -> None:
    for text in (BAD, site.settings(), BAD):
        site.write(text)
        site.look(2)
    assert site.told() == ["config_rejected", "config_reloaded", "config_rejected"]


def test_what_counts_only_for_a_new_registry_is_told_as_such(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write(site.settings(more="ledger: {url: 'sqlite:///other.db'}\ndefault_tier: mine\n"))
    with caplog.at_level(logging.WARNING, logger="langchain_lucky_models"):
        site.look(2)
    assert site.told() == ["config_reloaded"]
    assert isinstance(event := site.heard[0], ConfigReloaded)
    assert (event.changed, event.restart) == (("default_tier",), ("ledger",))
    assert "ledger will count when the registry is made anew" in caplog.text


def test_what_was_given_in_python_still_wins(site: Site) -> None:
    with create_llm_registry(site.file, fallback_keys=KEYS, default_tier="smart") as registry:
        site.write(site.settings(more="default_tier: mine\n"))
        registry.reload()
        assert registry._house.default_tier == "smart"


def test_by_hand_the_environment_is_read_anew_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(site.settings("${MY_MODEL}"))
    monkeypatch.setenv("MY_MODEL", "gpt-4o-mini")
    site.registry.reload()
    monkeypatch.setenv("MY_MODEL", "gpt-4.1")
    site.registry.reload()
    assert site.tier() == "gpt-4.1"
    monkeypatch.delenv("MY_MODEL")
    (status,) = site.registry.reload()
    assert (status.state, site.tier()) == ("rejected", "gpt-4.1")
    assert site.told() == ["config_reloaded", "config_reloaded", "config_rejected"]


def test_nothing_is_told_where_nothing_is_new(site: Site) -> None:
    (before,) = site.registry.config_status()
    for _ in range(3):
        site.registry.reload()
    assert site.registry.config_status() == (before,)
    assert site.told() == []


def test_a_key_is_a_change_only_where_it_is_another(site: Site) -> None:
    """Keys and secret headers, which nothing shows, are compared all the same."""
    key = "providers:\n  openai: {{api_key: sk-{0}, headers: {{x-team: '{1}'}}}}\n  groq: {{api_key: sk-same-0123}}\n"
    groqs = []
    rows = (("one", "red", "cheap"), ("one", "red", "smart"), ("two", "red", "smart"), ("two", "blue", "smart"))
    for one, team, tier in rows:
        site.write(f"{key.format(one, team)}default_tier: {tier}\n")
        site.registry.reload()
        groqs.append(site.registry._house.providers["groq"])
    assert len({id(groq) for groq in groqs}) == 1
    site.told()
    assert [event.changed for event in site.heard[1:] if isinstance(event, ConfigReloaded)] == [
        ("default_tier",),
        ("providers.openai",),
        ("providers.openai",),
    ]


def test_a_registry_without_a_file_has_nothing_to_watch(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give its path as config"):
        create_llm_registry({"default_tier": "cheap"}, watch=True)
    with create_llm_registry() as registry:
        assert registry.reload() == registry.health().config == ()
        with pytest.raises(ConfigError, match="nothing to watch"):
            registry.watch()
        with pytest.raises(ConfigError, match="folder cannot be read"):
            registry.watch(users=tmp_path / "none")


def test_no_key_is_told_of(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """An edit that is refused because of a key's row names the row alone."""
    secret = "sk-canary-0123456789abcdef"
    site.write(f"providers:\n  openai: {{api_key: {secret}, base_url: 'ftp://nowhere'}}\n")
    with caplog.at_level(logging.DEBUG):
        site.look(2)
    assert site.told() == ["config_rejected"]
    assert secret not in caplog.text + repr(site.heard) + repr(site.registry.health().config)


def test_a_file_is_found_wherever_the_process_works_later(site: Site, tmp_path: Path) -> None:
    """In a process of its own, for the folder in which a process works is everybody's."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from langchain_lucky_models import create_llm_registry\n"
        "Path('lucky.yaml').write_text('default_tier: cheap\\n')\n"
        "registry = create_llm_registry('lucky.yaml')\n"
        "file = Path('lucky.yaml').absolute()\n"
        "os.chdir('/')\n"
        "file.write_text('default_tier: smart\\n')\n"
        "assert [status.file for status in registry.reload()] == [file]\n"
        "assert registry._house.default_tier == 'smart'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_read_for_whatever_reason_is_told_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails, or a warning that is made an error, does not end the watch."""
    part = site.registry._reloader._watched[site.file].part
    site.look(2)
    site.write(site.settings("gpt-4.1"))

    def failing() -> Reading:
        raise OSError(errno.EIO, "the disk fails")

    with monkeypatch.context() as patched:
        patched.setattr(part, "read", failing)
        site.look(2)
    assert site.states() == {"lucky.yaml": "rejected"}
    assert site.registry.health().config[0].reason.endswith("it cannot be read (OSError).")
    site.look(2)
    assert site.states() == {"lucky.yaml": "current"}
    assert site.tier() == "gpt-4.1"
