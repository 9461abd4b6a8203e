"""A new path instead of an old one: for some users, with an off switch; or beside it, to compare the two.

```
deciding.py     who gets the new path. Pure
switches.py     what holds now: configuration, environment, by hand
rollout.py      one feature: its decision, its calls, its report
rolled_out.py   two paths as one Runnable
rollouts.py     every feature of a registry
paths.py        functions, coroutines and Runnables, asked alike
shadow.py       which calls are tried on the new path too
backroom.py     where they run
tally.py        what they ask, and what it costs
purse.py        what they may spend
differences.py  how two answers differ. Pure
report.py       what came of it
```
"""

from langchain_lucky_models.rollout.deciding import Decision, Rule, decide
from langchain_lucky_models.rollout.report import Compared, RolloutReport
from langchain_lucky_models.rollout.rolled_out import RolledOut
from langchain_lucky_models.rollout.rollout import Rollout
from langchain_lucky_models.rollout.rollouts import Rollouts

__all__ = [
    "Compared",
    "Decision",
    "RolledOut",
    "Rollout",
    "RolloutReport",
    "Rollouts",
    "Rule",
    "decide",
]
