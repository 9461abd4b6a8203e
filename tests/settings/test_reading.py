"""Files are read without trust in their path, their kind or their size."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_lucky_models import create_llm_registry
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.settings import Source
from langchain_lucky_models.settings.reading import LARGEST_FILE, check_file_name, read_member, read_text

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join(['*' + before] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

HOSTILE: dict[str, bytes] = {
    "a bomb of lists": BOMB.encode(),
    "a bomb of merge keys": MERGES.encode(),
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand braces": b"{a: " * 100_000,
    "a hundred thousand dashes": b"- " * 100_000,
    "a hundred thousand questions": b"? " * 100_000,
    "many values": b"a: [" + b"1," * 400_000 + b"1]",
    "many keys": b"".join(b"k%d: 1\n" % number for number in range(60_000)),
    "many anchors": b"".join(b"k%d: &k%d 1\n" % (number, number) for number in range(30_000)),
    "one byte too many": b"a" * (LARGEST_FILE + 1),
    "a NUL": b"default_tier: che\x00ap\n",
    "UTF-16": "default_tier: cheap\n".encode("utf-16"),
    "UTF-16 without a mark": "default_tier: cheap\n".encode("utf-16-le"),
    "Latin-1": "default_tier: caf\xe9\n".encode("latin-1"),
    "an overlong zero": b"default_tier: \xc0\x80\n",
    "half a letter": b"default_tier: \xf0\x9f\n",
}


@pytest.mark.parametrize("of", [Source.of_operator, Source.of_user])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name_at_once(name: str, of: Callable[..., Source], tmp_path: Path) -> None:
    """Case 92: within 100 ms of the thread's own processor time, at its best of thirty: a busy machine is no fault."""
    file = tmp_path / "config.yaml"
    file.write_bytes(HOSTILE[name])
    took: list[float] = []
    while min(took, default=1.0) >= 0.1 and len(took) < 30:
        begun = time.thread_time()
        with pytest.raises(ConfigError, match=r"config\.yaml"):
            of(file)
        took.append(time.thread_time() - begun)
    assert min(took) < 0.1


def test_hostile_files_take_less_than_twenty_megabytes(tmp_path: Path) -> None:
    """Case 92: all of them together, and a file of a gigabyte."""
    for number, content in enumerate(HOSTILE.values()):
        (tmp_path / f"{number}.yaml").write_bytes(content)
    with (tmp_path / "vast.yaml").open("wb") as vast:
        vast.truncate(1_000_000_000)
    code = (
        "import pathlib, resource, sys\n"
        "from langchain_lucky_models.settings import Source\n"
        "Source.of_operator({})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try:\n"
        "        Source.of_operator(file)\n"
        "    except Exception as error:\n"
        "        assert type(error).__name__ == 'ConfigError', error\n"
        "    else:\n"
        "        raise SystemExit(file)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert grown.returncode == 0, grown.stderr
    assert int(grown.stdout) < 20_000


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device", "a link", "links in a circle", "nothing", "a NUL"])
def test_what_is_no_regular_file_is_refused_without_waiting(kind: str, tmp_path: Path) -> None:
    """Case 92: nothing is opened that may never answer, or never end."""
    path = tmp_path / "config.yaml"
    made: dict[str, Callable[[], object]] = {
        "a folder": path.mkdir,
        "a pipe": lambda: os.mkfifo(path),
        "a link": lambda: path.symlink_to("/etc/hostname"),
        "links in a circle": lambda: path.symlink_to(path),
    }
    made.get(kind, lambda: None)()
    path = {"a device": Path("/dev/zero"), "a NUL": tmp_path / "con\0fig"}.get(kind, path)
    with pytest.raises(ConfigError, match="the file"):
        read_text(path)


def test_an_operators_file_that_anybody_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("default_tier: cheap\n")
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        create_llm_registry(file)
    file.chmod(0o644)
    create_llm_registry(file).close()


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("default_tier: cheap\n", encoding="utf-8-sig")
    assert Source.of_operator(file).value == {"default_tier": "cheap"}


OUTSIDE = [
    "", ".", "..", "../x", "../../etc/x", "/etc/passwd", "a/b", "a\\b", "..\\x", "..%2f", "%2e%2e", "a/../b", "~",
    "~root", "CON", "con", "nul", "prn.txt", "aux", "com1", "lpt9", "com1.x", "Bob", "bOb", "\ufb01le", "\u0131d",
    "\uff41da",
    "ada\u200b", "ada ", " ada", "ada.", ".ada", "a..b", "ada\n", "ada\0", "ada\t", "a:b", "c:", "c:x", "a*", "a?",
    "a|b",
    'a"b', "a<b", "a>b", "a$b", "$HOME", "${HOME}", "-rf", "_x", "@x", "a" * 101, "a" * 10_000, "\u202eada", "a\u0301",
    "\u00e9", "a;b", "a&b", "a'b", "a`b", "!a", "#a",
]  # fmt: skip


@pytest.mark.parametrize("user_id", OUTSIDE)
def test_a_users_id_never_leads_out_of_the_folder_nor_to_another_user(user_id: str, tmp_path: Path) -> None:
    """Case 95: sixty ids, and nothing outside of the folder is opened."""
    with pytest.raises(ConfigError):
        read_member(tmp_path, user_id)


def test_there_are_sixty_such_ids() -> None:
    assert len(OUTSIDE) >= 60


@pytest.mark.parametrize("user_id", ["ada", "researcher-john", "ada.lovelace", "ada@x.example", "user_7", "7"])
def test_a_plain_id_names_its_file(user_id: str, tmp_path: Path) -> None:
    check_file_name(user_id)
    (tmp_path / f"{user_id}.yaml").write_text("{}")
    assert read_member(tmp_path, user_id) == (tmp_path / f"{user_id}.yaml", "{}")


def test_a_link_out_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    """Case 95: a user's file is one of the folder."""
    secret = tmp_path / "secret.yaml"
    secret.write_text("{}")
    folder = tmp_path / "users"
    folder.mkdir()
    (folder / "ada.yaml").symlink_to(secret)
    with pytest.raises(ConfigError, match="symbolic link"):
        read_member(folder, "ada")


def test_of_two_files_for_one_user_none_is_guessed(tmp_path: Path) -> None:
    for ending in ("yaml", "json"):
        (tmp_path / f"ada.{ending}").write_text("{}")
    with pytest.raises(ConfigError, match=r"ada\.yaml and ada\.json"):
        read_member(tmp_path, "ada")
