"""What happens in a registry, told to whoever subscribes. Telling it never waits, and never fails.

```
kinds.py      what can happen: one frozen class each
mailbox.py    what waits for one subscriber, and the thread that delivers it
events.py     who is told
```

Names load when they are first used: the catalog, which needs no event loop, knows the kinds alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_HOMES = {
    "BudgetAlert": "kinds",
    "ConfigRejected": "kinds",
    "ConfigReloaded": "kinds",
    "Event": "kinds",
    "Events": "events",
    "HealthChanged": "kinds",
    "LimitReached": "kinds",
    "ModelMigrated": "kinds",
    "ModelRegistered": "kinds",
    "ModelRemoved": "kinds",
    "ModelUpdated": "kinds",
    "PriceChanged": "kinds",
    "RolloutChanged": "kinds",
    "Subscriber": "mailbox",
    "Subscription": "events",
    "UsageRecorded": "kinds",
}

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


def __getattr__(name: str) -> object:
    """Load the module of a name when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
