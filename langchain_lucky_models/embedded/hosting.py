"""The application's end of one host process: started with an order, ended by letting go."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO, Final, cast

from langchain_lucky_models.embedded import host
from langchain_lucky_models.errors import LocalModelError
from langchain_lucky_models.extras import require

_HOST: Final = str(Path(host.__file__))


class Host:
    """A running host process.

    It ends when the last process lets go of the pipe to its standard input. That is also what the system does when a
    process ends, however it ends; and a forked child holds a copy of its own, so parent and child share the server.

    Args:
        order: What to serve.

    Attributes:
        address: The server's root, `http://127.0.0.1:<port>`.

    Raises:
        LocalModelError: The server would not start.
        MissingExtraError: xllamacpp is not installed.
    """

    def __init__(self, order: host.Order) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            require("xllamacpp", extra="local")
        self._owner = os.getpid()
        far_end, self._hold = os.pipe()
        try:
            # `-P` keeps the working directory off the module path.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", _HOST], stdin=far_end, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except BaseException:
            os.close(self._hold)
            raise
        finally:
            os.close(far_end)
        try:
            self.address = self._greet(order)
        except BaseException:
            self.let_go()
            raise

    @property
    def alive(self) -> bool:
        """Whether the process still runs; asked of the pipe, because only its parent may ask for the process."""
        if sys.platform == "win32":
            return self._process.poll() is None
        poll = select.poll()
        poll.register(self._hold, 0)
        return not poll.poll(0)

    def let_go(self) -> None:
        """End the process, or, in a forked child, only this child's hold on it."""
        os.close(self._hold)
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self.leave()

    def leave(self) -> None:
        """Leave the process to the system, which closes the pipe as the last thing of all.

        To end it any sooner would show an error to every thread that still awaits an answer.
        """
        self._process.returncode = 0  # or the object would warn that nobody waited for it

    def _greet(self, order: host.Order) -> str:
        """Hand over the order, by pipe because process lists show arguments, and hear where it is served."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._hold, json.dumps(order).encode() + b"\n")
        with cast("IO[bytes]", self._process.stdout) as answer:
            address = answer.readline().decode().strip()
        if not address:
            raise LocalModelError(
                f"local#{order['model']} would not start: its file is damaged or of an unknown kind, "
                "or memory is short."
            )
        return address
