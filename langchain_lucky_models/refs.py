"""What a user may type to name a model: refs, bare names, tiers, experiments, wildcards.

Parsing only. Whether the model exists, and whether this user may have it, is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from langchain_lucky_models.errors.base import InvalidRefError

SEPARATOR = "#"
LONGEST_NAME = 300

_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_MODEL = re.compile(r"[!-~]+")
_FORM = "Write it as provider#model, for example openai#gpt-4o."


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """The one spelling of a model: `provider#model`.

    Attributes:
        provider: The service that answers, in lower case.
        model: The provider's own id of the model, to the letter.

    Example:
        >>> ref = ModelRef.parse("openrouter#openai/gpt-4o")
        >>> ref.provider, ref.model, ref.last_part
        ('openrouter', 'openai/gpt-4o', 'gpt-4o')
        >>> str(ref)
        'openrouter#openai/gpt-4o'
    """

    provider: str
    model: str

    def __post_init__(self) -> None:
        _check_provider(self.provider, str(self))
        _check_model(self.model, str(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `provider#model`; the first `#` separates.

        Raises:
            InvalidRefError: The text has another form.
        """
        _check_text(text)
        provider, separator, model = text.partition(SEPARATOR)
        if not separator:
            raise InvalidRefError(f"{text!r} names no provider. {_FORM}")
        return cls(provider, model)

    @property
    def last_part(self) -> str:
        """What stands behind the last slash: `gpt-4o` of `openai/gpt-4o`."""
        return self.model.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.provider}{SEPARATOR}{self.model}"


@dataclass(frozen=True, slots=True)
class BareName:
    """A model without its provider: `gpt-4o`, or `openai/gpt-4o`."""

    text: str

    def __post_init__(self) -> None:
        _check_model(self.text, self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class TierName:
    """`tier:cheap`."""

    tier: str

    def __post_init__(self) -> None:
        _check_visible(str(self))

    def __str__(self) -> str:
        return f"tier:{self.tier}"


@dataclass(frozen=True, slots=True)
class ExperimentName:
    """`user:ada:local_first`, or one of its variants: `user:ada:local_first@b`."""

    user_id: str
    experiment: str
    variant: str | None = None

    def __post_init__(self) -> None:
        _check_visible(str(self))

    def __str__(self) -> str:
        return self.whole if self.variant is None else f"{self.whole}@{self.variant}"

    @property
    def whole(self) -> str:
        """The experiment's own name, without the variant."""
        return f"user:{self.user_id}:{self.experiment}"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`openai#*` (every model of a provider) or `*` (every model); for allowlists only."""

    provider: str | None = None

    def matches(self, ref: ModelRef) -> bool:
        """Whether the ref falls under this wildcard."""
        return self.provider is None or self.provider == ref.provider

    def __str__(self) -> str:
        return "*" if self.provider is None else f"{self.provider}{SEPARATOR}*"


TypedName = ModelRef | BareName | TierName | ExperimentName
AllowedName = ModelRef | Wildcard


def parse_name(text: str) -> TypedName:
    """Read what a user typed where one model, tier or experiment is meant.

    Raises:
        InvalidRefError: The text has none of the forms, or is a wildcard.

    Example:
        >>> parse_name("tier:cheap")
        TierName(tier='cheap')
        >>> parse_name("gpt-4o")
        BareName(text='gpt-4o')
    """
    _check_text(text)
    if text.startswith("tier:"):
        return TierName(_part(text, "tier:"))
    if text.startswith("user:"):
        return _experiment(text)
    if text == "*" or text.endswith(SEPARATOR + "*"):
        raise InvalidRefError(f"{text!r} is a wildcard; wildcards stand in a user's list of models only. {_FORM}")
    return ModelRef.parse(text) if SEPARATOR in text else BareName(text)


def parse_allowed(text: str) -> AllowedName:
    """Read one line of a user's list of models: a ref or a wildcard.

    Raises:
        InvalidRefError: The text is neither.

    Example:
        >>> parse_allowed("openai#*").matches(ModelRef("openai", "gpt-4o"))
        True
    """
    _check_text(text)
    if text == "*":
        return Wildcard()
    provider, separator, model = text.partition(SEPARATOR)
    if separator and model == "*":
        _check_provider(provider, text)
        return Wildcard(provider)
    if "*" in text:
        raise InvalidRefError(f"{text!r}: a wildcard is `*` or `provider#*`; it cannot stand inside a name.")
    return ModelRef.parse(text)


def _part(text: str, prefix: str) -> str:
    rest = text.removeprefix(prefix)
    if not rest:
        raise InvalidRefError(f"{text!r} names nothing after {prefix!r}.")
    return rest


def _experiment(text: str) -> ExperimentName:
    # A user id may hold colons of its own; an experiment's name may not.
    user_id, separator, experiment = text.removeprefix("user:").rpartition(":")
    if not (separator and user_id and experiment):
        raise InvalidRefError(f"{text!r} names no experiment. Write it as user:<user id>:<experiment>.")
    experiment, at, variant = experiment.partition("@")
    if at and not (experiment and variant):
        raise InvalidRefError(f"{text!r} names no variant. Write it as user:<user id>:<experiment>@<variant>.")
    return ExperimentName(user_id, experiment, variant or None)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise InvalidRefError(f"a model name is a string, not {type(text).__name__}. {_FORM}")
    if not text:
        raise InvalidRefError(f"a model name is empty. {_FORM}")
    if len(text) > LONGEST_NAME:
        raise InvalidRefError(f"a model name of {len(text)} characters is too long; {LONGEST_NAME} is the most.")


def _check_visible(text: str) -> None:
    # Tiers, users and experiments are named in any language, but not by what no eye sees or what turns a line around.
    odd = next((letter for letter in text if not letter.isprintable()), "")
    if odd:
        raise InvalidRefError(f"{text!r} holds {odd!r} (U+{ord(odd):04X}), which cannot be seen.")


def _check_provider(provider: str, text: str) -> None:
    if not _PROVIDER.fullmatch(provider):
        raise InvalidRefError(
            f"{text!r}: the provider {provider!r} may hold lower-case letters, digits, '.', '_' and '-' only. {_FORM}"
        )


def _check_model(model: str, text: str) -> None:
    if _MODEL.fullmatch(model):
        return
    # Letters that only look like ASCII, blanks and line ends would name another model than the eye reads.
    odd = next((letter for letter in model if not _MODEL.fullmatch(letter)), "")
    reason = f"holds {odd!r} (U+{ord(odd):04X}); plain ASCII without blanks only" if odd else "is empty"
    raise InvalidRefError(f"{text!r}: the model {reason}. {_FORM}")
