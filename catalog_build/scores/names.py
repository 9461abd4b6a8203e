"""Which published row is which model: one key for all spellings, and never a guess.

A key equals another key or it does not; nothing is matched by prefix or by part. What no rule of spelling can know
stands in `names.toml`.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TABLES = Path(__file__).with_name("names.toml")

_EFFORT = r"(?:none|minimal|low|medium|high|xhigh|max|unknown|default)(?:-effort)?"
_THINKING = r"(?:no-?|non-|high)?think(?:ing)?(?:-(?:auto|minimal|tokens))?"
_CONFIGURATION = re.compile(rf"(.+?)-\(?(?:{_EFFORT}|{_THINKING}|\d+k)\)?")
"""How hard a model was made to think, as benchmarks write it behind the name: one word of it."""

_VERSION = re.compile(r"(?<![\d.])(?<!\d-)(\d{1,2})-(\d{1,2})(?![\da-z.])")
_WORD = re.compile(r"[-:@]")
_DATED = re.compile(r"(.+)-(\d{4})-?(\d{2})-?(\d{2})")


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of what spelling alone cannot tell.

    Attributes:
        same: Spellings of one model → its key.
        snapshots: Snapshots whose date is no calendar date, and fixed aliases → the key of their model.
        whole: Names that end like a configuration and have none.
        apart: Dated snapshots that are models of their own.
        ignored: Benchmark → rows of it that would say something about another model.
        unrated: Words in the keys of models that do not converse: classifiers, speech, pictures.
        suffixes: What a provider appends to an id to serve the same model otherwise.
        modes: First word of a key → endings that name the same model served otherwise.
        makers: Provider → first words of the keys of its own models.
    """

    same: Mapping[str, str]
    snapshots: Mapping[str, str]
    whole: frozenset[str]
    apart: frozenset[str]
    ignored: Mapping[str, frozenset[str]]
    unrated: frozenset[str]
    suffixes: tuple[str, ...]
    modes: Mapping[str, tuple[str, ...]]
    makers: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, path: Path = TABLES) -> Self:
        """Read the tables."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            same=table["same"],
            snapshots=table["snapshots"],
            whole=frozenset(table["whole"]),
            apart=frozenset(table["apart"]),
            ignored=_sets(table["ignored"]),
            unrated=frozenset(table["unrated"]),
            suffixes=tuple(table["suffixes"]),
            modes={word: tuple(endings) for word, endings in table["modes"].items()},
            makers=_sets(table["makers"]),
        )

    def published(self, name: str, benchmark: str) -> str | None:
        """The key of the model that a benchmark's row is about, whatever its configuration and date."""
        text = _plain(name).rpartition("/")[2]
        if text in self.ignored.get(benchmark, frozenset()):
            return None
        while text not in self.whole and text not in self.same and (found := _CONFIGURATION.fullmatch(text)):
            text = found.group(1)
        return self.undated(self.key(text))

    def key(self, model: str) -> str:
        """The key of exactly the model that is written, its date included."""
        text = _plain(model)
        if text in self.same:
            return self.same[text]
        text = _VERSION.sub(r"\1.\2", text.rpartition("/")[2])
        return self.same.get(text, text)

    def keys(self, model: str) -> tuple[str, ...]:
        """The key of a model, then those of the models it is a variant of, nearest first."""
        bare = self.key(self._without_suffix(model))
        undated = self.undated(bare)
        return tuple(dict.fromkeys((self.key(model), bare, undated, self._without_mode(undated))))

    def undated(self, key: str) -> str:
        """The key of the model that a dated key is a snapshot of; other keys stay as they are."""
        if key in self.apart:
            return key
        return self.snapshots.get(key) or _without_date(key)

    def is_tag(self, model: str, base: str) -> bool:
        """Whether a tag alone parts the model from its base, as it parts sizes: `qwen3:4b` is not `qwen3`."""
        return self._without_suffix(model).startswith(f"{base}:")

    def is_mode(self, key: str) -> bool:
        """Whether the key names a model that is served otherwise than usual: faster, or made to think longer."""
        undated = self.undated(key)
        return self._without_mode(undated) != undated

    def is_rated(self, key: str) -> bool:
        """Whether what is usual for models tells anything about this one: it does for those that converse."""
        return self.unrated.isdisjoint(_WORD.split(key))

    def is_made_by(self, key: str, provider: str) -> bool:
        """Whether the provider serves the model as its maker, not as one of its hosts."""
        return key.partition("-")[0] in self.makers.get(provider, frozenset())

    def _without_suffix(self, model: str) -> str:
        return next((model.removesuffix(suffix) for suffix in self.suffixes if model.endswith(suffix)), model)

    def _without_mode(self, key: str) -> str:
        endings = self.modes.get(key.partition("-")[0], ())
        return next((key.removesuffix(ending) for ending in endings if key.endswith(ending)), key)


def _plain(name: str) -> str:
    return re.sub(r"[ _]+", "-", name.strip().lower())


def _without_date(key: str) -> str:
    found = _DATED.fullmatch(key)
    if not found:
        return key
    name, *date = found.groups()
    try:
        dt.date(*map(int, date))
    except ValueError:
        return key  # eight digits that no calendar has are part of the name
    return name


def _sets(table: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(words) for name, words in table.items()}
