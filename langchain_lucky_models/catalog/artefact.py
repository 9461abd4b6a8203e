"""The form of the packaged catalog file: one JSON object, gzipped."""

from __future__ import annotations

from pydantic import Field

from langchain_lucky_models.catalog.entry import ModelEntry, Part

SCHEMA_VERSION = 1


class Source(Part):
    """Where facts came from."""

    name: str
    version: str | None = None
    date: str
    sha256: str | None = None
    licence: str
    url: str | None = None


class Migration(Part):
    """An id that was renamed, moved or retired."""

    old: str = Field(description="The ref that was stored.")
    new: str | None = Field(description="The ref to use now, where there is one.")
    kind: str = Field(description="renamed, moved or retired.")
    automatic: bool = Field(description="Whether a stored ref may follow without asking: same model, same price.")
    on: str | None = Field(default=None, description="The day it happened, as an ISO date.")
    reason: str = ""


class Head(Part):
    """Everything but the models: it can be checked without knowing what a model is."""

    schema_version: int = SCHEMA_VERSION
    as_of: str = Field(description="The newest date of any source.")
    sources: tuple[Source, ...]
    migrations: tuple[Migration, ...] = ()


class Artefact(Head):
    """The whole file."""

    models: tuple[ModelEntry, ...]
