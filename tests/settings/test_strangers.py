"""Files that hold keys, or say where keys go, and belong to somebody else."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.errors import ConfigError, KeyMissingError
from langchain_lucky_models.settings import Source, UserConfig, file_secret

STRANGER = 4242
KEY = "sk-canary-0123456789abcdef"


def strangers(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file as somebody else's: given away where we may, else we take ourselves for somebody else."""
    if os.geteuid() == 0:
        os.chown(file, STRANGER, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    return file


def written(folder: Path, text: str) -> Path:
    file = folder / "file"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_a_strangers_key_file_warns_and_shows_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 97: whoever owns it may put another key in its place."""
    secret = file_secret(str(strangers(written(tmp_path, KEY), monkeypatch)))
    with pytest.warns(UserWarning, match=r"^the key file .* belongs to the user \d+, who may change it") as caught:
        assert secret.reveal() == KEY
    assert KEY not in str(caught[0].message)


def test_a_strangers_configuration_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 97: whoever owns it may send the house's keys elsewhere."""
    file = strangers(written(tmp_path, "default_tier: cheap\n"), monkeypatch)
    with pytest.warns(UserWarning, match=r"^the file .* belongs to the user \d+"):
        create_llm_registry(file).close()


def test_what_is_ours_or_a_users_warns_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, KEY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert file_secret(str(file)).reveal() == KEY
        file.write_text("{}")
        create_llm_registry(file).close()
        Source.of_user(strangers(file, monkeypatch)).settings(UserConfig)  # a user's file is nobody's to trust


def test_what_anybody_may_write_is_refused(tmp_path: Path) -> None:
    """Case 97: a key file and a configuration."""
    file = written(tmp_path, KEY)
    file.chmod(0o602)
    with pytest.raises(KeyMissingError, match="chmod o-w"):
        file_secret(str(file)).reveal()
    with pytest.raises(ConfigError, match="chmod o-w"):
        create_llm_registry(file)
