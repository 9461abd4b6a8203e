"""How capable a model is, on one frozen scale, and how far to believe it.

A score depends on the model's own name and facts and on the snapshots, never on the other models asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_build.scores.benchmarks import Figures, Measurements
from catalog_build.scores.model import ScoredModel
from catalog_build.scores.names import Names
from catalog_build.scores.scale import Scale
from langchain_lucky_models.catalog.entry import Intelligence

Evidence = Literal["measured", "single", "inherited"]


def intelligence_of(models: Sequence[ScoredModel]) -> dict[str, Intelligence]:
    """The intelligence of every model that has evidence for one, by ref."""
    names = Names.read()
    judge = Judge(names, Measurements.read(names), Scale.read())
    return {model.ref: intelligence for model in models if (intelligence := judge.intelligence(model))}


@dataclass(frozen=True, slots=True)
class Judge:
    """What a score is made of: the names, the figures, the scale."""

    names: Names
    measurements: Measurements
    scale: Scale

    def intelligence(self, model: ScoredModel) -> Intelligence | None:
        """The measured intelligence of a model, else the inherited, else the estimated, else none."""
        if not model.is_text:
            return None
        for key in self._keys(model):
            if figures := self.measurements.figures.get(key):
                return self._measured(model, key, figures)
        return self._estimated(model)

    def _keys(self, model: ScoredModel) -> Iterator[str]:
        yield from self.names.keys(model.model)
        if model.base and not self.names.is_tag(model.model, model.base):
            yield from self.names.keys(model.base)

    def _measured(self, model: ScoredModel, key: str, figures: Figures) -> Intelligence:
        evidence = self._evidence(model, key, figures)
        return Intelligence(
            score=float(self.scale.score(self.scale.index(figures))),
            evidence=evidence,
            scale=self.scale.name,
            sources=self.measurements.sources(figures),
            base=key if evidence == "inherited" else None,
        )

    def _evidence(self, model: ScoredModel, key: str, figures: Figures) -> Evidence:
        if key != self.names.key(model.model) or not self.names.is_made_by(key, model.provider):
            return "inherited"
        return "measured" if len(figures) > 1 else "single"

    def _estimated(self, model: ScoredModel) -> Intelligence | None:
        if not self.names.is_rated(self.names.key(model.model)):
            return None
        if model.release_date is None or model.reasoning is None or model.open_weights is None:
            return None
        if model.output_price is None or model.output_price <= 0:
            return None  # what is free, or has no price, cannot be told by its price
        regression = self.scale.regression
        index = regression.index(
            model.output_price, model.release_date, reasoning=model.reasoning, open_weights=model.open_weights
        )
        return Intelligence(
            score=float(self.scale.estimate(index)),
            evidence="estimated",
            scale=self.scale.name,
            method=regression.method,
            interval=float(regression.interval),
        )
