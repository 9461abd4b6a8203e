"""What an operator, and a user, may set: in Python, or in a file.

```
base.py         frozen, strict, plain about errors: what all settings have in common
providers.py    how a provider is reached, where its key comes from
tiers.py        tiers of the operator's own
accounts.py     budgets, limits, the ledger
rollout.py      who gets a new path, and who has both compared
house.py        the operator's file as a whole
experiments.py  a user's file: named experiments
reading.py      bytes of a file, read without trusting its path or its size
trees.py        YAML and JSON to plain values with their places, without trusting the text
files.py        files to settings, with file, line and column in every error
```
"""

from langchain_lucky_models.settings.accounts import BudgetConfig, LedgerConfig, LimitConfig, TrackConfig
from langchain_lucky_models.settings.experiments import (
    ExperimentConfig,
    ExperimentDefaults,
    UserConfig,
    VariantConfig,
    schema_of,
)
from langchain_lucky_models.settings.files import Blueprint, Source
from langchain_lucky_models.settings.house import RegistryConfig
from langchain_lucky_models.settings.providers import ProviderSettings, environment_secret, file_secret
from langchain_lucky_models.settings.rollout import RolloutConfig, ShadowConfig
from langchain_lucky_models.settings.tiers import TierConfig

__all__ = [
    "Blueprint",
    "BudgetConfig",
    "ExperimentConfig",
    "ExperimentDefaults",
    "LedgerConfig",
    "LimitConfig",
    "ProviderSettings",
    "RegistryConfig",
    "RolloutConfig",
    "ShadowConfig",
    "Source",
    "TierConfig",
    "TrackConfig",
    "UserConfig",
    "VariantConfig",
    "environment_secret",
    "file_secret",
    "schema_of",
]
