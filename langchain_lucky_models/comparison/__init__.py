"""The same prompts, asked of several models, tiers or experiments, and their answers side by side.

```
prompts.py    what is asked
targets.py    of whom
outline.py    all of it checked, before anybody is asked
course.py     whom to ask next, when to stop: decides everything
running.py    asks: the only tasks and the one thread
judging.py    who scores the answers
journal.py    the file that a comparison goes on from
rows.py       what came of one prompt at one target
figures.py    what shows when rows lie side by side
table.py      the result, in every form
progress.py   how far it is
```
"""

from langchain_lucky_models.comparison.figures import TargetSummary
from langchain_lucky_models.comparison.judging import JudgeFunction
from langchain_lucky_models.comparison.outline import ComparisonOptions, outline_of
from langchain_lucky_models.comparison.prompts import Prompt, PromptLike
from langchain_lucky_models.comparison.rows import Row
from langchain_lucky_models.comparison.running import acompare, compare
from langchain_lucky_models.comparison.table import Comparison
from langchain_lucky_models.comparison.targets import TargetsLike

__all__ = [
    "Comparison",
    "ComparisonOptions",
    "JudgeFunction",
    "Prompt",
    "PromptLike",
    "Row",
    "TargetSummary",
    "TargetsLike",
    "acompare",
    "compare",
    "outline_of",
]
