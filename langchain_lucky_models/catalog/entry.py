"""What the catalog knows about a model: `ModelEntry` and its parts, all frozen.

Every price is in US dollars for a million tokens, exact. `None` always means "not known", never zero.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from langchain_lucky_models.refs import ModelRef

Rate = Annotated[
    Decimal,
    Field(ge=0, le=Decimal(1_000_000), allow_inf_nan=False),
    PlainSerializer(lambda value: format(value.normalize(), "f"), return_type=str, when_used="json"),
]
"""Dollars for a million tokens."""

Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]
State = Literal["available", "preview", "deprecated", "retired"]
PriceState = Literal["priced", "free", "dynamic", "unknown", "local"]
PriceBasis = Literal["list", "lowest_endpoint", "local"]
Support = bool | Literal["some_endpoints"] | None
"""True, False, only at some of the endpoints behind the id, or not known."""
SpeedRating = Literal["fast", "medium", "slow"]


class Part(BaseModel):
    """A frozen piece of an entry; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    def __copy__(self) -> Self:
        """A copy without what was worked out from the fields: `model_copy(update=…)` goes on to change them."""
        twin = super().__copy__()
        for name in twin.__dict__.keys() - type(self).model_fields.keys():
            del twin.__dict__[name]
        return twin


class Status(Part):
    """Where a model stands in its life."""

    state: State = "available"
    deprecated_on: dt.date | None = None
    shutdown_on: dt.date | None = None
    replacement: str | None = Field(default=None, description="The ref to use instead.")


class TokenLimits(Part):
    """How many tokens go in, come out, and fit together."""

    context: Tokens | None = None
    input: Tokens | None = None
    output: Tokens | None = None


class Modalities(Part):
    """What kinds of content go in and come out: text, image, audio, video, pdf."""

    input: tuple[str, ...] = ("text",)
    output: tuple[str, ...] = ("text",)


class Capabilities(Part):
    """What the model can do; `None` where nobody says."""

    tools: Support = None
    vision: Support = None
    streaming: Support = None
    json_mode: Support = None
    json_schema: Support = None
    reasoning: Support = None
    temperature: Support = None
    prompt_cache: Support = None
    batch: Support = None
    web_search: Support = None
    pdf: Support = None
    audio: Support = None


class Rates(Part):
    """Prices of one condition. A missing cache price is billed as input, a missing reasoning price as output."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = Field(default=None, description="Writing to a cache kept for five minutes.")
    cache_write_1h: Rate | None = Field(default=None, description="Writing to a cache kept for an hour.")
    reasoning: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None
    audio_cache_read: Rate | None = None
    image_input: Rate | None = None
    image_output: Rate | None = None
    request: Rate | None = Field(default=None, description="Dollars for each request.")

    @cached_property
    def stated(self) -> dict[str, Decimal]:
        """The prices that are known, by their names; looked up for every answer, so collected once."""
        return {name: rate for name in Rates.model_fields if (rate := getattr(self, name)) is not None}


class PriceTier(Rates):
    """Rates for the whole request once its prompt is longer than `above` tokens (strictly)."""

    above: int = Field(ge=1)


class PriceWindow(Rates):
    """Rates that hold at certain hours of the day, in UTC; `until` may lie past midnight."""

    start: dt.time
    until: dt.time


class PriceModes(Part):
    """Rates of other service levels; each replaces the standard rates it names, and rises with them in a tier."""

    batch: Rates | None = None
    flex: Rates | None = None
    priority: Rates | None = None


class PricePeriod(Rates):
    """The prices from one day to another: `start` is the first day they hold, `until` the first they do not."""

    start: dt.date | None = None
    until: dt.date | None = None
    tiers: tuple[PriceTier, ...] = ()
    modes: PriceModes = PriceModes()
    schedule: tuple[PriceWindow, ...] = ()


class Intelligence(Part):
    """How capable the model is, from 1 to 10, and how far to believe it."""

    score: float = Field(ge=1, le=10)
    evidence: Literal["measured", "single", "inherited", "estimated"]
    scale: str
    sources: tuple[tuple[str, str], ...] = Field(default=(), description="(benchmark, its date) pairs.")
    base: str | None = Field(default=None, description="The model it was measured on, where inherited.")
    method: str | None = None
    interval: float | None = Field(default=None, description="Half the width of the estimate, in points.")


class Speed(Part):
    """How fast it answers at this provider."""

    rating: SpeedRating
    p50_tps: float | None = Field(default=None, gt=0, description="Median tokens a second.")
    ttft_ms: float | None = Field(default=None, ge=0, description="Median time to the first token.")
    evidence: Literal["measured", "estimated"]
    source: str


class RateLimits(Part):
    """The provider's published limits of its entry plan."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_day: int | None = Field(default=None, ge=1)
    plan: str | None = None


class ModelEntry(Part):
    """Everything the catalog knows about one model at one provider."""

    provider: str
    id: str
    name: str | None = None
    family: str | None = None
    version: str | None = Field(default=None, description="The version within the family, such as 5.4.")
    aliases: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = Field(default=(), description="Dated ids that mean this model at this price.")
    base: str | None = Field(default=None, description="The id this one is a variant of.")
    release_date: dt.date | None = None
    knowledge_cutoff: str | None = None
    open_weights: bool | None = None
    status: Status = Status()
    limits: TokenLimits = TokenLimits()
    modalities: Modalities = Modalities()
    capabilities: Capabilities = Capabilities()
    pricing: tuple[PricePeriod, ...] = ()
    price_state: PriceState = "unknown"
    price_basis: PriceBasis | None = None
    intelligence: Intelligence | None = None
    speed: Speed | None = None
    rate_limits: RateLimits | None = None
    tags: tuple[str, ...] = ()
    prov: dict[str, tuple[int | str, ...]] = Field(
        default_factory=dict, description="Field → indexes into the artefact's table of sources, and remarks."
    )

    @cached_property
    def ref(self) -> ModelRef:
        """The entry's ref."""
        return ModelRef(self.provider, self.id)
