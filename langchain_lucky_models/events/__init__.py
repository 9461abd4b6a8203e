"""What happens in a registry, told to whoever subscribes. Telling it never waits, and never fails.

```
kinds.py      what can happen: one frozen class each
mailbox.py    what waits for one subscriber, and the thread that delivers it
events.py     who is told
```
"""

from __future__ import annotations

from langchain_lucky_models.events.events import Events, Subscription
from langchain_lucky_models.events.kinds import (
    BudgetAlert,
    ConfigRejected,
    ConfigReloaded,
    Event,
    HealthChanged,
    LimitReached,
    ModelMigrated,
    ModelRegistered,
    ModelRemoved,
    ModelUpdated,
    PriceChanged,
    RolloutChanged,
    UsageRecorded,
)
from langchain_lucky_models.events.mailbox import Subscriber

__all__ = [
    "BudgetAlert",
    "ConfigRejected",
    "ConfigReloaded",
    "Event",
    "Events",
    "HealthChanged",
    "LimitReached",
    "ModelMigrated",
    "ModelRegistered",
    "ModelRemoved",
    "ModelUpdated",
    "PriceChanged",
    "RolloutChanged",
    "Subscriber",
    "Subscription",
    "UsageRecorded",
]
