"""From a model's file to an OpenAI-shaped address on this machine, once a process."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from langchain_lucky_models.embedded.cache import require_path
from langchain_lucky_models.embedded.disk import digest_of
from langchain_lucky_models.embedded.hosting import Host
from langchain_lucky_models.embedded.table import DEFAULT_MODEL, MODELS
from langchain_lucky_models.errors import LocalModelError


class Servers:
    """The model servers of one process, each started when first asked for.

    Args:
        secret: Makes the first part of a server's paths. Whoever does not know it, another account of this machine
            or a web page in its browser, gets 404 from every path.
    """

    def __init__(self, secret: Callable[[], str] = lambda: secrets.token_urlsafe(18)) -> None:
        self._secret = secret
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Host, str]] = {}
        self._leaving = False

    def address(self, model: str) -> str:
        """The model's base URL, ending in `/v1`; its server is started if it does not run."""
        # Reading a dict is atomic: a call to a running server waits for nobody.
        return self._running_address(model) or self._start_once(model)

    def stop(self) -> None:
        """End every server of this process, and what they are answering."""
        with self._lock:
            hosts = [server for server, _ in self._running.values()]
            self._running = {}
            for server in hosts:
                server.let_go()

    def _running_address(self, model: str) -> str | None:
        running = self._running.get(model)
        return running[1] if running and running[0].alive else None

    def _start_once(self, model: str) -> str:
        with self._lock:
            if address := self._running_address(model):
                return address
            self._prepare_leaving()
            if dead := self._running.pop(model, None):
                dead[0].let_go()
            prefix = "/" + self._secret()
            server = Host({"model": model, "path": str(checked_path(model)), "prefix": prefix})
            address = f"{server.address}{prefix}/v1"
            self._running[model] = (server, address)
            return address

    def _prepare_leaving(self) -> None:
        """From the first server on, and not before: be ready for the end of the process and for its forks."""
        if self._leaving:
            return
        self._leaving = True
        atexit.register(self._leave)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def _leave(self) -> None:
        for server, _ in self._running.values():
            server.leave()

    def _renew_lock(self) -> None:
        # Another thread of the parent may have held it; that thread does not exist in the child.
        self._lock = threading.Lock()


def checked_path(model: str) -> Path:
    """The model's file, proven to be what was fetched.

    Raises:
        LocalModelError: It is not here, or not the same any more.
        UnknownModelError: There is no such model.
    """
    path = require_path(model)
    known = MODELS.get(model)
    if known is not None and digest_of(path) != known.file_sha256:
        raise LocalModelError(f"the file of local#{model} was changed. Fetch it anew with: lucky-models local pull")
    return path


_SERVERS: Final = Servers()


def serve(model: str = DEFAULT_MODEL) -> str:
    """The base URL of an OpenAI-shaped server for the model, started for this process at the first call.

    Asking costs microseconds while it runs, so ask before every use instead of keeping the answer: after a `stop`, or
    should the server have died, the next answer is another. A forked child shares its parent's server.

    Args:
        model: A name in `MODELS`, or of a GGUF file in the cache directory.

    Returns:
        `http://127.0.0.1:<port>/<secret>/v1`; no key is needed beside it.

    Raises:
        LocalModelError: The file is not here or damaged, or the server would not start.
        UnknownModelError: There is no such model.
        MissingExtraError: xllamacpp is not installed.
    """
    return _SERVERS.address(model)


def stop() -> None:
    """End every server of this process; the next `serve` starts anew. The end of the process does it by itself."""
    _SERVERS.stop()
