"""How fast a model answers at its provider: median tokens a second, measured there and nowhere else.

The statistics are one sample of half an hour, and every speed names it. A speed depends on the model's own id and on
the sample, never on the other models asked about.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self

from catalog_build.scores.benchmarks import SNAPSHOTS, snapshot_date
from catalog_build.scores.model import ScoredModel
from catalog_build.scores.names import Names
from langchain_lucky_models.catalog.entry import Speed, SpeedRating

SAMPLE = "openrouter-endpoints"
ENDPOINTS = "openrouter_speed/endpoints.csv"
RULES = Path(__file__).with_name("speed.toml")

ROUTER = "openrouter"
"""The provider that spreads a model's requests over the endpoints of all the others."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as measured, and what is called fast; `speed.toml` says why."""

    window: str
    fewest_requests: int
    fewest_models: int
    fast: float
    medium: float
    deferred: tuple[str, ...]
    providers: Mapping[str, str]

    @classmethod
    def read(cls, path: Path = RULES) -> Self:
        """Read the rules."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(**{**table, "deferred": tuple(table["deferred"])})

    def rating(self, tokens_per_second: float) -> SpeedRating:
        """What so many tokens a second are called."""
        if tokens_per_second >= self.fast:
            return "fast"
        return "medium" if tokens_per_second >= self.medium else "slow"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one provider, as measured in the window."""

    id: str
    provider: str
    tokens_per_second: float
    first_token_ms: float
    requests: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one model answers at one provider, over all its endpoints there."""

    tokens_per_second: float
    first_token_ms: float

    @classmethod
    def of(cls, endpoints: Sequence[Endpoint]) -> Self:
        """The median over the endpoints, each counted as often as it was asked."""
        return cls(
            weighted_median([(endpoint.tokens_per_second, endpoint.requests) for endpoint in endpoints]),
            weighted_median([(endpoint.first_token_ms, endpoint.requests) for endpoint in endpoints]),
        )


Paces = Mapping[str, Mapping[str, Pace]]
"""Catalog provider → key of a model → its pace there. The router's own keys are its ids, to the letter."""


def speed_of(models: Sequence[ScoredModel]) -> dict[str, Speed]:
    """The speed of every model that was measured, or whose provider was, by ref."""
    stopwatch = Stopwatch.read()
    return {model.ref: speed for model in models if (speed := stopwatch.speed(model))}


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """What a speed is made of: the rules, the names, and the paces of the sample."""

    rules: Rules
    names: Names
    paces: Paces
    source: str

    @classmethod
    def read(cls, snapshots: Path = SNAPSHOTS) -> Self:
        """Read the rules and the committed sample."""
        rules, names = Rules.read(), Names.read()
        source = f"{SAMPLE}/{snapshot_date(ENDPOINTS, snapshots)}/{rules.window}"
        return cls(rules, names, paces_of(_endpoints(snapshots), rules, names), source)

    def speed(self, model: ScoredModel) -> Speed | None:
        """The speed measured at the provider, else that of the undated model, else the provider's median, else none."""
        paces = self.paces.get(model.provider, {})
        if not model.is_text or model.model.endswith(self.rules.deferred):
            return None
        key = model.model if model.provider == ROUTER else self.names.key(model.model)
        if pace := paces.get(key):
            return self._measured(pace)
        if pace := paces.get(self.names.undated(key)):
            return self._estimated(pace.tokens_per_second, "undated")
        if not self._is_usual(key, paces):
            return None
        return self._estimated(median(pace.tokens_per_second for pace in paces.values()), "provider-median")

    def _is_usual(self, key: str, paces: Mapping[str, Pace]) -> bool:
        return len(paces) >= self.rules.fewest_models and self.names.is_rated(key) and not self.names.is_mode(key)

    def _measured(self, pace: Pace) -> Speed:
        return Speed(
            rating=self.rules.rating(pace.tokens_per_second),
            p50_tps=pace.tokens_per_second,
            ttft_ms=pace.first_token_ms,
            evidence="measured",
            source=self.source,
        )

    def _estimated(self, tokens_per_second: float, way: str) -> Speed:
        return Speed(
            rating=self.rules.rating(tokens_per_second),
            p50_tps=tokens_per_second,
            evidence="estimated",
            source=f"{self.source}/{way}",
        )


def paces_of(endpoints: Iterable[Endpoint], rules: Rules, names: Names) -> Paces:
    """The pace of every model that was asked often enough, at every provider of the catalog."""
    served = {name: provider for provider, name in rules.providers.items()}
    found: dict[str, dict[str, list[Endpoint]]] = {provider: {} for provider in (ROUTER, *rules.providers)}
    for endpoint in endpoints:
        if endpoint.requests < rules.fewest_requests:
            continue
        found[ROUTER].setdefault(endpoint.id, []).append(endpoint)
        if provider := served.get(endpoint.provider):
            found[provider].setdefault(names.key(endpoint.id), []).append(endpoint)
    return {
        provider: {key: Pace.of(endpoints) for key, endpoints in models.items()} for provider, models in found.items()
    }


def weighted_median(values: Sequence[tuple[float, int]]) -> float:
    """The value that half of the weight does not exceed.

    Example:
        >>> weighted_median([(30.0, 10), (50.0, 100), (90.0, 20)])
        50.0
    """
    half = sum(weight for _, weight in values) / 2
    passed = 0
    for value, weight in sorted(values):
        passed += weight
        if passed >= half:
            return value
    raise ValueError("there is no median of nothing")


def _endpoints(snapshots: Path) -> Iterable[Endpoint]:
    with (snapshots / ENDPOINTS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            figures = float(row["p50_tps"]), float(row["ttft_ms"]), int(row["requests"])
            yield Endpoint(row["id"], row["provider"], *figures)
