"""The operator's file: everything `create_llm_registry` takes that a file can say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from langchain_lucky_models.budgets.budget import distinct
from langchain_lucky_models.catalog.tiers import TIERS
from langchain_lucky_models.errors.base import ConfigError, InvalidRefError, did_you_mean, nearest_names
from langchain_lucky_models.refs import ExperimentName, parse_name
from langchain_lucky_models.settings.accounts import (
    BudgetList,
    LedgerConfig,
    LedgerSetting,
    LimitList,
    Policy,
    TrackConfig,
    UnknownPrice,
)
from langchain_lucky_models.settings.base import Settings, check_name, row_of, rows_of
from langchain_lucky_models.settings.providers import ProviderSettings
from langchain_lucky_models.settings.rollout import RolloutConfig, check_features
from langchain_lucky_models.settings.tiers import TierConfig

_REDIS = ("redis://", "rediss://", "unix://")


def _check_stand_in(name: str) -> None:
    try:
        parsed = parse_name(name)
    except InvalidRefError as error:
        raise InvalidRefError(f"when_vanished: {error}", field="when_vanished") from None
    if isinstance(parsed, ExperimentName):
        raise ConfigError(
            "when_vanished: a user's experiment stands in for nobody; name a ref or a tier.", field="when_vanished"
        )


class RegistryConfig(Settings):
    """What an operator may set in one file.

    Attributes:
        providers: Settings by provider.
        tiers: Tiers of the operator's own.
        default_tier: What `user.tier()` means.
        when_vanished: What is asked for in the place of a model that was retired or is gone, such as `tier:cheap`;
            nothing, and its users get an error that names the replacement.
        shared_state: `redis://host:port/db`, through which registries of many processes hear who rests.
        when_all_rest: Where every member of a call rests: `fail` at once, or `probe` whoever may be asked soonest.
        budgets: How much money for whom.
        limits: How many requests, tokens and calls at once for whom.
        ledger: Where the records of every attempt are kept; this process's memory where left out.
        on_ledger_failure: What becomes of calls while the ledger's database is away: by default they are refused
            where the house pays.
        unknown_price: What a call whose price nobody knows is held at under a budget: a ceiling in dollars, nothing
            (`allow`), or it is refused.
        limit_wait: Seconds that a call waits for room under a limit at most; as long as its timeout lets it where
            left out.
        catalog_limits: Whether the limits that providers publish for a model hold for each key.
        track: What is written down of a call.
        rollout: Features on their way from an old path to a new one.

    Example:
        >>> RegistryConfig.read({"tiers": {"quick": {"models": ["groq#*"]}}, "default_tier": "quick"}).default_tier
        'quick'
    """

    providers: Annotated[dict[str, ProviderSettings], rows_of(ProviderSettings, "providers")] = Field(
        default_factory=dict
    )
    tiers: Annotated[dict[str, TierConfig], rows_of(TierConfig, "tiers")] = Field(default_factory=dict)
    default_tier: str | None = None
    when_vanished: str | None = None
    shared_state: str | None = Field(default=None, repr=False)  # its address may hold a password
    when_all_rest: Literal["fail", "probe"] = "fail"
    budgets: BudgetList = ()
    limits: LimitList = ()
    ledger: LedgerSetting = None
    on_ledger_failure: Policy = "by_payer"
    unknown_price: UnknownPrice = "by_payer"
    limit_wait: float | None = Field(default=None, ge=0)
    catalog_limits: bool = False
    track: Annotated[TrackConfig, row_of(TrackConfig, "track")] = Field(default_factory=TrackConfig)
    rollout: Annotated[dict[str, RolloutConfig], rows_of(RolloutConfig, "rollout")] = Field(default_factory=dict)

    def model_post_init(self, _context: object, /) -> None:
        """Refuse names that nobody could type, and a default tier that is none."""
        for name in self.tiers:
            check_name(name, "tiers")
        known = [*self.tiers, *TIERS]
        if self.default_tier is not None and self.default_tier not in known:
            near = did_you_mean(nearest_names(self.default_tier, known))
            raise ConfigError(
                f"default_tier: there is no tier {self.default_tier!r}.{near} There are: {', '.join(known)}.",
                field="default_tier",
            )
        if self.when_vanished is not None:
            _check_stand_in(self.when_vanished)
        if self.shared_state is not None and not self.shared_state.startswith(_REDIS):
            raise ConfigError("shared_state is an address of a Redis: redis://host:port/db.", field="shared_state")
        check_features(self.rollout)
        self._check_accounts()

    def _check_accounts(self) -> None:
        try:
            distinct([row.budget() for row in self.budgets])
        except ConfigError as error:
            raise ConfigError(f"budgets: {error}", field="budgets") from None
        if self.budgets and not self.track.usage:
            raise ConfigError("track.usage: budgets are kept by records; leave it on.", field="track.usage")

    def but(self, **given: Any) -> RegistryConfig:
        """The same with what is given put over it; of providers, tiers and rollouts, row by row."""
        changes = {name: value for name, value in given.items() if value is not None}
        for name in ("providers", "tiers", "rollout"):
            if name in changes:
                own: dict[str, object] = getattr(self, name)
                changes[name] = {**own, **changes[name]}
        own_fields = {name: getattr(self, name) for name in type(self).model_fields}
        return RegistryConfig.read({**own_fields, **changes})

    def accounts(self) -> Mapping[str, Any]:
        """The settings of the accounts, by the names that `accounts_of` takes. Nothing is opened."""
        return {
            "budgets": [row.budget() for row in self.budgets],
            "limits": [row.limit() for row in self.limits],
            "ledger": self.ledger.ledger() if isinstance(self.ledger, LedgerConfig) else self.ledger,
            "on_ledger_failure": self.on_ledger_failure,
            "unknown_price": self.unknown_price,
            "limit_wait": self.limit_wait,
            "catalog_limits": self.catalog_limits,
            "shared_limits": self.shared_state,
            "recorded": self.track.usage,
            "timed": self.track.latency,
        }
