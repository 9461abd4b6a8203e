"""A user's own file: named experiments, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from langchain_lucky_models.errors.base import InvalidRefError
from langchain_lucky_models.refs import ExperimentName, parse_name
from langchain_lucky_models.settings.base import Settings, Texts, check_lines, check_manner, check_name, row_of, rows_of


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


class ExperimentConfig(ExperimentDefaults):
    """One experiment: whom to ask, how, and with what.

    Attributes:
        models: What `user.model()` takes: refs, bare names, `tier:cheap`.
    """

    models: Texts

    def model_post_init(self, context: object, /) -> None:
        """Refuse malformed names too."""
        check_lines(self.models, _parse_asked)
        super().model_post_init(context)

    def beginning_with(self, defaults: ExperimentDefaults) -> ExperimentConfig:
        """The same experiment on top of defaults: its own strategy and parameters win, tags are added."""
        return ExperimentConfig(
            strategy=self.strategy or defaults.strategy,
            models=self.models,
            params={**defaults.params, **self.params},
            tags=tuple(dict.fromkeys([*defaults.tags, *self.tags])),
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


def schema_of(kind: type[Settings]) -> Mapping[str, Any]:
    """The JSON schema of a file, by which editors complete and check it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}


def _parse_asked(line: str) -> object:
    name = parse_name(line)
    if isinstance(name, ExperimentName):
        raise InvalidRefError(f"{line!r} is an experiment; an experiment names models and tiers.")
    return name
