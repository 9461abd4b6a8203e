"""What is said of a broken configuration, word by word: file, line, column, field, and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from langchain_lucky_models import UserConfig, create_llm_registry
from langchain_lucky_models.errors import ConfigError
from langchain_lucky_models.settings import Source

CASES: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("broken.yaml").read_text(encoding="utf-8"))

READERS: dict[str, Callable[[str], object]] = {
    "registry": create_llm_registry,
    "user": lambda path: Source.of_user(path).settings(UserConfig),
}


@pytest.mark.filterwarnings("ignore:.*api_key stands in the file:UserWarning")
@pytest.mark.parametrize("broken", CASES, ids=[case["case"] for case in CASES])
def test_a_broken_configuration_is_explained(
    broken: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases 93 and 94: where it stands, what was expected, what is near."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(broken["text"], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        READERS[broken["of"]]("config.yaml")
    assert str(caught.value) == broken["says"]
    assert broken["says"].startswith(f"config.yaml:{caught.value.line}:{caught.value.column}: ")


def test_there_are_more_than_fifty_of_them() -> None:
    assert len({case["text"] for case in CASES}) > 50
