"""Where model files lie, and how a name becomes a path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from langchain_lucky_models import embedded
from langchain_lucky_models.embedded.cache import require_path
from langchain_lucky_models.embedded.disk import CACHE_VARIABLE
from langchain_lucky_models.errors import InvalidRefError, LocalModelError, UnknownModelError


def gguf(path: Path) -> Path:
    path.write_bytes(b"GGUF and more")
    return path


def test_the_environment_moves_the_cache(empty_cache: Path) -> None:
    assert embedded.cache_directory() == empty_cache


def test_without_it_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = embedded.cache_directory()
    assert directory.name == "langchain-lucky-models"
    assert not directory.exists(), "naming it must not make it"


def test_a_model_that_was_not_fetched_has_no_path(empty_cache: Path) -> None:
    assert embedded.path_of("smollm2-135m") is None


def test_a_file_cut_short_counts_as_not_there(empty_cache: Path) -> None:
    gguf(empty_cache / "smollm2-135m.gguf")
    assert embedded.path_of("smollm2-135m") is None


def test_what_is_missing_says_the_command_that_fetches_it(empty_cache: Path) -> None:
    with pytest.raises(LocalModelError, match=r"98 MB.*lucky-models local pull"):
        require_path("smollm2-135m")


def test_a_gguf_file_put_into_the_cache_is_a_model_by_its_name(empty_cache: Path) -> None:
    path = gguf(empty_cache / "mine.gguf")
    assert embedded.path_of("mine") == path


def test_an_unknown_name_is_answered_with_what_there_is(empty_cache: Path) -> None:
    gguf(empty_cache / "mine.gguf")
    with pytest.raises(UnknownModelError, match=r"there is mine, smollm2-135m\. Nearest: smollm2-135m\.") as caught:
        require_path("smollm2-1.7b")
    assert caught.value.nearest == ("local#smollm2-135m",)


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".hidden", "c:d"])
def test_a_name_cannot_leave_the_cache_directory(empty_cache: Path, name: str) -> None:
    gguf(empty_cache.parent / "mine.gguf")
    with pytest.raises(InvalidRefError):
        embedded.path_of(name)


def test_a_registered_file_is_a_model_in_every_process(empty_cache: Path, tmp_path: Path) -> None:
    own = gguf(tmp_path / "some model.gguf")
    link = embedded.register_model("mine", own)
    assert embedded.path_of("mine") == link
    assert link.resolve() == own
    code = "from langchain_lucky_models import embedded; print(embedded.path_of('mine'))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(link)


def test_registering_again_moves_the_name(empty_cache: Path, tmp_path: Path) -> None:
    embedded.register_model("mine", gguf(tmp_path / "old.gguf"))
    link = embedded.register_model("mine", gguf(tmp_path / "new.gguf"))
    assert link.resolve().name == "new.gguf"
    assert [path.name for path in empty_cache.iterdir()] == ["mine.gguf"]


def test_a_registered_file_that_went_away_has_no_path(empty_cache: Path, tmp_path: Path) -> None:
    own = gguf(tmp_path / "mine.gguf")
    embedded.register_model("mine", own)
    own.unlink()
    assert embedded.path_of("mine") is None


def test_only_gguf_files_can_be_registered(empty_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(LocalModelError, match="no GGUF file"):
        embedded.register_model("page", tmp_path / "page.html")
    with pytest.raises(LocalModelError, match="cannot be read"):
        embedded.register_model("page", tmp_path / "absent.gguf")


def test_a_fetched_model_keeps_its_name_and_a_file_its_place(empty_cache: Path, tmp_path: Path) -> None:
    own = gguf(tmp_path / "own.gguf")
    with pytest.raises(LocalModelError, match="can be fetched"):
        embedded.register_model("smollm2-135m", own)
    gguf(empty_cache / "mine.gguf")
    with pytest.raises(LocalModelError, match="already names a file"):
        embedded.register_model("mine", own)
