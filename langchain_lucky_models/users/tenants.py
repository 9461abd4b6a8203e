"""One user of a registry: whose keys pay, which models are allowed, and from a name to those who are asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from langchain_lucky_models.asking.manners import OWN_WORDS, Choice, Line, Manner
from langchain_lucky_models.asking.members import Candidate
from langchain_lucky_models.catalog.entry import ModelEntry
from langchain_lucky_models.errors.base import (
    ModelNotAllowedError,
)
from langchain_lucky_models.keys import Credential, KeyMode, Secret
from langchain_lucky_models.providers.keywords import refuse_connection
from langchain_lucky_models.refs import ModelRef
from langchain_lucky_models.settings import UserConfig
from langchain_lucky_models.strategies import Strategy, first
from langchain_lucky_models.users.access import Reach, View
from langchain_lucky_models.users.allowlists import Allowlist
from langchain_lucky_models.users.cheaper import cheaper_for
from langchain_lucky_models.users.choices import Wish, choose, joined
from langchain_lucky_models.users.house import HOUSE, House, Provider, Resident


class Tenant(Resident):
    """One user's side of a house.

    Args:
        house: What all users share.
        mode: Whose keys pay.
        user_id: Who it is.
        models: The user's list.
        own: The user's own keys by provider.
        endpoints: The user's own servers.
    """

    def __init__(
        self,
        house: House,
        *,
        mode: KeyMode,
        user_id: str,
        models: Sequence[str],
        own: Mapping[str, Secret],
        endpoints: Mapping[str, Provider],
    ) -> None:
        super().__init__(house)
        self.mode = mode
        self.user_id = user_id
        self.allowed = Allowlist(models)
        self._own = own
        self._endpoints = MappingProxyType(dict(endpoints))
        self._credentials: dict[Provider, Credential] = {}

    @property
    def view(self) -> View:
        """The user's view of the models as of now."""
        allowed, led = self.allowed.today(self.catalog.state), partial(self.house.moves.tell, self.user_id)
        return View(allowed, self.catalog, self.reach, dt.datetime.now(dt.UTC).date(), led)

    @property
    def config(self) -> UserConfig:
        """The user's own experiments as of now."""
        return self.setup.user_configs.get(self.user_id) or UserConfig()

    def provider(self, name: str) -> Provider | None:
        """The provider of that name; the user's own comes before the registry's."""
        return self._endpoints.get(name) or self.setup.providers.get(name)

    def reach(self, name: str) -> Reach | None:
        """How a provider stands for this user."""
        provider = self.provider(name)
        if provider is None:
            return None
        refusal = None
        if not provider.settings.enabled:
            refusal = f"the provider {name!r} is disabled in providers= of create_llm_registry()."
        elif self._secret(provider) is None and (provider.needs_key or self._house_key_only(provider)):
            refusal = (
                f"this user brought no key for {name!r}; give api_keys={{{name!r}: …}} to for_user()."
                if self.mode == "byok"
                else f"the registry has no key for {name!r}; give it in fallback_keys= of create_llm_registry()."
            )
        return Reach(name, provider.family.open_catalog, refusal)

    def credential(self, provider: Provider) -> Credential:
        """Who pays for this user's calls to a provider; one object for each, so that connections are shared."""
        found = self._credentials.get(provider)
        if found is None:
            secret = self._secret(provider)
            shared = self.mode == "shared" or (secret is None and not provider.brought)
            owner = HOUSE if shared else f"user:{self.user_id}"
            found = self._credentials.setdefault(provider, provider.credential(owner, secret))
            for other in list(self._credentials):
                if other.name == provider.name and other is not provider:
                    self._credentials.pop(other, None)  # as it was set up before
        return found

    def choose(
        self, names: Sequence[str], *, require: Iterable[str] = (), min_context: int = 0, subject: str | None = None
    ) -> Choice:
        """Who is meant by one or several names, tiers and experiments among them.

        Args:
            names: As they were typed.
            require: Capabilities that a tier's models must have.
            min_context: Tokens that must fit them.
            subject: Who gets a variant of an A/B experiment; by default the user.

        Raises:
            SelectionError: A name leads to nobody whom this user may ask now.
        """
        wish = Wish(
            self.user_id,
            self.setup.config.tiers,
            self._known,
            frozenset(require),
            min_context,
            self.config,
            subject,
            self.setup.config.when_vanished,
        )
        return joined([choose(name, self.view, wish) for name in names])

    def line(
        self, asked: str, choice: Choice, strategy: str | Strategy[Any, Any] | None, params: Mapping[str, Any]
    ) -> Line:
        """Everybody a handle with these parameters asks.

        Raises:
            ForbiddenParameterError: A parameter says where or as whom to connect.
        """
        # Nothing given for a parameter leaves what a tier or an experiment says of it.
        both = {**choice.params, **{key: value for key, value in params.items() if value is not None}}
        given = {key: value for key, value in both.items() if value is not None}
        refuse_connection({**params, **given})
        own = {key: value for key, value in given.items() if key in OWN_WORDS}
        passed = tuple(sorted((key, value) for key, value in given.items() if key not in OWN_WORDS))
        manner = Manner.of(strategy or choice.strategy or "first", own)
        refs = choice.refs[:1] if manner.strategy is first else choice.refs
        self.check_reroutes({ref.provider for ref, _, _ in refs}, given)
        candidates = tuple(self.candidate(ref, entry, passed) for ref, entry, _ in refs)
        judge = self._judge(own.get("judge"))
        return Line(asked, candidates, manner, choice, judge, user_id=self.user_id, cheaper=partial(cheaper_for, self))

    def _judge(self, name: str | None) -> Candidate | None:
        """Who decides among answers: one of the user's own list, like everybody who is asked."""
        if name is None:
            return None
        ref, entry, _ = self.choose([name]).refs[0]
        return self.candidate(ref, entry, ())

    def check_reroutes(self, providers: Iterable[str], params: Mapping[str, Any]) -> None:
        """A router may be told which models to fall back to: only to those of the user's list.

        Raises:
            ModelNotAllowedError: Another one is named.
        """
        body = params.get("extra_body")
        inner = body.get("models") if isinstance(body, Mapping) else None
        for name in [*(params.get("models") or ()), *(inner or ())]:
            for provider in providers:
                if not self.allowed.allows(ModelRef(provider, str(name))):
                    raise ModelNotAllowedError(
                        f"models= names {provider}#{name}, which is not in this user's list.",
                        asked=f"{provider}#{name}",
                    )

    def usable_entries(self) -> list[ModelEntry]:
        """What is known of every model of the list that can be used now."""
        view = self.view
        known = ((ref, self._known(ref)) for ref in view.allowed.refs(view.catalog))
        return [entry for ref, entry in known if view.refusal(ref, entry) is None]

    def candidate(self, ref: ModelRef, entry: ModelEntry | None, params: tuple[tuple[str, object], ...]) -> Candidate:
        """Who is asked for a model, as this user, with these parameters."""
        provider = self.provider(ref.provider)
        assert provider is not None, "View.find and the tiers let only known providers through"  # noqa: S101
        return Candidate(
            ref=ref,
            entry=entry,
            family=provider.family,
            credential=self.credential(provider),
            base_url=provider.base_url,
            params=params,
            max_concurrency=provider.settings.max_concurrency,
            timeout=provider.settings.timeout,
            endpoint=f"{provider.name} of {self.user_id}" if provider.brought else provider.name,
        )

    def _known(self, ref: ModelRef) -> ModelEntry:
        """What the catalog knows; for a model of an open provider that it does not know, the little that is certain."""
        entry = self.catalog.get(ref, None)
        if entry is not None:
            return entry if entry.ref == ref else ModelEntry.model_validate({**entry.model_dump(), "id": ref.model})
        provider = self.provider(ref.provider)
        local = provider is not None and provider.family.kind in {"local", "ollama", "vllm"}
        return ModelEntry(provider=ref.provider, id=ref.model, price_state="local" if local else "unknown")

    def _secret(self, provider: Provider) -> Secret | None:
        secret = self._own.get(provider.name) if self.mode == "byok" else provider.secret
        return secret if secret is not None and secret.there else None

    def _house_key_only(self, provider: Provider) -> bool:
        """A server that the house pays for, by key or by headers, is not open to those who pay themselves."""
        paid = provider.secret is not None or bool(provider.settings.headers)
        return self.mode == "byok" and paid and not provider.brought

    def __repr__(self) -> str:
        return f"<Tenant {self.user_id}: {self.mode}, {len(self.allowed)} lines>"
