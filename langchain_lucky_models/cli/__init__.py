"""`lucky-models`: the catalog, the keys, a question, from a terminal.

```
root.py       the command itself: which commands there are, loaded when asked for
printing.py   tables, JSON, amounts
keyring.py    a registry over the keys of the environment
ask.py  config.py  models.py  show.py  tiers.py  local.py  doctor.py  demo.py     one command each
```
"""

from langchain_lucky_models.cli.root import main

__all__ = ["main"]
