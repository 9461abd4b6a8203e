"""A user's own file: named experiments, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from langchain_lucky_models.budgets.budget import Budget
from langchain_lucky_models.errors.base import ConfigError, InvalidRefError
from langchain_lucky_models.refs import ExperimentName, parse_name
from langchain_lucky_models.settings.accounts import OwnBudget
from langchain_lucky_models.settings.base import Settings, Texts, check_lines, check_manner, check_name, row_of, rows_of
from langchain_lucky_models.shares import share_of

LARGEST_SHARE = 1_000_000


class ExperimentDefaults(Settings):
    """What every experiment of a user begins with.

    Attributes:
        strategy: How models are asked.
        params: What every model is given, such as `temperature`.
        tags: Words that every run carries.
    """

    strategy: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    tags: Texts = ()

    def model_post_init(self, _context: object, /) -> None:
        """Refuse unknown strategies and connections at once."""
        check_manner(self.strategy, self.params)


class VariantConfig(ExperimentDefaults):
    """One side of an A/B experiment, put over what the experiment itself says.

    Attributes:
        models: Instead of the experiment's.
        share: How many get it, in relation to the other variants' shares; 0 is nobody who does not ask for it.
    """

    models: Texts = ()
    share: Annotated[float, Field(ge=0, le=LARGEST_SHARE, allow_inf_nan=False)] = 1

    def model_post_init(self, context: object, /) -> None:
        """Refuse malformed names too."""
        if "models" in self.model_fields_set:
            check_lines(self.models, _parse_asked)
        super().model_post_init(context)


class ExperimentConfig(ExperimentDefaults):
    """One experiment: whom to ask, how, and with what.

    Attributes:
        models: What `user.model()` takes: refs, bare names, `tier:cheap`. May be left to variants.
        variants: The sides of an A/B experiment; the user's id, or the subject's, decides who gets which.
        budget: What all its calls together may cost: dollars, or a mapping with a limit and a window.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["models"]}, {"required": ["variants"]}]})

    models: Texts = ()
    variants: Annotated[dict[str, VariantConfig], rows_of(VariantConfig, "variants")] = Field(default_factory=dict)
    budget: OwnBudget = None

    def model_post_init(self, context: object, /) -> None:
        """Refuse malformed names too, and variants among which nobody can be shared out."""
        self._check_variants()
        if self.models or not self.variants:
            check_lines(self.models, _parse_asked)
        super().model_post_init(context)

    def _check_variants(self) -> None:
        if not self.variants and "models" not in self.model_fields_set:
            raise ConfigError("models is missing.", field="models")
        for name, variant in self.variants.items():
            check_name(name, "variants")
            if not self.models and not variant.models:
                raise ConfigError(
                    f"variants.{name}.models is missing: neither the variant nor its experiment names any.",
                    field=f"variants.{name}",
                )
        if self.variants and not any(variant.share for variant in self.variants.values()):
            raise ConfigError("variants: every share is 0; nobody would get any of them.", field="variants")

    def beginning_with(self, defaults: ExperimentDefaults) -> ExperimentConfig:
        """The same experiment on top of defaults: its own strategy and parameters win, tags are added."""
        return _over(defaults, self, models=self.models, variants=self.variants, budget=self.budget)

    def variant_of(self, subject: str, name: str) -> str | None:
        """The variant that somebody gets of the experiment of this name; the same one every time.

        Everybody stands somewhere between 0 and 1 (`shares.share_of`), and the variants divide that line among them in
        the order in which they are written.

        Example:
            >>> config = ExperimentConfig.read({"models": ["gpt-4o"], "variants": {"a": {"share": 3}, "b": {}}})
            >>> [config.variant_of(f"user-{number}", "polite") for number in range(8)]
            ['a', 'a', 'a', 'a', 'a', 'b', 'a', 'b']
        """
        shares = {variant: row.share for variant, row in self.variants.items() if row.share}
        point, end = share_of(subject, name) * sum(shares.values()), 0.0
        for variant, share in shares.items():
            end += share
            if point < end:
                return variant
        return next(reversed(shares), None)

    def as_variant(self, variant: str) -> ExperimentConfig:
        """The experiment as somebody gets it who gets that variant."""
        own = self.variants[variant]
        return _over(self, own, models=own.models or self.models, budget=self.budget)


def _over(below: ExperimentDefaults, above: ExperimentDefaults, **rest: Any) -> ExperimentConfig:
    """One layer upon another: the upper one's strategy and parameters win, tags are added."""
    return ExperimentConfig(
        strategy=above.strategy or below.strategy,
        params={**below.params, **above.params},
        tags=tuple(dict.fromkeys([*below.tags, *above.tags])),
        **rest,
    )


class UserConfig(Settings):
    """A user's own settings.

    Attributes:
        defaults: What every experiment begins with.
        experiments: Experiments by name.

    Example:
        >>> config = UserConfig.read({"experiments": {"both": {"models": ["gpt-4o", "tier:cheap"]}}})
        >>> config.experiment("both").models
        ('gpt-4o', 'tier:cheap')
    """

    defaults: Annotated[ExperimentDefaults, row_of(ExperimentDefaults, "defaults")] = Field(
        default_factory=ExperimentDefaults
    )
    experiments: Annotated[dict[str, ExperimentConfig], rows_of(ExperimentConfig, "experiments")] = Field(
        default_factory=dict
    )

    def model_post_init(self, _context: object, /) -> None:
        """Refuse names that nobody could type."""
        for name in self.experiments:
            check_name(name, "experiments")

    def experiment(self, name: str) -> ExperimentConfig | None:
        """The experiment of that name, defaults filled in."""
        own = self.experiments.get(name)
        return own.beginning_with(self.defaults) if own is not None else None

    def budgets(self, user_id: str) -> list[Budget]:
        """What the experiments may cost, where they say so, under the names that records know them by."""
        rows = [(str(ExperimentName(user_id, name)), row.budget) for name, row in self.experiments.items()]
        return [budget.budget(name) for name, budget in rows if budget is not None]


def schema_of(kind: type[Settings]) -> Mapping[str, Any]:
    """The JSON schema of a file, by which editors complete and check it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}


def _parse_asked(line: str) -> object:
    name = parse_name(line)
    if isinstance(name, ExperimentName):
        raise InvalidRefError(f"{line!r} is an experiment; an experiment names models and tiers.")
    return name
