"""What a provider family is: everything the core must know about one kind of server, and how its members are made.

A family first builds a *template*, a validated partner model on the wire's shared clients, and then cheap *members* of
it, one for each payer. Neither ever holds a key: a member sends a ticket, and the wire puts the key in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from langchain_core.language_models import BaseChatModel

from langchain_lucky_models import extras, keys
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import ConfigError
from langchain_lucky_models.providers import answers
from langchain_lucky_models.providers.listing import LISTING, Listing
from langchain_lucky_models.providers.profiles import profile_of
from langchain_lucky_models.wire import Wire


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """Everything that decides what a member looks like, except who pays.

    Attributes:
        provider: The provider as the registry names it.
        kind: Its family.
        model: The provider's own id of the model.
        base_url: Where its server is; never empty.
        params: What the caller gave, sorted by name: `temperature`, `timeout`, any keyword of the partner class.
        entry: What the catalog knows about the model, where it does.
    """

    provider: str
    kind: str
    model: str
    base_url: str
    params: tuple[tuple[str, object], ...] = ()
    entry: ModelEntry | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of server: what it asks for, and how a member of it is made.

    Attributes:
        kind: The family's name in settings.
        package: The partner package its members are made of.
        extra: The extra of this package that brings it.
        build: Makes the partner model of a spec, on the wire's clients, with a placeholder where the key would be.
        repay: Makes a cheap copy of a model that pays with another ticket.
        base_url: The official address, where there is one.
        key_env: The environment variable that customarily holds the key.
        needs_key: Whether the server answers nobody without one.
        open_catalog: Whether it may offer models that the catalog does not know.
        slow_start: Whether the first answer may take minutes because a model is loaded first.
        listing: How it is asked for its models.
        serve: Starts a server of our own for a model and tells its address; for families that have one.
        bound_word: The keyword of a request that bounds the tokens of its answer.
    """

    kind: str
    package: str
    extra: str
    build: Callable[[MemberSpec, Wire], BaseChatModel]
    repay: Callable[[BaseChatModel, str], BaseChatModel]
    base_url: str | None = None
    key_env: str | None = None
    needs_key: bool = True
    open_catalog: bool = False
    slow_start: bool = False
    listing: Listing = LISTING
    serve: Callable[[str], str] | None = None
    bound_word: str | None = "max_tokens"

    @property
    def origins(self) -> frozenset[str]:
        """The official origins, which a key of this family may be sent to."""
        return frozenset((origin_of(self.base_url),) if self.base_url else ())

    def address(self, model: str, base_url: str | None = None) -> str:
        """Where the model is served: the given address, else one that is started here, else the official one.

        Raises:
            ConfigError: There is none of the three.
        """
        if base_url:
            return base_url
        if self.serve is not None:
            return self.serve(model)
        if self.base_url is None:
            raise ConfigError(
                f"a provider of kind {self.kind!r} needs a base_url, such as http://localhost:8000/v1.",
                field="base_url",
            )
        return self.base_url

    def template(self, spec: MemberSpec, wire: Wire) -> BaseChatModel:
        """The validated partner model of a spec; it pays for nothing, and is kept to make members from.

        Raises:
            MissingExtraError: The partner package is not installed.
            ConfigError: A keyword is unknown, or its value is refused.
        """
        extras.require(self.package, extra=self.extra)
        model = self.build(spec, wire)
        if model.profile is None and spec.entry is not None:
            model.profile = profile_of(spec.entry)
        return model

    def member(self, template: BaseChatModel, ticket: str) -> BaseChatModel:
        """A copy of the template that pays with the ticket; it shares connections and settings, but no identity."""
        return self.repay(template, ticket)

    def ended(self, answer: answers.Answer) -> bool:
        """Whether the provider said that its answer is complete."""
        return answers.ended(answer)

    def finish(self, answer: answers.Answer) -> str | None:
        """Why the provider ended its answer, in its own word."""
        return answers.finish(answer)

    def reported_cost(self, answer: answers.Answer) -> Decimal | None:
        """What the provider itself says the answer cost, in dollars."""
        return answers.reported_cost(answer)

    def bounded(self, tokens: int) -> Mapping[str, int]:
        """The keyword of a request that bounds the answer; none, where only the model itself can be given one."""
        return {self.bound_word: tokens} if self.bound_word else {}

    def variant(self, kind: str, **changes: object) -> Family:
        """The same family under another name, for servers that differ in a few facts only."""
        return replace(self, kind=kind, **changes)  # type: ignore[arg-type]


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, without a default port.

    Example:
        >>> origin_of("https://api.openai.com:443/v1")
        'https://api.openai.com'
        >>> origin_of("http://localhost:8000/v1")
        'http://localhost:8000'
    """
    return keys.origin_of(url, where="base_url")
