"""Links in a users' folder: those that platforms mount are read, and none leads out, whenever it is exchanged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.settings.reading import read_member, read_members

OWN, SECRET = "defaults: {}", "the secret of somebody else"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside a file that is none of its business."""
    made = tmp_path / "users"
    (made / "deep" / "deeper").mkdir(parents=True)
    (made / "deep" / "deeper" / "ada.yaml").write_text(OWN)
    (tmp_path / "secret.yaml").write_text(SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "ada.yaml").write_text(SECRET)
    return made


@pytest.mark.parametrize(
    "links",
    [
        {"ada.yaml": "deep/deeper/ada.yaml"},
        {"ada.yaml": "./deep//deeper/ada.yaml"},
        {"ada.yaml": "..data/ada.yaml", "..data": "deep/deeper"},
        {"ada.yaml": "..data/ada.yaml", "..data": "..now", "..now": "deep/deeper"},
    ],
    ids=["down", "down with dots", "as mounted", "over two links"],
)
def test_a_link_that_leads_further_down_is_followed(folder: Path, links: dict[str, str]) -> None:
    for name, target in links.items():
        (folder / name).symlink_to(target)
    assert read_members(folder) == {"ada": (folder / "ada.yaml", OWN)}
    assert read_member(folder, "ada") == (folder / "ada.yaml", OWN)


@pytest.mark.parametrize(
    "links",
    [
        {"ada.yaml": "../secret.yaml"},
        {"ada.yaml": "/etc/hostname"},
        {"ada.yaml": "deep/../../secret.yaml"},
        {"ada.yaml": "deep/../deep/deeper/ada.yaml"},
        {"ada.yaml": "..data/ada.yaml", "..data": "../outside"},
        {"ada.yaml": "ada.yaml"},
        {"ada.yaml": "a", "a": "b", "b": "ada.yaml"},
        {"ada.yaml": "deep"},
        {"ada.yaml": "none"},
        {"ada.yaml": "."},
    ],
    ids=[
        "up",
        "from the root",
        "down and up",
        "up within",
        "a folder up",
        "itself",
        "a circle",
        "to a folder",
        "gone",
        "here",
    ],
)
def test_a_link_that_leads_anywhere_else_is_refused(folder: Path, links: dict[str, str]) -> None:
    """Case 95: out of the folder, in a circle, or to what is no file."""
    for name, target in links.items():
        (folder / name).symlink_to(target)
    with pytest.raises(ConfigError, match=r"ada\.yaml"):
        read_member(folder, "ada")


@pytest.mark.parametrize("worst", ["ada.yaml", "now"], ids=["the file", "a folder on the way"])
def test_what_is_exchanged_between_the_check_and_the_opening_leads_nowhere(
    folder: Path, worst: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 95: whoever writes in the folder is faster, at the very worst moment."""
    (folder / "now").mkdir()
    if worst == "now":
        (folder / "now" / "ada.yaml").write_text(OWN)
        (folder / "ada.yaml").symlink_to("now/ada.yaml")
    else:
        (folder / "ada.yaml").write_text(OWN)
    assert read_member(folder, "ada")[1] == OWN
    checked = os.readlink

    def read_link(name: str, *, dir_fd: int) -> str:
        try:
            return checked(name, dir_fd=dir_fd)
        finally:
            if name == worst:
                (folder / worst).rename(folder / "gone")
                (folder / worst).symlink_to(folder.parent / ("outside" if worst == "now" else "secret.yaml"))

    monkeypatch.setattr(os, "readlink", read_link)
    with pytest.raises(ConfigError, match=r"ada\.yaml") as caught:
        read_member(folder, "ada")
    assert SECRET not in str(caught.value)
    assert (folder / "gone").exists()


def test_nothing_stays_open(folder: Path) -> None:
    (folder / "ada.yaml").symlink_to("..data/ada.yaml")
    (folder / "..data").symlink_to("deep/deeper")
    (folder / "bob.yaml").symlink_to("../secret.yaml")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        read_member(folder, "ada")
        with pytest.raises(ConfigError):
            read_member(folder, "bob")
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 50
