"""Files that are read anew while they are in use: whole values are exchanged, and a bad edit changes nothing.

```
files.py      what stands in a file or a folder now
parts.py      the registry's file, a folder of users, a catalog overlay: from a text to what holds
status.py     how each file did
reloader.py   when a change is complete, and what became of it
watching.py   the thread that looks
```
"""

from __future__ import annotations

from langchain_lucky_models.reloading.files import reading_of
from langchain_lucky_models.reloading.parts import CatalogPart, Part, RegistryPart, UsersPart
from langchain_lucky_models.reloading.reloader import Reloader
from langchain_lucky_models.reloading.status import ConfigStatus

__all__ = ["CatalogPart", "ConfigStatus", "Part", "RegistryPart", "Reloader", "UsersPart", "reading_of"]
