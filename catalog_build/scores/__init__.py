"""How capable and how fast models are: derived from published measurements, each with its evidence."""

from __future__ import annotations

from catalog_build.scores.benchmarks import BENCHMARKS
from catalog_build.scores.intelligence import intelligence_of
from catalog_build.scores.model import ScoredModel
from catalog_build.scores.speed import SAMPLE, speed_of

__all__ = ["SOURCES", "ScoredModel", "intelligence_of", "speed_of"]

SOURCES = (*BENCHMARKS, SAMPLE)
"""The snapshots the scores are made of, by their names in `snapshots/sources.toml`."""
